"""`claims`: what the literature claims, and what the results say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.json_output import JsonOption, answering
from bench.cli.options import ResultsOption
from bench.cli.output import write_text
from bench.cli.words import shown
from bench.errors import InputError, unknown

if TYPE_CHECKING:
    from bench.evidence.claims import Judgement


def claims(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CLAIM]...", help="Names of claims.", show_default="all"),
    ] = None,
    results: ResultsOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="A .md file: writes them as a table too.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the claims of the literature, each with what runs or tests say of it."""
    from ablations.claims import CLAIMS

    if output is not None and output.suffix.lower() != ".md":
        raise InputError(f"cannot write claims as {str(output)!r}: its name must end in .md")
    for name in names or ():
        if name not in CLAIMS:
            raise unknown("claim", name, CLAIMS)
    judged = judged_claims(tuple(dict.fromkeys(names or CLAIMS)), results)
    with answering(as_json) as answer:
        for each in judged:
            answer[each.claim.name] = {"verdict": each.decision, "evidence": each.lines}
            print(f"{each.decision}: {each.claim.name}")
            print(f"    {each.claim.claim} ({each.claim.source})")
            for line in each.lines or (f"no runs of {each.claim.ablation}",):
                print(f"    * {line}")
        print(counts(judged))
        if output is not None:
            write_text(page(judged), output, "the claims")
            print(f"Table: {shown(output)}")


def judged_claims(names: tuple[str, ...], results: Path | None) -> tuple[Judgement, ...]:
    """The named claims judged, from the results folder or else the user's own and published ones.

    Raises:
        InputError: the results folder does not exist.
    """
    from ablations.claims import CLAIMS
    from bench.evidence.claims import judge_claims
    from bench.evidence.measures.anchors import anchors_for
    from bench.plan.lookup import load_ablation
    from bench.store import PUBLISHED, View, load, result_folders

    result_folders(results)
    by_ablation: dict[str, list[str]] = {}
    for name in names:
        by_ablation.setdefault(CLAIMS[name].ablation, []).append(name)
    judged: dict[str, Judgement] = {}
    anchors = cache(anchors_for)
    for ablation, chosen in by_ablation.items():
        view: View | None = None
        if ablation:
            with suppress(InputError):  # no results: the claims are not tested
                view = load(ablation, results)
        asked = load_ablation(ablation).environments if ablation else ()
        measured_by = anchors(PUBLISHED if view is None else view.source)
        judgements = judge_claims([CLAIMS[name] for name in chosen], view, asked, measured_by)
        judged |= {each.claim.name: each for each in judgements}
    return tuple(judged[name] for name in names)


def counts(judged: Sequence[Judgement]) -> str:
    """How many claims have each outcome: "12 supported, 3 contradicted, 9 can't tell"."""
    from bench.evidence.claims import OUTCOMES

    found = Counter(each.decision for each in judged)
    return ", ".join(f"{found[outcome]} {outcome}" for outcome in OUTCOMES if found[outcome])


def page(judged: Sequence[Judgement]) -> str:
    """The claims as a page of Markdown."""
    from bench.evidence.claims import section

    about = f"Made by `python -m bench claims`: {counts(judged)}."
    return f"{section(judged).markdown()}\n{about}\n"
