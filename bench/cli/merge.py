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
            "--into", help="The results folder to merge into.", show_default="results/local"
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
    whole = True
    with interruptible("Interrupted. What was merged is kept; the same command continues."):
        for source in sources:
            try:
                with console.status(f"merging {shown(source)}"):
                    done = merge_store(source, target, replace=replace, declared=_environments)
            except InputError as error:
                # The other folders can still be merged.
                print("error:", error, file=sys.stderr)
                whole = False
                continue
            print(f"{shown(source)}: {_counted(done)}")
            for line in (*_conflicts(done), *done.problems):
                print(f"    {line}")
            left = (done.conflicts or done.contested) and not replace
            whole = whole and not left and not done.problems
            if left:
                print("    what was there is kept; --replace takes this folder's")
    print(f"Results: {shown(target)}")
    if not whole:
        raise typer.Exit(1)


def _environments(ablation: str) -> Sequence[str]:
    """Return the environments of a suite's ablation, in its order; empty for a user's own."""
    from ablations import ABLATIONS
    from bench.plan.lookup import load_ablation

    return load_ablation(ablation).environments if ablation in ABLATIONS else ()


def _counted(done: Merging) -> str:
    added = count(len(done.added) + len(done.mended), "run") + " added"
    if done.mended:
        added += f" ({len(done.mended)} in place of failed ones)"
    told = [
        added,
        f"{len(done.same):,} already there",
        count(len(done.conflicts), "conflict"),
    ]
    if done.sessions:
        told.append(count(len(done.sessions), "throughput session"))
    return ", ".join(told)


def _conflicts(done: Merging) -> Iterator[str]:
    """Yield what differs, one line per description and reason."""
    outcome = "replaced" if done.replaced else "kept"
    seeds: dict[tuple[str, str], list[int]] = {}
    for each in done.conflicts:
        name = f"{each.algorithm} in {each.environment} (description {each.description})"
        seeds.setdefault((name, each.reason), []).append(each.seed)
    for (name, reason), numbers in seeds.items():
        yield f"{name}, seeds {seed_ranges(numbers)}: {reason}, {outcome}"
    for ablation, environment in done.contested:
        yield f"plan of {ablation}, {environment}: asks for other runs, {outcome}"
