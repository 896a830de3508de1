"""Decide which runs train together: groups should be large and leave no worker idle."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Hashable, Iterator, Sequence

from bench.plan.back_ends import back_end
from bench.plan.identity import Description
from bench.train.device.programs import program
from bench.train.events import Group, Row

GROUP_SIZE = 10
# A group's fixed cost, in units of a seed's cost: the work of a tick that doesn't grow with seeds.
# Fitted to clipped PPO's steps/s with 1 to 10 seeds on HalfCheetah-v5 (docs/performance.md).
GROUP_OVERHEAD = 2.8
# The same for a device, in worlds: up to this number a tick takes as long as its kernels take one
# after the other (docs/performance.md, "On a GPU").
DEVICE_OVERHEAD = 2_048
# Most worlds of a group on a device: the largest number that physics was measured with.
DEVICE_WORLDS = 131_072


def grouped(
    missing: Sequence[Row],
    workers: int,
    group_size: int,
    seconds_per_step: Callable[[Description], float],
) -> list[Group]:
    """Form groups of at most `group_size` seeds, costly ones first, that keep the workers busy.

    Large groups train more steps per second, so a group is halved only if the whole plan then ends
    earlier. On a device a group has the rows of one program, as many as there is room for.
    """
    rates: dict[str, float] = {}
    for row in missing:
        if row.description.identifier not in rates:
            rates[row.description.identifier] = seconds_per_step(row.description)

    def cost(group: Group) -> float:
        steps = group.description.steps * (len(group.rows) + _overhead(group.description))
        return steps * max(rates[description.identifier] for description in group.descriptions)

    def duration(groups: Sequence[Group]) -> float:
        busy_until = [0.0] * workers
        for group in groups:
            heapq.heapreplace(busy_until, busy_until[0] + cost(group))
        return max(busy_until)

    groups = [
        Group(tuple(part))
        for rows in in_parts(missing, lambda row: program(row.description))
        for part in _parts(rows, math.ceil(len(rows) / _most(rows[0].description, group_size)))
    ]
    best = candidate = sorted(groups, key=cost, reverse=True)
    while len(candidate) < len(groups) + 2 * workers:
        large = next((group for group in candidate if _divisible(group)), None)
        if large is None:
            break
        halves = [Group(tuple(part)) for part in _parts(large.rows, 2)]
        candidate = sorted(
            [*(group for group in candidate if group is not large), *halves], key=cost, reverse=True
        )
        if duration(candidate) < 0.95 * duration(best):
            best = candidate
    return best


def in_parts(rows: Sequence[Row], key: Callable[[Row], Hashable]) -> list[list[Row]]:
    """Split rows into lists with equal `key(row)`, in the order of their first rows."""
    parts: dict[Hashable, list[Row]] = {}
    for row in rows:
        parts.setdefault(key(row), []).append(row)
    return list(parts.values())


def _slots(description: Description) -> int:
    return int(description.hyperparameters.get("slots", 1))


def _most(description: Description, group_size: int) -> int:
    """Largest number of rows in a group of such descriptions."""
    if not back_end(description.back_end).takes_rows:
        return group_size
    return max(1, DEVICE_WORLDS // _slots(description))


def _overhead(description: Description) -> float:
    if not back_end(description.back_end).takes_rows:
        return GROUP_OVERHEAD
    return DEVICE_OVERHEAD / _slots(description)


def _divisible(group: Group) -> bool:
    """Whether halves could be faster: not on a device whose kernels are too small to benefit."""
    on_host = not back_end(group.description.back_end).takes_rows
    smallest = 1 if on_host else _overhead(group.description)
    return len(group.rows) > max(1, smallest)


def _parts(rows: Sequence[Row], count: int) -> Iterator[Sequence[Row]]:
    bounds = [len(rows) * part // count for part in range(count + 1)]
    for first, last in itertools.pairwise(bounds):
        yield rows[first:last]
