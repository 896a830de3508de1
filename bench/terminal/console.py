"""Paths as the user would write them, and a console wide enough for tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 150


def wide_console() -> Console:
    """Return the terminal's console; without a terminal, one so wide that tables aren't folded."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH
    return console


def shown(path: Path) -> str:
    """Return a path as the user would write it: relative if below the working directory."""
    resolved, here = path.resolve(), Path.cwd()
    return str(resolved.relative_to(here) if resolved.is_relative_to(here) else path)
