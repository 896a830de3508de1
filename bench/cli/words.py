"""Numbers, durations and places in words, for terminals."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 150


def wide_console() -> Console:
    """The terminal; where there is none, wide enough for tables not to be folded."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH
    return console


def shown(path: Path) -> str:
    """A path as the user would write it: relative where it is below the working directory."""
    resolved, here = path.resolve(), Path.cwd()
    return str(resolved.relative_to(here) if resolved.is_relative_to(here) else path)


def duration(seconds: float) -> str:
    """Like "48 s", "3 min 05 s" or "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def count(number: int, noun: str) -> str:
    """Like "1 run" or "12 runs"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
