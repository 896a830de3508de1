"""Which seeds train together: groups that are large and leave no worker idle."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bench.plan.identity import Description
from bench.train.events import Group

GROUP_SIZE = 10
# What a group takes besides its seeds' share, in seeds: the work of a tick that doesn't grow.
# Fitted to clipped PPO's steps/s with 1 to 10 seeds on HalfCheetah-v5 (docs/performance.md).
GROUP_OVERHEAD = 2.8


def grouped(
    missing: Sequence[tuple[Description, Sequence[int]]],
    workers: int,
    group_size: int,
    seconds_per_step: Callable[[Description], float],
) -> list[Group]:
    """Groups of at most `group_size` seeds, costly ones first, that keep the workers busy.

    Large groups train more steps a second; so a group is halved only where the whole ends earlier
    by it.
    """
    rates = {description.identifier: seconds_per_step(description) for description, _ in missing}

    def cost(group: Group) -> float:
        steps = group.description.steps * (len(group.seeds) + GROUP_OVERHEAD)
        return steps * rates[group.description.identifier]

    def duration(groups: Sequence[Group]) -> float:
        busy_until = [0.0] * workers
        for group in groups:
            heapq.heapreplace(busy_until, busy_until[0] + cost(group))
        return max(busy_until)

    groups = [
        Group(description=description, seeds=tuple(seeds))
        for description, all_seeds in missing
        for seeds in _parts(all_seeds, math.ceil(len(all_seeds) / group_size))
    ]
    best = trial = sorted(groups, key=cost, reverse=True)
    while len(trial) < len(groups) + 2 * workers:
        large = next((group for group in trial if len(group.seeds) > 1), None)
        if large is None:
            break
        halves = [replace(large, seeds=tuple(part)) for part in _parts(large.seeds, 2)]
        trial = sorted([*(g for g in trial if g is not large), *halves], key=cost, reverse=True)
        if duration(trial) < 0.95 * duration(best):
            best = trial
    return best


def _parts(seeds: Sequence[int], count: int) -> Iterator[Sequence[int]]:
    bounds = [len(seeds) * part // count for part in range(count + 1)]
    for first, last in itertools.pairwise(bounds):
        yield seeds[first:last]
