"""Places as the user would write them, and a console wide enough for tables."""

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
