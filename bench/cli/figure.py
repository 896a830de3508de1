"""`figure`: an ablation's learning curves and tables, from results that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import AblationOption, ResultsOption, stored_name
from bench.cli.other_code import of_other_code, place_and_edition
from bench.cli.output import write_text
from bench.cli.words import shown
from bench.errors import InputError, unknown
from bench.file_names import file_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.store import View


AXES = ("steps", "seconds", "kl")


def figure(
    ablation: AblationOption,
    results: ResultsOption = None,
    x: Annotated[
        str | None,
        typer.Option(
            "--x",
            help="steps, seconds, or kl: rewards against the KL to the reference.",
            show_default="steps; kl for sequence",
        ),
    ] = None,
    statistic: Annotated[
        str | None,
        typer.Option("--statistic", help="iqm or mean.", show_default="iqm; mean for experiment"),
    ] = None,
    paper: Annotated[
        bool,
        typer.Option(
            "--paper/--no-paper", help="experiment: the PPO paper's values beside the curves."
        ),
    ] = True,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="A .png, .pdf or .svg file; experiment: NAME_seeds.png and so on too.",
            show_default="figures/ABLATION.png in your results folder",
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="A .md file: writes the tables too, as Markdown.")
    ] = None,
) -> None:
    """Draw an ablation's learning curves: your results if there are some, else the published."""
    from bench.evidence.figures.output import check_output, save
    from bench.evidence.findings import page_of
    from bench.store import load, results_folder

    if output is not None:
        check_output(output)
    if table is not None and table.suffix.lower() != ".md":
        raise InputError(f"cannot write tables as {str(table)!r}: its name must end in .md")
    if x is not None and x not in AXES:
        raise unknown("x axis", x, AXES)
    name = stored_name(ablation)
    view = load(name, results)
    page = page_of(view.plan)
    own = "kl" if page == "kl" else "steps"
    x = x or own
    file = f"{file_name(name)}{'' if x == own else '_' + x}.png"
    path = output or (results or results_folder()) / "figures" / file
    shows = statistic or ("mean" if page == "figure_3" else "iqm")  # the figure's is the mean
    notes: tuple[str, ...] = ()
    # Figure 3 is drawn against steps; against seconds the experiment is an ablation like others.
    if page == "figure_3" and x == "steps":
        drawn, notes = _experiment(view, path, shows, paper)
    elif x == "kl":
        drawn = {path: _against_divergence(view, shows)}
    else:
        drawn = {path: _learning_curves(view, x, shows)}
    written = [shown(save(figure, where)) for where, figure in drawn.items()]
    print(f"Drawn from {place_and_edition(view)}: {', '.join(written)}")
    if table is not None:
        write_text(_tables(view), table, "the tables")
        print(f"Tables: {shown(table)}")
    for line in (*notes, *of_other_code(view.runs), *view.mixed, *view.problems):
        print(line)


def _learning_curves(view: View, x: str, statistic: str) -> Figure:
    from bench.evidence.figures.learning_curves import learning_curves

    return learning_curves(
        view.runs,
        view.episodes,
        view.updates,
        title=str(view.plan["question"].iloc[0]),
        source=place_and_edition(view),
        control=_control(view),
        x=x,  # type: ignore[arg-type]  # checked, with a clear error, where it is used
        statistic=statistic,  # type: ignore[arg-type]
    )


def _against_divergence(view: View, statistic: str) -> Figure:
    from bench.evidence.figures.reference_kl import reward_against_divergence

    return reward_against_divergence(
        view.runs,
        view.episodes,
        view.updates,
        title=str(view.plan["question"].iloc[0]),
        source=place_and_edition(view),
        control=_control(view),
        statistic=statistic,  # type: ignore[arg-type]
    )


def _control(view: View) -> str | None:
    """The control, if it has runs."""
    control = str(view.plan["control"].iloc[0])
    return control if control in set(view.runs["variant"]) else None


def _experiment(
    view: View, path: Path, statistic: str, paper: bool
) -> tuple[dict[Path, Figure], tuple[str, ...]]:
    """Both pages by where they go, and what there is to say."""
    from bench.evidence.figures.figure_3 import experiment

    pages = experiment(
        view.plan,
        view.runs,
        view.episodes,
        view.updates,
        source=place_and_edition(view),
        statistic=statistic,  # type: ignore[arg-type]
        paper=paper,
    )
    seeds = path.with_name(f"{path.stem}_seeds{path.suffix}")
    notes = (f"Not there yet: {pages.missing}.",) if pages.missing else ()
    return {path: pages.curves, seeds: pages.seeds}, notes


def _tables(view: View) -> str:
    """The ablation's tables as Markdown."""
    from bench.evidence.findings import findings, page_of
    from bench.evidence.measures.anchors import anchors_for
    from bench.evidence.pages.reference_kl import section as kl_section
    from bench.store.editions import edition_note
    from bench.visible import visible

    marked = (*edition_note(view.runs), *view.mixed)
    page, anchors = page_of(view.plan), anchors_for(view.source)
    found = findings(view, anchors=anchors)
    if page == "figure_3":
        from bench.evidence.pages.figure_3.page import experiment_page

        return experiment_page(view.plan, found, anchors, notes=marked)
    title, question = (visible(view.plan[column].iloc[0]) for column in ("title", "question"))
    parts = [f"## {title}\n\n{question}\n"]
    if page == "table_1":
        from bench.evidence.measures.normalised import untrained_values
        from bench.evidence.pages.table_1 import section, surrogates

        zeros = untrained_values(anchors.untrained_scores, "last_100")
        rows = surrogates(view.plan, found.scores, zeros)
        parts.append(section(view.plan, found.scores, rows).markdown())
    for table in found.tables:
        parts.append(table.markdown())
        if found.with_kl is not None:
            here = kl_section(table.environment, found.with_kl, found.golden)
            parts.append(here.markdown())
    parts += [f"* {visible(note)}\n" for note in (*found.notes, *marked)]
    return "\n".join(parts)
