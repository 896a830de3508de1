"""`compare`: every comparison of ablations in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bench.cli.json_output import JsonOption, answering
from bench.cli.options import ABLATION_HELP, ResultsOption, ReturnsOption, view_of
from bench.cli.output import check_ending, write_text
from bench.cli.text_tables import print_table
from bench.errors import InputError
from bench.requests.plan_request import stored_name
from bench.terminal.console import command_line, shown, wide_console
from bench.visible import visible

if TYPE_CHECKING:
    import pandas as pd

    from bench.evidence.markdown import Section
    from bench.evidence.non_inferiority import Outcome

CANNOT_TELL: Final = 3
"""The exit code of a comparison without a conclusion."""


def compare(
    ablations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ABLATION]...", help=ABLATION_HELP, show_default="all with results"
        ),
    ] = None,
    results: ResultsOption = None,
    returns: ReturnsOption = "training",
    output: Annotated[
        Path | None, typer.Option("--output", help="Also write the tables to this .md file.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            help="Test whether these results are no worse than those of this other results folder.",
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            "--margin",
            min=0.0,
            help="With --against: the share of the other folder's gain over the untrained policy "
            "that may be lost.",
        ),
    ] = 0.1,
    as_json: JsonOption = False,
) -> None:
    """Print each variant's difference to the one it is compared with, and what can be claimed.

    With --against, the exit code is 0 if nothing is worse, 1 if something is, 3 if one can't tell.
    """
    check_ending(output, (".md",), "tables")
    from bench.evidence.comparison import comparison
    from bench.evidence.pages.differences import section

    folders = [results] if against is None else [results, against]
    names = [stored_name(text) for text in ablations or ()] or _with_results(*folders)
    if not names:
        raise InputError("there are no results to compare; train some with `python -m bench run`")
    if against is not None:
        with answering(as_json) as answer:
            outcome = _judge_against(list(dict.fromkeys(names)), results, against, margin, answer)
            raise typer.Exit({"no worse": 0, "worse": 1, "can't tell": CANNOT_TELL}[outcome])
    parts = []
    with answering(as_json) as answer:
        for name in dict.fromkeys(names):
            view = view_of(name, results, returns)
            differences = comparison(view)
            answer[name] = differences.to_dict("records")
            part = section(str(view.plan["title"].iloc[0]), differences)
            part = replace(part, notes=(*part.notes, f"From {shown(view.source)}.", *view.mixed))
            _print(part)
            parts.append(part)
        if output is not None:
            introduction = (
                "# What each ingredient buys\n\n"
                "Differences of scores to the variant compared with, over pairs of common seeds. "
                f"Made by `{command_line('compare', *(ablations or ()))}`.\n"
            )
            page = "\n".join((introduction, *(part.markdown() for part in parts)))
            write_text(page, output, "the tables")
            print(f"Tables: {shown(output)}")


def _judge_against(
    names: list[str], results: Path | None, against: Path, margin: float, answer: dict[str, Any]
) -> Outcome:
    """Print whether the results are no worse than another folder's; return the overall verdict."""
    import pandas as pd

    from bench.evidence.measures.anchors import anchors_for
    from bench.evidence.measures.cells import cell_values, rows_by_cell, why_unlike
    from bench.evidence.measures.normalised import interval_text, number_text
    from bench.evidence.measures.scores import score_runs
    from bench.evidence.non_inferiority import judge, overall
    from bench.store import load

    def scores_of(folder: Path | None) -> pd.DataFrame:
        frames = []
        for name in names:
            view = load(name, folder)
            scores = score_runs(view.runs, view.episodes, view.updates)
            frames.append(scores.assign(variant=f"{name}: " + scores["variant"].astype(str)))
        return pd.concat(frames, ignore_index=True)

    stored, new = scores_of(against), scores_of(results)
    stored_rows, new_rows = rows_by_cell(stored), rows_by_cell(new)
    title = shown(against)
    unlike = {
        cell: reason
        for cell in stored_rows.keys() & new_rows.keys()
        if (reason := why_unlike(new_rows[cell], stored_rows[cell], title))
    }
    one_sided = {cell: f"not in {title}" for cell in new_rows if cell not in stored_rows}
    one_sided |= {cell: f"only in {title}" for cell in stored_rows if cell not in new_rows}
    not_compared = [
        {"environment": environment, "variant": variant, "reason": reason}
        for (environment, variant), reason in sorted({**unlike, **one_sided}.items())
    ]
    like = {cell: values for cell, values in cell_values(stored).items() if cell not in unlike}
    judgements = judge(like, cell_values(new), anchors_for(against).untrained_means, margin)
    if not judgements and not unlike:
        raise InputError("the two folders have no variant and environment in common")
    header = ("variant", "environment", "seeds", "difference", "bounds", "verdict")
    cells = [
        (
            judgement.variant,
            judgement.environment,
            f"{judgement.stored}, {judgement.new}",
            number_text(judgement.difference),
            interval_text(judgement.low, judgement.high),
            judgement.outcome,
        )
        for judgement in judgements
    ]
    alignment = ("left", "left", "right", "right", "center", "left")
    print_table(wide_console(), f"Against {title}", header, alignment, cells)
    for cell in not_compared:
        print("Not compared: {variant} on {environment} ({reason}).".format(**cell))
    outcome = overall(judgements)
    if unlike and outcome == "no worse":
        outcome = "can't tell"
    print(
        f"{outcome}: differences are shares of the gain over the untrained policy, up to "
        f"{margin:g} may be lost; one-sided Welch bounds."
    )
    answer |= {
        "verdict": outcome,
        "cells": [asdict(judgement) for judgement in judgements],
        "not_compared": not_compared,
    }
    return outcome


def _with_results(*folders: Path | None) -> list[str]:
    """The suite's ablations that have results in all of these folders, in the lecture's order."""
    from ablations import ABLATIONS
    from bench.store import planned_ablations

    planned = [planned_ablations(folder) for folder in folders]
    return [name for name in ABLATIONS if all(name in names for names in planned)]


def _print(part: Section) -> None:
    """Print a table per environment, and the notes once."""
    console, title = wide_console(), part.heading.removeprefix("## ")
    index = part.header.index("environment")

    def without_environment(row: Sequence[str]) -> tuple[str, ...]:
        return (*row[:index], *row[index + 1 :])

    header, alignment = without_environment(part.header), without_environment(part.alignment)
    for environment in dict.fromkeys(row[index] for row in part.cells):
        rows = [without_environment(row) for row in part.cells if row[index] == environment]
        print_table(console, f"{title}, {environment}", header, alignment, rows)
    for note in part.notes:
        print(visible(note))
