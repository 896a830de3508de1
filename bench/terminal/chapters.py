"""What a report shows while its chapters are made: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from bench.terminal.live import HEARTBEAT, Live


class ChapterDisplay(Live):
    """Shows how many chapters are made.

    Args:
        console: where to show it.
        heartbeat: seconds between lines where there are no bars.
    """

    def __init__(self, console: Console, heartbeat: float = HEARTBEAT) -> None:
        super().__init__(
            console,
            heartbeat,
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
        )
        self._task = self._bars.add_task("chapters", total=None)

    def __call__(self, made: int, total: int) -> None:
        """Show that `made` of `total` chapters are made."""
        self._bars.update(self._task, completed=made, total=total)
        if self._line_is_due:
            self.say(f"[{made / total:4.0%}] {made} of {total} chapters")
