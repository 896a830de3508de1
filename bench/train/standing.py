"""Progress of a plan's training: counted from events, and shown to other processes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from bench.formatting import seed_ranges
from bench.plan.plan import Plan
from bench.store.claims import Claims
from bench.train.events import Ended, Event, Group, Planned, Progressed, Started
from bench.train.results import Progress

WRITTEN_EVERY = 2.0
"""Least number of seconds between two notices to other processes."""
NAMED = 4
"""Most descriptions of a group to name; of more, the first three are named, the rest counted."""


@dataclass(kw_only=True)
class GroupStanding:
    """The progress of a group in training.

    Attributes:
        variants: for each of its descriptions, the variants that it belongs to.
        steps: its budget, over all seeds; done: steps taken of it [environment steps].
        speed: environment steps per second, 0 before the first batch.
        last_return: mean over its seeds of their last episode's return, None before the first.
    """

    variants: list[list[str]]
    environment: str
    seeds: list[int]
    runs: list[str]
    steps: int
    done: int = 0
    speed: float = 0.0
    last_return: float | None = None

    @classmethod
    def of(cls, group: Group, variants: list[list[str]]) -> GroupStanding:
        """Return the standing of a group that has not begun."""
        return cls(
            variants=variants,
            environment=group.description.environment,
            seeds=sorted(set(group.seeds)),
            runs=[row.run for row in group.rows],
            steps=group.steps,
        )

    def take(self, progress: Progress) -> None:
        """Take in how far the group is."""
        self.done = sum(min(steps, progress.budget) for steps in progress.steps)
        self.speed = sum(progress.steps) / progress.seconds if progress.seconds else 0.0
        self.last_return = progress.last_return


@dataclass(kw_only=True)
class Standing:
    """The progress of a plan.

    Attributes:
        steps: missing at the beginning, over all runs; done: taken of them [environment steps].
        left: seconds that the rest takes at the speed so far; None before the first batch.
    """

    ablation: str
    steps: int = 0
    done: int = 0
    left: float | None = None
    groups: list[GroupStanding] = field(default_factory=list)


class Counter:
    """Takes in the runner's events and keeps `standing` up to date."""

    def __init__(self, plan: Plan) -> None:
        self.standing = Standing(ablation=plan.ablation.name)
        self.flying: dict[Group, GroupStanding] = {}
        self._variants: dict[str, list[str]] = {}
        for cell in plan.cells:
            names = self._variants.setdefault(cell.description.identifier, [])
            if cell.variant.name not in names:
                names.append(cell.variant.name)
        self._ended = 0
        self._moving: float | None = None

    def __call__(self, event: Event) -> None:
        """Count one event."""
        match event:
            case Planned():
                self.standing.steps = sum(group.steps for group in event.groups)
            case Started():
                self.flying[event.group] = self.standing_of(event.group)
            case Progressed(group=group, progress=progress):
                # Workers take seconds to start, which would spoil the estimate of what is left.
                self._moving = self._moving or time.monotonic() - progress.seconds
                self.flying[group].take(progress)
            case Ended(group=group, outcomes=outcomes):
                self.flying.pop(group, None)
                self._ended += sum(
                    row.description.steps for row in group.rows if outcomes.get(row) != "taken over"
                )
        standing = self.standing
        standing.groups = list(self.flying.values())
        standing.done = self._ended + sum(group.done for group in standing.groups)
        if standing.done and self._moving is not None:
            elapsed = time.monotonic() - self._moving
            standing.left = max(0.0, elapsed * (standing.steps / standing.done - 1))

    def standing_of(self, group: Group) -> GroupStanding:
        """Return the standing of a group that has not begun."""
        identifiers = [description.identifier for description in group.descriptions]
        return GroupStanding.of(group, [self._variants[name] for name in identifiers])


def combined_observer(*observers: Callable[[Event], None]) -> Callable[[Event], None]:
    """Return a function that passes an event to every observer, one after the other."""

    def notify(event: Event) -> None:
        for observe in observers:
            observe(event)

    return notify


class Notice:
    """Shows this process's progress to other processes, beside its claims.

    Args:
        standing: returns the present progress; what counts it has to receive an event before.
        claims: the claims of this process.
    """

    def __init__(self, standing: Callable[[], Standing], claims: Claims) -> None:
        self._standing = standing
        self._claims = claims
        self._written = 0.0

    def __call__(self, event: object = None) -> None:
        """Show the present progress, whatever happened; do nothing if it can't be written."""
        if time.monotonic() - self._written >= WRITTEN_EVERY:
            self._written = time.monotonic()
            with suppress(OSError):
                self._claims.write_notice(json.dumps(asdict(self._standing())))


def standings(claims: Claims) -> Iterator[Standing]:
    """Yield the standing of every living process that trains in this folder and has shown one."""
    for text in claims.notices():
        # Another version of the suite may write another form.
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            values = json.loads(text)
            groups = [GroupStanding(**group) for group in values.pop("groups")]
            yield Standing(**values, groups=groups)


def group_text(group: GroupStanding) -> str:
    """Return a group's variants, environment and seeds: "clip_02, Hopper-v5, seeds 0-9".

    With several descriptions the rows are counted: "clip_01 + clip_02, Hopper-v5, seeds 0-9 (20
    rows)".
    """
    names = [" = ".join(variants) for variants in group.variants]
    if len(names) > NAMED:
        names[NAMED - 1 :] = [f"{len(names) - NAMED + 1} more"]
    rows = f" ({len(group.runs)} rows)" if len(group.variants) > 1 else ""
    return f"{' + '.join(names)}, {group.environment}, seeds {seed_ranges(group.seeds)}{rows}"
