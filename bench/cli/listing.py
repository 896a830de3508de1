"""`list`: the ablations and their questions, or the algorithms and their equations."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.json_output import JsonOption, answering
from bench.errors import InputError


def list_ablations(
    algorithms: Annotated[
        bool, typer.Option("--algorithms", help="List the algorithms and their equations instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the ablations and the questions they answer, or the algorithms.

    Algorithms of installed packages that have a short name are listed too.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ablations import ABLATIONS
    from algorithms import ALGORITHMS
    from bench.plan.lookup import load_ablation
    from bench.plan.registry import plugin_algorithms

    descriptions = (
        {name: _objective(name) for name in (*ALGORITHMS, *plugin_algorithms())}
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


def _objective(algorithm: str) -> str:
    """The equation; of an algorithm of a package that doesn't load, why it doesn't."""
    from bench.plan.lookup import load_algorithm

    try:
        return load_algorithm(algorithm).equation
    except InputError as error:
        return str(error)
