"""Training that reports its learning curve while it trains, by which a tuner prunes trials."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.plan.back_ends import back_end
from bench.plan.identity import Description
from bench.train.results import Observer, Progress, RunResult

POINTS = 10
"""Parts of the budget, each with one point of the curve at its end."""


@dataclass(frozen=True, kw_only=True)
class Watched(Progress):
    """The progress of a group, and its curve so far.

    Attributes:
        curve: one point for each part of the budget that all seeds have completed: the mean
            return of the episodes that the trainer reported in it (after each update the last
            episode of every seed), or the mean gold reward of its batches in a token environment
            that has one. A part without any repeats the point before; the first is then NaN.
    """

    curve: tuple[float, ...]


@dataclass(kw_only=True)
class Curve:
    """A learning curve in the making, of a budget in steps."""

    budget: int
    points: list[float] = field(default_factory=list)
    _sum: float = 0.0
    _count: int = 0

    def take(self, progress: Progress) -> None:
        """Add the group's progress after another update."""
        gold = progress.diagnostics.get("gold_reward")
        value = float(np.mean(gold)) if gold else progress.last_return
        if value is not None:
            self._sum += value
            self._count += 1
        completed = min(POINTS, min(progress.steps) * POINTS // self.budget)
        while len(self.points) < completed:
            previous = self.points[-1] if self.points else math.nan
            self.points.append(self._sum / self._count if self._count else previous)
            self._sum, self._count = 0.0, 0


def train(
    description: Description, seeds: Sequence[int], observers: Sequence[Observer]
) -> list[RunResult]:
    """Train by the description's own trainer; the observers get `Watched`."""
    curve = Curve(budget=description.steps)

    def watch(progress: Progress) -> None:
        curve.take(progress)
        watched = Watched(**vars(progress), curve=tuple(curve.points))
        for observer in observers:
            observer(watched)

    trainer = importlib.import_module(back_end(description.back_end).trainer)
    results: list[RunResult] = trainer.train(description, seeds, [watch])
    return results
