"""`publish`: copy an ablation's results into the published reference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import ResultsOption
from bench.formatting import count
from bench.terminal.console import shown


def publish(
    ablations: Annotated[
        list[str], typer.Option("--ablation", help="Name of an ablation to publish, repeatable.")
    ],
    results: ResultsOption = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            help="The published results folder to merge into.",
            show_default="results/published",
        ),
    ] = None,
    policies: Annotated[
        bool, typer.Option("--policies", help="Publish the trained policies too.")
    ] = False,
) -> None:
    """Copy the results of ablations into a published results folder."""
    from bench.store import PUBLISHED, Store, results_folder
    from bench.store.publishing import publish as copy

    source, target = results or results_folder(), to or PUBLISHED
    store = Store(source)
    plans = [store.plan(name) for name in ablations]
    descriptions = {description for plan in plans for description in plan["description"]}
    runs = {entry.run for entry in store.entries() if entry.description in descriptions}
    published_policies = store.policies().keys() & runs if policies else ()
    publication = copy(source, target, descriptions=descriptions, policies=published_policies)
    print(
        f"{shown(target)}: {count(len(publication.added), 'run')} added, "
        f"{len(publication.replaced)} replaced, {publication.size / 1e6:.1f} MB of tables written"
    )
    for line in publication.problems:
        print(line)
