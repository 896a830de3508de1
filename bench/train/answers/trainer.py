"""Training one group of seeds on a token environment, from the reference to the budget's end.

A step is a token that the policy writes, an episode an answer, its return the task's own reward.
What `bench.train.trainer` says of seeds, budgets and results holds here too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from algorithms.answers.algorithm import SequenceAlgorithm
from algorithms.answers.learner import SequenceLearner
from bench.errors import InputError
from bench.plan.lookup import load_algorithm
from bench.train.answers.reference import pretrained
from bench.train.answers.sampling import sample_answers
from bench.train.answers.tasks import SequenceTask, find_task
from bench.train.trainer import RECORDS, Progress, RunResult, Task, validate


def train(
    task: Task, seeds: Sequence[int], report: Callable[[Progress], None] = lambda progress: None
) -> list[RunResult]:
    """Train `seeds` together; each as if it were alone, bit for bit on one CPU.

    That needs MKL_CBWR=AUTO,STRICT, as `bench.train.trainer.train` does.

    Raises:
        InputError: no such token environment, an algorithm that doesn't write answers, or
            hyperparameters out of range.
    """
    world = find_task(task.environment)
    if world is None:
        raise InputError(f"{task.environment!r} is no token environment")
    algorithm = load_algorithm(task.algorithm)
    if not isinstance(algorithm, SequenceAlgorithm):
        raise InputError(f"algorithm {task.algorithm!r} writes no answers")
    values: dict[str, Any] = dict(task.hyperparameters)
    hyperparameters = algorithm.hyperparameters(**values)
    validate(hyperparameters)
    learner = SequenceLearner(
        algorithm, hyperparameters, seeds, world.network, pretrained(world), task.device
    )
    return _train(learner, algorithm, world, task, report)


@dataclass(frozen=True, kw_only=True)
class _Update:
    """What one update saw and did: which seeds learned [S], steps [S], returns [S, N]."""

    learning: np.ndarray
    kept: np.ndarray
    steps: np.ndarray
    returns: np.ndarray
    seconds: float
    diagnostics: dict[str, np.ndarray]


def _train(
    learner: SequenceLearner,
    algorithm: SequenceAlgorithm,
    world: SequenceTask,
    task: Task,
    report: Callable[[Progress], None],
) -> list[RunResult]:
    began = time.perf_counter()
    history: list[_Update] = []
    diverged_at: dict[int, int] = {}
    while bool(learner.active.any()):
        learning = learner.active
        answers = sample_answers(learner, world)
        diagnostics = {**algorithm.update(learner, answers.batch), **answers.diagnostics}
        tokens = answers.rewards.shape[1] * world.answer
        learner.steps = learner.steps + tokens * learning
        finite = torch.isfinite(learner.parameters.sum(1))
        update = _Update(
            learning=learning.cpu().numpy(),
            kept=(learning & finite).cpu().numpy(),
            steps=learner.steps.cpu().numpy(),
            returns=answers.rewards,
            # To 1/64 s: what is stored of it takes little room.
            seconds=math.floor(64 * (time.perf_counter() - began)) / 64,
            diagnostics={name: each.double().cpu().numpy() for name, each in diagnostics.items()},
        )
        history.append(update)
        for s in np.flatnonzero(update.learning & ~update.kept):
            diverged_at[int(s)] = int(update.steps[s])
        learner.updates += 1
        learner.active = learning & finite & (learner.steps < task.steps)
        report(
            Progress(
                steps=tuple(update.steps.tolist()),
                budget=task.steps,
                last_return=float(update.returns[:, -1].mean()),
                seconds=update.seconds,
            )
        )
    return [
        RunResult(
            seed=seed,
            status="diverged" if s in diverged_at else "finished",
            reason="numbers stopped being finite" if s in diverged_at else None,
            diverged_at=diverged_at.get(s),
            steps=int(learner.steps[s]),
            seconds=max(update.seconds for update in history if update.learning[s]),
            episodes=_episodes(history, s, world.answer),
            updates=_updates(history, s, task.steps),
            policy={"policy": learner.parameters[s].cpu().numpy().copy()},
        )
        for s, seed in enumerate(learner.seeds)
    ]


def _episodes(history: Sequence[_Update], s: int, length: int) -> dict[str, np.ndarray]:
    """A row an answer of seed number `s`, at the end of its batch."""
    mine = [update for update in history if update.learning[s]]
    returns = np.concatenate([update.returns[s] for update in mine])
    answers = [len(update.returns[s]) for update in mine]
    columns = {
        "step": np.repeat([update.steps[s] for update in mine], answers),
        "return": returns,
        "length": np.full(len(returns), length, dtype=np.int32),
        "seconds": np.repeat([update.seconds for update in mine], answers),
    }
    return {name: column[np.isfinite(returns)] for name, column in columns.items()}


def _updates(history: Sequence[_Update], s: int, budget: int) -> dict[str, np.ndarray]:
    """A row of diagnostics an update of seed number `s`; a thousandth of the budget has one."""
    mine = [(number, each) for number, each in enumerate(history) if each.kept[s]]
    if not mine:
        return {name: np.zeros(0) for name in ("update", "step", "seconds")}
    step = np.array([update.steps[s] for _, update in mine])
    chosen = np.diff(step * RECORDS // budget, prepend=-1) > 0
    chosen[-1] = True
    columns = {
        "update": np.array([number for number, _ in mine]),
        "step": step,
        "seconds": np.array([update.seconds for _, update in mine]),
        **{
            name: np.array([update.diagnostics[name][s] for _, update in mine])
            for name in mine[0][1].diagnostics
        },
    }
    return {name: column[chosen] for name, column in columns.items()}
