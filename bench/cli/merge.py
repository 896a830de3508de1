"""`merge`: results made on several machines, put together into one results folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.interruption import interruptible
from bench.errors import InputError
from bench.formatting import count, seed_ranges
from bench.terminal.console import shown, wide_console

if TYPE_CHECKING:
    from bench.store import Merging


def merge(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="DIR", help="Results folders to merge, local or published."),
    ],
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            help="The results folder to merge into.",
            show_default="$PPO_LADDER_RESULTS, else results/local",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Where results differ, keep those of DIR.")
    ] = False,
) -> None:
    """Merge results folders into one: runs, policies, plans and throughput."""
    from bench.store import merge as merge_store
    from bench.store import results_folder

    target = into or results_folder()
    console = wide_console()
    complete, merged = True, False
    with interruptible("Interrupted. What was merged is kept; the same command continues."):
        for source in sources:
            try:
                with console.status(f"merging {shown(source)}"):
                    merging = merge_store(source, target, replace=replace, declared=_environments)
            except InputError as error:
                # The other folders can still be merged.
                print("error:", error, file=sys.stderr)
                complete = False
                continue
            merged = True
            print(f"{shown(source)}: {_summary(merging)}")
            for line in (*_conflicts(merging), *merging.problems):
                print(f"    {line}")
            unresolved = (merging.conflicts or merging.contested) and not replace
            complete = complete and not unresolved and not merging.problems
            if unresolved:
                print("    what was there is kept; --replace takes this folder's")
    if not merged:
        raise typer.Exit(2)
    print(f"Results: {shown(target)}")
    if not complete:
        raise typer.Exit(1)


def _environments(ablation: str) -> Sequence[str]:
    """Return the environments of a suite's ablation, in its order; empty for a user's own."""
    from ablations import ABLATIONS
    from bench.plan.lookup import load_ablation

    return load_ablation(ablation).environments if ablation in ABLATIONS else ()


def _summary(merging: Merging) -> str:
    added = count(len(merging.added) + len(merging.mended), "run") + " added"
    if merging.mended:
        added += f" ({len(merging.mended)} in place of failed ones)"
    parts = [
        added,
        f"{len(merging.same):,} already there",
        count(len(merging.conflicts), "conflict"),
    ]
    if merging.sessions:
        parts.append(count(len(merging.sessions), "throughput session"))
    return ", ".join(parts)


def _conflicts(merging: Merging) -> Iterator[str]:
    """Yield what differs, one line per description and reason."""
    outcome = "replaced" if merging.replaced else "kept"
    seeds: dict[tuple[str, str], list[int]] = {}
    for conflict in merging.conflicts:
        name = (
            f"{conflict.algorithm} in {conflict.environment} (description {conflict.description})"
        )
        seeds.setdefault((name, conflict.reason), []).append(conflict.seed)
    for (name, reason), numbers in seeds.items():
        yield f"{name}, seeds {seed_ranges(numbers)}: {reason}, {outcome}"
    for ablation, environment in merging.contested:
        yield f"plan of {ablation}, {environment}: asks for other runs, {outcome}"
