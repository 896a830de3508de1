"""`claims`: what the literature claims, and what the results say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.json_output import JsonOption, answering
from bench.cli.options import ResultsOption
from bench.cli.output import check_ending, write_text
from bench.errors import unknown
from bench.terminal.console import shown
from bench.visible import visible

if TYPE_CHECKING:
    from bench.evidence.claims import Judgement


def claims(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CLAIM]...",
            help="Names of claims, as this command prints them.",
            show_default="all",
        ),
    ] = None,
    results: ResultsOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Also write the claims as a table to this .md file."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print what papers claim, and whether the stored runs or the tests support it."""
    from ablations.claims import CLAIMS

    check_ending(output, (".md",), "claims")
    for name in names or ():
        if name not in CLAIMS:
            raise unknown("claim", name, CLAIMS)
    from bench.evidence.claims import counts, judged_claims

    judgements, notes = judged_claims(tuple(dict.fromkeys(names or CLAIMS)), results)
    with answering(as_json) as answer:
        for judgement in judgements:
            answer[judgement.claim.name] = {
                "verdict": judgement.decision,
                "evidence": judgement.lines,
            }
            print(f"{judgement.decision}: {judgement.claim.name}")
            print(f"    {judgement.claim.claim} ({judgement.claim.source})")
            for line in judgement.lines or (f"no runs of {judgement.claim.ablation}",):
                print(f"    * {line}")
        print(counts(judgements))
        for note in notes:
            print(visible(note))
        if output is not None:
            write_text(claims_page(judgements, notes), output, "the claims")
            print(f"Table: {shown(output)}")


def claims_page(judgements: Sequence[Judgement], notes: Sequence[str]) -> str:
    """Return the claims as a page of Markdown, with what a reader must know of the results."""
    from bench.evidence.claims import counts, section

    table = section(judgements)
    table = replace(table, notes=(*table.notes, *notes))
    origin = f"Made by `python -m bench claims`: {counts(judgements)}."
    return f"{table.markdown()}\n{origin}\n"
