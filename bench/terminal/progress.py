"""What a run shows while it runs: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from bench.formatting import count, duration
from bench.terminal.live import HEARTBEAT, Live
from bench.train.events import Ended, Event, Group, Planned, Progressed, Started, Stopped, Waited
from bench.train.standing import Counter, Standing, group_text


def _column(max_width: int | None = None) -> Column:
    return Column(no_wrap=True, overflow="ellipsis", max_width=max_width)


class Display(Live):
    """Shows the progress of a plan by the runner's events.

    Args:
        counter: the progress of each group; it has to receive every event before this display.
        console: where to show it.
        heartbeat: seconds between lines about the groups in flight where there are no bars.
    """

    def __init__(self, counter: Counter, console: Console, heartbeat: float = HEARTBEAT) -> None:
        super().__init__(
            console,
            heartbeat,
            # Names give way on a narrow terminal; numbers don't.
            TextColumn("{task.description}", table_column=_column(max(20, console.width - 58))),
            BarColumn(bar_width=10),
            TaskProgressColumn(),
            TextColumn("{task.fields[speed]}", table_column=_column()),
            TextColumn("{task.fields[last]}", table_column=_column()),
            TimeRemainingColumn(table_column=_column()),
        )
        self._counter = counter
        self._tasks: dict[Group, TaskID] = {}
        self._elsewhere = 0
        self._plan_task: TaskID | None = None

    def __call__(self, event: Event) -> None:
        """Show one event of the runner."""
        match event:
            case Planned():
                if event.compiled_first:
                    self.say("Kernels are compiled for this processor first, once.")
                self._plan_task = self._bars.add_task(
                    "[bold]everything", total=self._standing.steps or None, speed="", last=""
                )
            case Started(group=group):
                self._tasks[group] = self._bars.add_task(
                    group_text(self._counter.flying[group]),
                    total=group.steps,
                    speed="starting",
                    last="",
                )
            case Progressed(group=group):
                standing = self._counter.flying[group]
                last = "" if standing.last_return is None else f"return {standing.last_return:,.1f}"
                speed = f"{standing.speed:,.0f} steps/s"
                self._bars.update(
                    self._tasks[group], completed=standing.done, speed=speed, last=last
                )
            case Ended():
                self._end(event)
            case Stopped(reason=reason):
                self.say(f"No further group begins: {reason}.")
            case Waited(elsewhere=elsewhere) if elsewhere and elsewhere != self._elsewhere:
                self._elsewhere = elsewhere
                self.say(f"Waiting for {count(elsewhere, 'run')} that other processes train.")
        if self._plan_task is not None:
            speed = f"{sum(group.speed for group in self._standing.groups):,.0f} steps/s"
            self._bars.update(self._plan_task, completed=self._standing.done, speed=speed)
        if self._line_is_due:
            for line in lines(self._standing):
                self.say(line)

    @property
    def _standing(self) -> Standing:
        return self._counter.standing

    def _end(self, event: Ended) -> None:
        task = self._tasks.pop(event.group, None)
        outcomes = Counted(event.outcomes.values())
        summary = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
        if task is not None:
            self._bars.remove_task(task)
            summary += f" in {duration(event.seconds)}"
        share = self._standing.done / max(self._standing.steps, 1)
        self.say(f"[{share:4.0%}] {group_text(self._counter.standing_of(event.group))}: {summary}")
        for reason in event.reasons:
            self.say(f"    {reason}")


def lines(standing: Standing) -> Iterator[str]:
    """Yield a line on the progress of a plan, and one for each group in flight."""
    remaining = "" if standing.left is None else f", about {duration(standing.left)} left"
    share = standing.done / max(standing.steps, 1)
    yield f"[{share:4.0%}] of {count(standing.steps, 'step')}{remaining}"
    for group in standing.groups:
        progress = (
            f"{group.done / group.steps:.0%}, {group.speed:,.0f} steps/s" if group.speed else ""
        )
        last = "" if group.last_return is None else f", last return {group.last_return:,.1f}"
        yield f"    {group_text(group)}: {progress or 'starting'}{last}"
