"""Tables of text on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.visible import visible

if TYPE_CHECKING:
    from rich.console import Console


def print_table(
    console: Console,
    title: str,
    header: Sequence[str],
    alignment: Sequence[str],
    cells: Sequence[Sequence[str]],
) -> None:
    """Print rows of text as they are: nothing in them is taken for markup.

    Args:
        console: to print on.
        title: above the table.
        header: of the columns.
        alignment: left, right or center, by column.
        cells: the rows.
    """
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(visible(title)), title_justify="left", title_style="bold")
    for name, side in zip(header, alignment, strict=True):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    for row in cells:
        table.add_row(*(escape(visible(cell)) for cell in row))
    console.print(table)
