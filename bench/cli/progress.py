"""What a run shows while it runs: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from bench.cli.live import Live
from bench.cli.words import count, duration
from bench.plan.plan import Plan
from bench.seed_ranges import seed_ranges
from bench.train.events import Ended, Event, Group, Planned, Progressed, Started, Waited

HEARTBEAT = 10.0


def _column(max_width: int | None = None) -> Column:
    return Column(no_wrap=True, overflow="ellipsis", max_width=max_width)


class Display(Live):
    """Told the runner's events, keeps count and shows it.

    Args:
        plan: for the names of variants.
        console: where to show it.
        heartbeat: seconds between lines about the groups in flight where there are no bars.
    """

    def __init__(self, plan: Plan, console: Console, heartbeat: float = HEARTBEAT) -> None:
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
        self._variants: dict[str, list[str]] = {}
        for cell in plan.cells:
            names = self._variants.setdefault(cell.description.identifier, [])
            if cell.variant.name not in names:
                names.append(cell.variant.name)
        self._steps = self._ended_steps = 0
        self._flying: dict[Group, tuple[int, float, float | None]] = {}
        self._tasks: dict[Group, TaskID] = {}
        self._moving: float | None = None
        self._elsewhere = 0
        self._whole: TaskID | None = None

    def __call__(self, event: Event) -> None:
        """Take in one event of the runner."""
        match event:
            case Planned():
                self._steps = sum(group.steps for group in event.groups)
                if event.compiled_first:
                    self.say("Kernels are compiled for this processor first, once.")
                self._whole = self._bars.add_task(
                    "[bold]everything", total=self._steps or None, speed="", last=""
                )
            case Started():
                self._flying[event.group] = (0, 0.0, None)
                self._tasks[event.group] = self._bars.add_task(
                    self._name(event.group), total=event.group.steps, speed="starting", last=""
                )
            case Progressed():
                self._progressed(event)
            case Ended():
                self._end(event)
            case Waited(elsewhere=elsewhere) if elsewhere and elsewhere != self._elsewhere:
                self._elsewhere = elsewhere
                self.say(f"Waiting for {count(elsewhere, 'run')} that other processes train.")
        if self._line_is_due:
            self._say_in_flight()

    def _progressed(self, event: Progressed) -> None:
        progress = event.progress
        # Workers take seconds to start, which would spoil the estimate of what is left.
        self._moving = self._moving or time.monotonic() - progress.seconds
        steps = sum(min(each, progress.budget) for each in progress.steps)
        speed = sum(progress.steps) / progress.seconds if progress.seconds else 0.0
        last = progress.last_return
        self._flying[event.group] = (steps, speed, last)
        self._bars.update(
            self._tasks[event.group],
            completed=steps,
            speed=f"{speed:,.0f} steps/s",
            last="" if last is None else f"return {last:,.1f}",
        )
        self._show_whole()

    def _end(self, event: Ended) -> None:
        self._ended_steps += event.group.steps
        task = self._tasks.pop(event.group, None)
        self._flying.pop(event.group, None)
        outcomes = Counter(event.outcomes.values())
        told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
        if task is not None:
            self._bars.remove_task(task)
            told += f" in {duration(event.seconds)}"
        done = self._ended_steps / max(self._steps, 1)
        self.say(f"[{done:4.0%}] {self._name(event.group)}: {told}")
        for reason in event.reasons:
            self.say(f"    {reason}")
        self._show_whole()

    def _show_whole(self) -> None:
        if self._whole is not None:
            done = self._ended_steps + sum(steps for steps, _, _ in self._flying.values())
            speed = sum(speed for _, speed, _ in self._flying.values())
            self._bars.update(self._whole, completed=done, speed=f"{speed:,.0f} steps/s")

    def _say_in_flight(self) -> None:
        done = self._ended_steps + sum(steps for steps, _, _ in self._flying.values())
        left = ""
        if done and self._moving is not None:
            seconds = (time.monotonic() - self._moving) * (self._steps / done - 1)
            left = f", about {duration(seconds)} left"
        self.say(f"[{done / max(self._steps, 1):4.0%}] of {count(self._steps, 'step')}{left}")
        for group, (steps, speed, last) in self._flying.items():
            told = f"{steps / group.steps:.0%}, {speed:,.0f} steps/s" if speed else "starting"
            told += "" if last is None else f", last return {last:,.1f}"
            self.say(f"    {self._name(group)}: {told}")

    def _name(self, group: Group) -> str:
        variants = " = ".join(self._variants[group.description.identifier])
        return f"{variants}, {group.description.environment}, seeds {seed_ranges(group.seeds)}"
