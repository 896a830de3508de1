"""The one training loop: collect a batch, update, stop diverged seeds, record, call observers.

Trainers differ in how batches are collected (`Collector`) and in the learner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from algorithms.batch import Batch, Diagnostics
from algorithms.hyperparameters import OptimizerHyperparameters
from algorithms.learner import Learner
from bench.train.episode_log import EpisodeLog
from bench.train.results import Observer, Progress, RunResult, Task

RECORDS = 1_000
"""Most rows of diagnostics of a seed, as A2C makes 12,500 updates in a million steps: one for the
first update after each thousandth of the budget, and one for the last update."""
OF_THE_LOSS = ("gradient_norm", "value_loss")
"""Diagnostics that are not finite where a loss or its gradient was not."""
AFTER_UPDATE = ("loss or gradient", "parameters")
"""Quantities that are checked to be finite after an update, in this order."""

Rows = list[list[dict[str, float]]]
"""Diagnostics: for each seed a list of rows, each a mapping from column to number."""


class Collector(Protocol):
    """Collects batches for the S seeds of a learner, whose `active` decides which still act.

    Attributes:
        episodes: one log per seed.
    """

    episodes: list[EpisodeLog]

    def collect(self) -> tuple[Batch, Diagnostics]:
        """Return a batch of every active seed, and the diagnostics measured while collecting it.

        A seed in which a number is not finite is stopped.
        """
        ...

    def stop(self, diverged: Tensor, quantity: str) -> None:
        """Stop the seeds of `diverged`, bool [S], because their `quantity` was not finite.

        A seed that is not active is left as it is.
        """
        ...

    def divergences(self) -> list[tuple[str, int] | None]:
        """For each seed, what was not finite and after how many steps; None if not stopped."""
        ...

    def taken(self) -> Tensor:
        """Steps taken so far, a new int64 [S] on the learner's device."""
        ...

    def seconds(self) -> float:
        """Wall time since training began [s]."""
        ...


def train(
    update: Callable[[Batch], Diagnostics],
    learner: Learner[OptimizerHyperparameters],
    collector: Collector,
    task: Task,
    observers: Sequence[Observer] = (),
    rows: Rows | None = None,
) -> list[RunResult]:
    """Train the seeds of `learner` from their present steps to the budget's end.

    Args:
        update: the algorithm's update, with this learner.
        observers: called one after the other when a batch has been learned from and recorded.
        rows: diagnostics so far; extended in place.
    """
    rows = [[] for _ in learner.seeds] if rows is None else rows
    seconds = [collector.seconds()] * len(learner.seeds)
    while bool(learner.active.any()):
        learning = learner.active.tolist()
        batch, measured = collector.collect()
        columns: dict[str, tuple[float, ...]] = {}
        if bool(learner.active.any()):
            diagnostics = {**update(batch), **measured}
            columns = {
                name: tuple(values.double().tolist()) for name, values in diagnostics.items()
            }
            _stop_diverged(learner, collector, columns)
        learner.steps = collector.taken()
        elapsed = collector.seconds()
        seconds = [elapsed if learning[s] else earlier for s, earlier in enumerate(seconds)]
        _record(rows, learner, columns, elapsed, task.steps)
        learner.updates += 1
        learner.active = learner.active & (learner.steps < task.steps)
        last_returns = [
            log.last_return for log in collector.episodes if log.last_return is not None
        ]
        progress = Progress(
            steps=tuple(learner.steps.tolist()),
            budget=task.steps,
            last_return=float(np.mean(last_returns)) if last_returns else None,
            seconds=elapsed,
            diagnostics=columns,
        )
        for observer in observers:
            observer(progress)
    return [
        RunResult(
            seed=seed,
            status="diverged" if divergence else "finished",
            reason="{} not finite at step {}".format(*divergence) if divergence else None,
            diverged_at=divergence[1] if divergence else None,
            steps=int(learner.steps[s]),
            seconds=seconds[s],
            episodes=collector.episodes[s].columns(),
            updates=_columns(rows[s]),
            policy=learner.saved(s),
        )
        for s, (seed, divergence) in enumerate(
            zip(learner.seeds, collector.divergences(), strict=True)
        )
    ]


def _stop_diverged(
    learner: Learner[OptimizerHyperparameters],
    collector: Collector,
    columns: dict[str, tuple[float, ...]],
) -> None:
    """Stop the seeds whose parameters are not finite after an update."""
    diverged = ~torch.isfinite(learner.parameters.sum(1))
    losses = [columns[name] for name in OF_THE_LOSS if name in columns]
    # Diagnostics are those of the last minibatch: parameters that overflowed in an earlier one have
    # spoilt its loss, too.
    sound = torch.tensor([[True]] if not losses else np.isfinite(losses), device=diverged.device)
    collector.stop(diverged & ~sound.all(0), AFTER_UPDATE[0])
    collector.stop(diverged, AFTER_UPDATE[1])


def _record(
    rows: Rows,
    learner: Learner[OptimizerHyperparameters],
    columns: dict[str, tuple[float, ...]],
    elapsed: float,
    budget: int,
) -> None:
    for s, active in enumerate(learner.active.tolist()):
        step = int(learner.steps[s])
        last_step = rows[s][-1]["step"] if rows[s] else -1
        is_due = step >= budget or step * RECORDS // budget > last_step * RECORDS // budget
        if active and is_due:
            row = {"update": learner.updates, "step": step, "seconds": elapsed}
            rows[s].append({**row, **{name: values[s] for name, values in columns.items()}})


def _columns(rows: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """Turn rows of one seed into columns; without a row there are no columns of diagnostics."""
    integers = {"update": np.int64, "step": np.int64}
    names = rows[0] if rows else (*integers, "seconds")
    return {
        name: np.array([row[name] for row in rows], integers.get(name, np.float64))
        for name in names
    }
