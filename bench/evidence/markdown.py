"""Tables of text as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.visible import visible

_RULES: Final = {"left": " --- ", "right": " --: ", "center": " :-: "}


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page: a heading, a table under it, and what a reader must know to trust it."""

    heading: str  # with the marks of its level, for example "### Hopper-v5"
    header: Sequence[str] = ()
    alignment: Sequence[str] = ()  # of each column: left, right or center
    cells: Sequence[Sequence[str]] = ()  # rows of text
    notes: Sequence[str] = ()  # sentences, each of which becomes a list item

    def markdown(self) -> str:
        """The section; without rows its heading and notes alone."""
        lines = [visible(self.heading), ""]
        if self.cells:
            lines += [_line(self.header), f"|{'|'.join(_RULES[side] for side in self.alignment)}|"]
            lines += [*map(_line, self.cells), ""]
        if self.notes:
            lines += [*(f"* {visible(note)}" for note in self.notes), ""]
        return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(visible(cell).replace("|", "\\|") for cell in cells) + " |"
