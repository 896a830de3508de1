"""`list`: the ablations and their questions."""

from __future__ import annotations


def list_ablations() -> None:
    """List the ablations and the questions they answer."""
    from rich.console import Console
    from rich.table import Table

    from ablations import ABLATIONS
    from bench.plan.lookup import load_ablation

    table = Table("ablation", "question", box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in ABLATIONS:
        table.add_row(name, load_ablation(name).question)
    console = Console()
    console.print(table)
    console.print("\nRun one with: python -m bench run --ablation NAME", highlight=False)
