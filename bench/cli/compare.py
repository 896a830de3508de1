"""`compare`: every comparison of ablations in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ablations import in_order
from bench.cli.json_output import JsonOption, answering
from bench.cli.options import ABLATION_HELP, ResultsOption, ReturnsOption, view_of
from bench.cli.output import check_ending, write_text
from bench.cli.text_tables import print_table
from bench.errors import InputError
from bench.formatting import command_line
from bench.requests.plan_request import stored_name
from bench.terminal.console import shown, wide_console
from bench.visible import visible

if TYPE_CHECKING:
    from bench.evidence.markdown import Section
    from bench.evidence.non_inferiority import Outcome
    from bench.store import View

CANNOT_TELL: Final = 3
"""The exit code of a comparison without a conclusion."""
MARGIN: Final = 0.1
"""The default of --margin."""


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
        float | None,
        typer.Option(
            "--margin",
            min=0.0,
            help="With --against: the share of the other folder's gain over the untrained policy "
            "that may be lost.",
            show_default=str(MARGIN),
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print each variant's difference to the one it is compared with, and what can be claimed.

    With --against, the exit code is 0 if nothing is worse, 1 if something is, 3 if one can't tell.
    """
    check_ending(output, (".md",), "tables")
    names = list(dict.fromkeys(stored_name(text) for text in ablations or ()))
    if against is not None:
        if output is not None:
            raise InputError("--output writes differences; --against has a verdict only")
        from bench.store import results_folder

        with answering(as_json) as answer:
            # Never the published results by default: they would be held against themselves.
            outcome = _judge_against(
                _views(names, results or results_folder(), returns),
                _views(names, against, returns),
                MARGIN if margin is None else margin,
                answer,
            )
            raise typer.Exit({"no worse": 0, "worse": 1, "can't tell": CANNOT_TELL}[outcome])
    if margin is not None:
        raise InputError("--margin is for --against")
    from bench.evidence.comparison import comparison
    from bench.evidence.pages.differences import section

    parts = []
    with answering(as_json) as answer:
        for name, view in _views(names, results, returns).items():
            differences = comparison(view)
            notes = [*differences.attrs["difference_notes"], *view.problems]
            part = section(str(view.plan["title"].iloc[0]), differences)
            part = replace(part, notes=(*part.notes, f"From {shown(view.source)}.", *notes))
            answer[name] = {"differences": differences.to_dict("records"), "notes": part.notes}
            _print(part)
            parts.append(part)
        if output is not None:
            options = [*(ablations or ()), *(["--returns", returns] * (returns != "training"))]
            made_by = command_line("compare", *options, results=results and Path(shown(results)))
            introduction = (
                "# What each ingredient buys\n\n"
                "Differences of scores to the variant compared with, over pairs of common seeds. "
                f"Made by `{made_by}`.\n"
            )
            page = "\n".join((introduction, *(part.markdown() for part in parts)))
            write_text(page, output, "the tables")
            print(f"Tables: {shown(output)}")


def _views(names: list[str], results: Path | None, returns: str) -> dict[str, View]:
    """Return the results of these ablations; of all that have any if none is named.

    Raises:
        InputError: a named ablation has no results, or none has any.
    """
    from bench.store import planned_ablations

    if names:
        return {name: view_of(name, results, returns) for name in names}
    views = {}
    reason = "there are no results to compare; train some with `python -m bench run`"
    for name in in_order(planned_ablations(results)):
        try:
            view = view_of(name, results, returns)
        except InputError as error:  # no run has finished yet, or none is evaluated
            reason = str(error)
            continue
        if len(view.runs):
            views[name] = view
    if not views:
        raise InputError(reason)
    return views


def _judge_against(
    new_views: dict[str, View], stored_views: dict[str, View], margin: float, answer: dict[str, Any]
) -> Outcome:
    """Print whether results are no worse than those of another folder; return the verdict."""
    from bench.evidence.measures.normalised import interval_text, number_text
    from bench.evidence.non_inferiority import hold_against

    common = [name for name in stored_views if name in new_views]
    if not common:
        raise InputError("the two folders have no ablation in common")
    stored = [stored_views[name] for name in common]
    title = shown(stored[0].source)
    held = hold_against([new_views[name] for name in common], stored, margin, title)
    header = ("variant", "environment", "seeds", "difference", "bounds", "verdict")
    cells = [
        (
            judged.variant,
            judged.environment,
            f"{judged.stored}, {judged.new}",
            number_text(judged.difference),
            interval_text(judged.low, judged.high),
            judged.outcome,
        )
        for judged in held.judged
    ]
    alignment = ("left", "left", "right", "right", "center", "left")
    print_table(wide_console(), f"Against {title}", header, alignment, cells)
    not_compared = [
        {"environment": environment, "variant": variant, "reason": reason}
        for (environment, variant), reason in sorted(held.not_compared.items())
    ]
    for cell in not_compared:
        print("Not compared: {variant} on {environment} ({reason}).".format(**cell))
    alone = in_order(stored_views.keys() ^ new_views.keys())
    for name in alone:
        print(f"Not compared: {name} ({'only' if name in stored_views else 'not'} in {title}).")
    print(
        f"{held.outcome}: differences are shares of the gain over the untrained policy, up to "
        f"{margin:g} may be lost; one-sided Welch bounds."
    )
    for note in held.notes:
        print(visible(note))
    answer |= {
        "verdict": held.outcome,
        "cells": [asdict(judged) for judged in held.judged],
        "not_compared": not_compared,
        "only_in_one": alone,
        "notes": held.notes,
    }
    return held.outcome


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
