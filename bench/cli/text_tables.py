"""Tables of text on a terminal: nothing is cut, and a value that all rows share is shown once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bench.visible import visible

if TYPE_CHECKING:
    from rich.console import Console

LONGEST_WORD: Final = 28
"""Columns are made wide enough for words of this many letters; longer words are broken."""


def print_table(
    console: Console,
    title: str,
    header: Sequence[str],
    alignment: Sequence[str],
    cells: Sequence[Sequence[str]],
) -> None:
    """Print rows of text as they are: nothing in them is taken for markup, and nothing is cut.

    If all of several rows agree in a column, it becomes a part of the title. If the terminal is
    too narrow for columns, each row is a block of lines.

    Args:
        console: the console to print on.
        title: the title above the table.
        header: the columns' names.
        alignment: left, right or center, by column.
        cells: the rows.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    columns = list(zip(header, alignment, *cells, strict=True))
    shared = [column for column in columns if len(cells) > 1 and len(set(column[2:])) == 1]
    parts = [title, *(f"{name} {value}" for name, _, value, *_ in shared if value not in ("", "–"))]
    varying = [column for column in columns if column not in shared]
    headline = escape(visible(", ".join(filter(None, parts))))
    rows = [
        [visible(cell) for cell in row]
        for row in zip(*(column[2:] for column in varying), strict=True)
    ]
    # Folded between words: a column is as wide as its longest one.
    column_words = [
        [word for text in (name, *texts) for word in text.split()] for name, _, *texts in varying
    ]
    widths = [min(max(map(len, words), default=1), LONGEST_WORD) for words in column_words]
    console.print(headline, style="bold", highlight=False)
    if sum(widths) + 3 * len(widths) > console.width:
        for row in rows:
            first_line, *further_lines = (
                f"{name}: {cell}" for (name, *_), cell in zip(varying, row, strict=True)
            )
            for line in (first_line, *(f"    {text}" for text in further_lines)):
                console.print(line, markup=False, highlight=False)
        return
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for (name, side, *_), width in zip(varying, widths, strict=True):
        table.add_column(escape(name), justify=side, overflow="fold", min_width=width)
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
