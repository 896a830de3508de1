"""What a study shows while it runs: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn
from rich.table import Column

from bench.formatting import count
from bench.terminal.live import Live
from bench.tune.tuner import Event, Opened, Retrained, TrialEnded, TrialMoved

HEARTBEAT = 30.0
"""Seconds between lines about the trials in flight where there are no bars."""


class TuningDisplay(Live):
    """Shows the tuner's events, and keeps count of them.

    Args:
        trials: number of trials of the finished study.
        best: number and value of the best trial so far; None if there is none.
        console: where to show it.
    """

    def __init__(
        self,
        trials: int,
        best: tuple[int, float] | None,
        console: Console,
    ) -> None:
        super().__init__(
            console,
            HEARTBEAT,
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.fields[progress]}", table_column=Column(no_wrap=True)),
        )
        self._trials = trials
        self._best = best
        self._flying: dict[tuple[int, str], tuple[float, str]] = {}
        self._tasks: dict[tuple[int, str], TaskID] = {}
        self._ended = 0
        self._study_task = self._bars.add_task("[bold]trials", total=trials, progress="")

    def __call__(self, event: Event) -> None:
        """Show one event of the tuner."""
        match event:
            case Opened():
                self._opened(event)
            case Retrained(number=number, environment=environment, runs=runs):
                self.say(
                    f"trial {number}, {environment}: {count(runs, 'stored run')} of other code, "
                    "to be trained again"
                )
            case TrialMoved():
                self._moved(event)
            case TrialEnded():
                self._end(event)
        if self._line_is_due:
            self._say_in_flight()

    def _opened(self, event: Opened) -> None:
        self._ended = event.ended
        if event.ended:
            self.say(f"Going on after {count(event.ended, 'trial')}{self._best_text()}.")
        if event.of_other_code:
            self.say(
                f"{count(event.of_other_code, 'trial')} of them trained by other code: their "
                "scores count as they are."
            )
        if event.resumed:
            self.say(f"{count(event.resumed, 'trial')} cut off before: tried again.")
        if event.elsewhere:
            self.say(f"{count(event.elsewhere, 'trial')} being trained by another process.")
        self._bars.update(self._study_task, completed=self._ended)

    def _moved(self, event: TrialMoved) -> None:
        key = event.number, event.environment
        last = "" if event.last_return is None else f", last return {event.last_return:,.1f}"
        text = f"{event.speed:,.0f} steps/s{last}"
        self._flying[key] = event.share, text
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task(
                f"trial {event.number}, {event.environment}", total=1.0, progress=""
            )
        self._bars.update(self._tasks[key], completed=event.share, progress=text)

    def _end(self, event: TrialEnded) -> None:
        self._ended = event.ended
        for key in [key for key in self._flying if key[0] == event.number]:
            del self._flying[key]
            self._bars.remove_task(self._tasks.pop(key))
        if event.outcome == "complete" and event.value is not None:
            if self._best is None or event.value > self._best[1]:
                self._best = event.number, event.value
            text = f"{event.value:.3f}"
        else:
            text = (
                event.outcome if event.outcome == "pruned" else f"{event.outcome}: {event.reason}"
            )
            if event.value is not None:
                text += f" at {event.value:.3f}"
        self.say(f"[{self._ended}/{self._trials}] trial {event.number}: {text}{self._best_text()}")
        self._bars.update(self._study_task, completed=self._ended)

    def _best_text(self) -> str:
        if self._best is None:
            return ""
        return f"; best so far {self._best[1]:.3f}, trial {self._best[0]}"

    def _say_in_flight(self) -> None:
        self._line_time = time.monotonic()
        for (number, environment), (share, text) in self._flying.items():
            self.say(f"    trial {number}, {environment}: {share:.0%}, {text}")
