"""`compare`: every comparison of ablations in one table."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.json_output import JsonOption, answering
from bench.cli.options import ABLATION_HELP, ResultsOption, stored_name
from bench.cli.other_code import place_and_edition
from bench.cli.output import write_text
from bench.cli.text_tables import print_table
from bench.cli.words import shown, wide_console
from bench.errors import InputError
from bench.visible import visible

if TYPE_CHECKING:
    from bench.evidence.markdown import Section


def compare(
    ablations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ABLATION]...", help=ABLATION_HELP, show_default="all with results"
        ),
    ] = None,
    results: ResultsOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="A .md file: writes the tables too.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print each variant's difference to the one it is compared with, and what can be claimed."""
    if output is not None and output.suffix.lower() != ".md":
        raise InputError(f"cannot write tables as {str(output)!r}: its name must end in .md")
    from bench.evidence.comparison import comparison
    from bench.evidence.pages.differences import section
    from bench.store import load

    names = [stored_name(text) for text in ablations or ()] or list(_with_results(results))
    if not names:
        raise InputError("there are no results to compare; train some with `python -m bench run`")
    parts = []
    with answering(as_json) as answer:
        for name in dict.fromkeys(names):
            view = load(name, results)
            compared = comparison(view)
            answer[name] = compared.to_dict("records")
            part = section(str(view.plan["title"].iloc[0]), compared)
            part = replace(
                part, notes=(*part.notes, f"From {place_and_edition(view)}.", *view.mixed)
            )
            _print(part)
            parts.append(part)
        if output is not None:
            arguments = ["python", "-m", "bench", "compare", *(ablations or ())]
            about = (
                "# What each ingredient buys\n\n"
                "Differences of scores to the variant compared with, over pairs of common seeds. "
                f"Made by `{shlex.join(arguments)}`.\n"
            )
            page = "\n".join((about, *(part.markdown() for part in parts)))
            write_text(page, output, "the tables")
            print(f"Tables: {shown(output)}")


def _with_results(results: Path | None) -> Iterator[str]:
    """The suite's ablations that have results, in the lecture's order."""
    from ablations import ABLATIONS
    from bench.store import Store, result_folders

    places = map(Store, result_folders(results))
    planned = {name for place in places for name in place.plans()["ablation"].to_pylist()}
    return (name for name in ABLATIONS if name in planned)


def _print(part: Section) -> None:
    console = wide_console()
    if part.cells:
        title = part.heading.removeprefix("## ")
        print_table(console, title, part.header, part.alignment, part.cells)
    for note in part.notes:
        print(visible(note))
