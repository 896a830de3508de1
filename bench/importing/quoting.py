"""What stands in a file, quoted in complaints: short, in one line, whatever it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LONGEST: Final = 40
"""Characters of one thing."""

MOST: Final = 8
"""Things of a list."""


def quoted(value: object) -> str:
    """The text between quotation marks, cut where it is long."""
    text = str(value)
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def listed(names: Sequence[str]) -> str:
    """Names with commas, the first of many."""
    shown = [quoted(name)[1:-1] for name in names[:MOST]]
    if len(names) > MOST:
        shown.append(f"and {len(names) - MOST:,} more")
    return ", ".join(shown) or "none"
