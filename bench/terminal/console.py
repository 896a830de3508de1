"""Paths as the user would write them, and a console wide enough for tables."""

from __future__ import annotations

import os
import shlex
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


def command_line(*words: str, results: Path | None = None) -> str:
    """Return the command `python -m bench` with these words, as a shell takes it.

    Args:
        words: what follows the program's name.
        results: the folder that the user named for results, if any.
    """
    place = [] if results is None else ["--results", str(results)]
    return shlex.join(["python", "-m", "bench", *words, *place])


def shown(path: Path) -> str:
    """Return a path as the user would write it: relative if below the working directory."""
    resolved, here = path.resolve(), Path.cwd()
    return str(resolved.relative_to(here) if resolved.is_relative_to(here) else path)
