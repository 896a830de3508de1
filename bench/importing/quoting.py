"""Quote the content of files in error messages: short and on one line, whatever it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LONGEST: Final = 40
"""Number of characters after which a quoted text is cut."""

MOST: Final = 8
"""Number of names after which a list is cut."""


def quoted(value: object) -> str:
    """Return a value's text in quotation marks, cut if it is long."""
    text = str(value)
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def listed(names: Sequence[str]) -> str:
    """Return names with commas between them, only the first if there are many."""
    shown = [quoted(name)[1:-1] for name in names[:MOST]]
    if len(names) > MOST:
        shown.append(f"and {len(names) - MOST:,} more")
    return ", ".join(shown) or "none"
