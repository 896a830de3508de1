"""`export`: an ablation's results for other programs."""

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
from bench.errors import InputError, unknown
from bench.file_names import file_name
from bench.formatting import count
from bench.terminal.console import shown

FORMATS = ("csv", "tensorboard", "latex")


def export(
    name: AblationArgument = None,
    *,
    ablation: NamedAblationOption = None,
    to: Annotated[str, typer.Option("--to", help="Format: csv, tensorboard or latex.")],
    results: ResultsOption = None,
    returns: ReturnsOption = "training",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="Folder to write to; for latex, a .tex file.",
            show_default="exports/ABLATION in your results folder",
        ),
    ] = None,
) -> None:
    """Write an ablation's results for other programs.

    csv: tidy tables. tensorboard: event files. latex: a table, a methods paragraph and BibTeX.
    """
    if to not in FORMATS:
        raise unknown("format", to, FORMATS)
    if to == "latex":
        check_ending(output, (".tex",), "LaTeX")
    from bench.evidence.findings import findings
    from bench.store.schema import RESULTS

    name = required_name(name, ablation)
    view = view_of(name, results, returns)
    runs = view.runs[view.runs["status"].isin(RESULTS)]
    failed = len(view.runs) - len(runs)
    if runs.empty:
        raise InputError(f"no run of {name} has a result to export; {count(failed, 'run')} failed")
    stem = file_name(name)
    folder = folder_for_files(results) / "exports" / stem
    if to == "csv":
        from bench.evidence.export.tidy import tidy_tables, write_csv

        analysis = findings(view)
        scores = analysis.scores[analysis.scores["status"].isin(RESULTS)]
        tidy = tidy_tables(analysis.tables, scores, view)
        if analysis.letters is not None:
            tidy["letters"] = analysis.letters.frame()
        paths = write_csv(tidy, output or folder / "csv")
        print(f"Exported from {shown(view.source)}: {', '.join(map(shown, paths))}")
    elif to == "tensorboard":
        from bench.evidence.export.event_files import write_event_files

        log_folder = output or folder / "tensorboard"
        run_folders = write_event_files(runs, view.episodes, view.updates, log_folder)
        runs_text = count(len(run_folders), "run")
        print(f"Exported from {shown(view.source)}: {runs_text} in {shown(log_folder)}")
        print(f"Look at them: tensorboard --logdir {shown(log_folder)}")
    else:
        from bench.evidence.export.latex import latex
        from bench.evidence.results import Results

        path = output or folder / f"{stem}.tex"
        document = latex(Results(view=view, source=shown(view.source), as_shown=False))
        files = {
            path: document.table,
            path.with_name(f"{path.stem}_methods.tex"): document.methods,
            path.with_suffix(".bib"): document.bibliography,
        }
        for file, text in files.items():
            write_text(text, file)
        print(f"Exported from {shown(view.source)}: {', '.join(map(shown, files))}")
    if failed:
        print(f"Left out: {count(failed, 'run')} that failed.")
    for line in (*view.mixed, *view.problems):
        print(line)
