"""`list`: the ablations and their questions, or the algorithms and their equations."""

from __future__ import annotations

from typing import Annotated

import typer


def list_ablations(
    algorithms: Annotated[
        bool, typer.Option("--algorithms", help="The algorithms and their equations instead.")
    ] = False,
) -> None:
    """List the ablations and the questions they answer, or the algorithms."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ablations import ABLATIONS
    from algorithms import ALGORITHMS
    from bench.plan.lookup import load_ablation, load_algorithm

    columns = ("algorithm", "objective") if algorithms else ("ablation", "question")
    table = Table(*columns, box=None, header_style="bold", padding=(0, 2, 0, 0))
    if algorithms:
        for name in ALGORITHMS:
            table.add_row(name, escape(load_algorithm(name).equation))
    else:
        for name in ABLATIONS:
            table.add_row(name, load_ablation(name).question)
    console = Console()
    console.print(table)
    more = "show NAME" if algorithms else "run --ablation NAME"
    console.print(f"\nGo on with: python -m bench {more}", highlight=False)
