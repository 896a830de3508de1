"""`list`: the ablations and their questions, or the algorithms and their equations."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.json_output import JsonOption, answering


def list_ablations(
    algorithms: Annotated[
        bool, typer.Option("--algorithms", help="List the algorithms and their equations instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the ablations and the questions they answer, or the algorithms."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ablations import ABLATIONS
    from algorithms import ALGORITHMS
    from bench.plan.lookup import load_ablation, load_algorithm

    descriptions = (
        {name: load_algorithm(name).equation for name in ALGORITHMS}
        if algorithms
        else {name: load_ablation(name).question for name in ABLATIONS}
    )
    columns = ("algorithm", "objective") if algorithms else ("ablation", "question")
    table = Table(*columns, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name, text in descriptions.items():
        table.add_row(name, escape(text))
    with answering(as_json) as answer:
        answer |= {name: {columns[1]: text} for name, text in descriptions.items()}
        console = Console()
        console.print(table)
        command = "show NAME" if algorithms else "run NAME"
        console.print(f"\nGo on with: python -m bench {command}", highlight=False)
