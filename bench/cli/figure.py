"""`figure`: pictures of an ablation and its tables, from stored results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import (
    AblationArgument,
    NamedAblationOption,
    ResultsOption,
    ReturnsOption,
    required_name,
    view_of,
)
from bench.cli.output import check_ending, folder_for_files, write_text
from bench.errors import unknown
from bench.file_names import file_name
from bench.requests.other_code import of_other_code
from bench.terminal.console import shown

AXES = ("steps", "seconds", "kl")
CAPTIONS = (".txt", ".md", ".tex")


def figure(
    name: AblationArgument = None,
    *,
    ablation: NamedAblationOption = None,
    results: ResultsOption = None,
    returns: ReturnsOption = "training",
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="Kind of figure: curves, seeds (every seed's curve), scores, differences, "
            "profile, mechanism, figure_3 or kl.",
            show_default="the kind of the ablation's page",
        ),
    ] = None,
    x: Annotated[
        str | None,
        typer.Option(
            "--x",
            help="Horizontal axis: steps, seconds, or kl (the KL to the reference).",
            show_default="steps; kl for sequence",
        ),
    ] = None,
    statistic: Annotated[
        str | None,
        typer.Option(
            "--statistic",
            help="Statistic over seeds: iqm or mean.",
            show_default="iqm; mean for experiment",
        ),
    ] = None,
    paper: Annotated[
        bool | None,
        typer.Option(
            "--paper/--no-paper",
            help="With figure_3: show the PPO paper's values beside the curves.",
            show_default="paper",
        ),
    ] = None,
    variants: Annotated[
        list[str] | None,
        typer.Option(
            "--variant", help="Show only this variant, repeatable.", show_default="all with runs"
        ),
    ] = None,
    environments: Annotated[
        list[str] | None,
        typer.Option(
            "--env", help="Show only this environment, repeatable.", show_default="all with runs"
        ),
    ] = None,
    width: Annotated[
        str | None,
        typer.Option(
            "--width",
            metavar="column|page|INCHES",
            help="Width of the figure: column (3.3 inches), page (7 inches), or inches.",
            show_default="for a screen",
        ),
    ] = None,
    font_size: Annotated[
        float | None,
        typer.Option(
            "--font-size",
            metavar="PT",
            help="Font size of names in the figure, in points.",
            show_default="8.5; column 7",
        ),
    ] = None,
    title: Annotated[
        bool,
        typer.Option("--title/--no-title", help="Put the ablation's question above the figure."),
    ] = True,
    caption: Annotated[
        Path | None,
        typer.Option(
            "--caption",
            help="Write the caption to this .txt, .md or .tex file instead of into the figure.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="The figure's file: .png, .pdf or .svg.",
            show_default="figures/ABLATION.png in your results folder",
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="Also write the tables to this .md file.")
    ] = None,
) -> None:
    """Draw an ablation's figure from your results, or from the published ones if you have none."""
    from bench.evidence.figures.kinds import KINDS, default_kind, in_inches, picture
    from bench.evidence.figures.output import check_output, save
    from bench.evidence.pages.tables_page import tables_as_markdown
    from bench.evidence.results import Results

    if output is not None:
        check_output(output)
    check_ending(table, (".md",), "tables")
    check_ending(caption, CAPTIONS, "a caption")
    for noun, value, allowed in (("x axis", x, AXES), ("kind of figure", kind, KINDS)):
        if value is not None and value not in allowed:
            raise unknown(noun, value, allowed)
    in_inches(width)
    name = required_name(name, ablation)
    view = view_of(name, results, returns)
    if returns != "training":
        kind = kind or "scores"  # all of a policy's episodes stand at the end of its training
    evidence = Results(view=view, source=shown(view.source))
    default = default_kind(evidence.page)
    drawn_kind = kind or _kind_of(x, default)
    suffix = f"_{kind}" if kind and kind != default else ""
    suffix += "" if returns == "training" else f"_{returns}"
    if kind is None and x is not None and (x == "seconds" or drawn_kind != default):
        suffix = f"_{x}"
    # A part of the picture doesn't replace the whole one.
    stem = file_name("_".join([f"{name}{suffix}", *(variants or ()), *(environments or ())]))
    path = output or folder_for_files(results) / "figures" / f"{stem}.png"
    drawing = picture(
        evidence,
        drawn_kind,
        width=width,
        font_size=font_size,
        variants=variants,
        environments=environments,
        title=title,
        caption=caption is None,
        x=None if x == drawn_kind or (drawn_kind == "figure_3" and x == "steps") else x,
        statistic=statistic,
        paper=paper,
    )
    print(f"Drawn from {shown(view.source)}: {shown(save(drawing.figure, path))}")
    if caption is not None:
        write_text(_in_format(drawing.caption, caption.suffix.lower()), caption, "the caption")
        print(f"Caption: {shown(caption)}")
    if table is not None:
        write_text(tables_as_markdown(view), table, "the tables")
        print(f"Tables: {shown(table)}")
    notes = [f"Not there yet: {drawing.missing}."] if drawing.missing else []
    for line in (*notes, *of_other_code(view.runs), *view.mixed, *view.problems):
        print(line)


def _kind_of(x: str | None, default: str) -> str:
    """Return the kind of figure for a horizontal axis if no kind is given."""
    if x is None or x == "kl":
        return default if x is None else "kl"
    return default if default == "figure_3" and x == "steps" else "curves"


def _in_format(paragraphs: tuple[str, ...], ending: str) -> str:
    if ending == ".tex":
        from bench.evidence.export.latex import escaped

        paragraphs = tuple(map(escaped, paragraphs))
    return "\n\n".join(paragraphs) + "\n"
