"""A display of progress: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import Progress, ProgressColumn

HEARTBEAT: Final = 10.0
"""Seconds without a line after which one is due."""


class Live:
    """Bars that vanish when the block ends, and lines that stay.

    Args:
        console: where to show them.
        heartbeat: seconds without a line after which one is due where there are no bars.
        columns: the columns of the bars.
    """

    def __init__(self, console: Console, heartbeat: float, *columns: ProgressColumn) -> None:
        self._console = console
        self._heartbeat = heartbeat
        self._line_time = time.monotonic()
        self._bars = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def say(self, line: str) -> None:
        """Show a line that stays."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._line_time = time.monotonic()

    @property
    def _line_is_due(self) -> bool:
        return (
            not self._console.is_terminal and time.monotonic() - self._line_time >= self._heartbeat
        )
