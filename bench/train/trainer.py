"""Training one group of seeds of one description, from the first step to the budget's end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from algorithms.batch import Batch, Diagnostics
from algorithms.hyperparameters import CriticHyperparameters, check
from algorithms.learner import Learner
from bench.errors import InputError
from bench.plan.lookup import load_algorithm
from bench.train.contradictions import check_together
from bench.train.environments import make
from bench.train.rollout import EpisodeLog, Rollout

RECORDS = 1_000
"""Rows of diagnostics that a seed has at most: A2C makes 12,500 updates in a million steps. An
update that finds the next thousandth of the budget passed has one, and the last."""


class Task(Protocol):
    """What the trainer reads of a description (`bench.plan.identity.Description`)."""

    @property
    def algorithm(self) -> str: ...
    @property
    def hyperparameters(self) -> Mapping[str, object]: ...
    @property
    def environment(self) -> str: ...
    @property
    def steps(self) -> int: ...
    @property
    def back_end(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def time_limit(self) -> int | None: ...


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a group stands.

    Attributes:
        steps: taken so far, one a seed; budget: of each seed [environment steps].
        last_return: mean over the seeds of their last episode's return, None before the first.
        seconds: since training began.
    """

    steps: tuple[int, ...]
    budget: int
    last_return: float | None
    seconds: float


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What one seed gave.

    Attributes:
        status: "finished" or "diverged"; reason and diverged_at [steps] say more of the latter.
        seconds: wall time of the group until this seed ended.
        episodes: columns step, return, length, seconds, one row an episode.
        updates: columns update, step, seconds and the diagnostics, a row an update (see RECORDS).
        policy: final parameters by name, and the normaliser's statistics.
    """

    seed: int
    status: str
    reason: str | None
    diverged_at: int | None
    steps: int
    seconds: float
    episodes: dict[str, np.ndarray]
    updates: dict[str, np.ndarray]
    policy: dict[str, np.ndarray]


def train(
    task: Task, seeds: Sequence[int], report: Callable[[Progress], None] = lambda progress: None
) -> list[RunResult]:
    """Train `seeds` together; each as if it were alone, bit for bit on one CPU.

    That needs MKL_CBWR=AUTO,STRICT in the environment before torch is imported, as the runner's
    workers have it: MKL reads it once.

    A seed stops with the first batch that takes it to the budget; the steps it took beyond
    are recorded as they are.

    Raises:
        InputError: an unknown algorithm or environment, or hyperparameters that contradict.
    """
    algorithm = load_algorithm(task.algorithm)
    values: dict[str, Any] = dict(task.hyperparameters)
    hyperparameters = algorithm.hyperparameters(**values)
    validate(hyperparameters)
    environments = make(
        task.environment,
        seeds,
        hyperparameters.slots,
        back_end=task.back_end,
        time_limit=task.time_limit,
    )
    try:
        learner = Learner(
            algorithm,
            hyperparameters,
            seeds,
            environments.observation_size,
            environments.action_space,
            task.device,
        )
        return _train(learner, Rollout(learner, environments), task, report)
    finally:
        environments.close()


def validate(hyperparameters: object) -> None:
    """Raise InputError where values are out of range or contradict one another."""
    try:
        check(hyperparameters)
    except ValueError as error:
        raise InputError(str(error)) from error
    check_together(hyperparameters)
    h = hyperparameters
    if isinstance(h, CriticHyperparameters) and h.batch_steps % h.slots:
        raise InputError(
            f"batch_steps = {h.batch_steps} is not a multiple of slots = {h.slots}: "
            "every slot takes the same number of steps"
        )


def _train(
    learner: Learner, rollout: Rollout, task: Task, report: Callable[[Progress], None]
) -> list[RunResult]:
    updates: list[list[dict[str, float]]] = [[] for _ in learner.seeds]
    seconds = [0.0] * len(learner.seeds)
    collect = {
        "steps": rollout.collect_steps,
        "trajectories": rollout.collect_trajectories,
    }[learner.algorithm.collects]
    while bool(learner.active.any()):
        learning = learner.active.cpu().numpy()
        batch: Batch = collect()
        diagnostics = learner.algorithm.update(learner, batch)
        rollout.stop(~torch.isfinite(learner.parameters.sum(1)).cpu().numpy())
        learner.steps = torch.from_numpy(rollout.steps.copy()).to(learner.device)
        elapsed = rollout.seconds()
        for s in np.flatnonzero(learning):
            seconds[s] = elapsed
        _record(updates, learner, diagnostics, elapsed, task.steps)
        learner.updates += 1
        learner.active = learner.active & (learner.steps < task.steps)
        report(_progress(learner, rollout.episodes, task.steps, elapsed))
    return [
        RunResult(
            seed=seed,
            status="finished" if rollout.diverged_at[s] is None else "diverged",
            reason=None if rollout.diverged_at[s] is None else "numbers stopped being finite",
            diverged_at=rollout.diverged_at[s],
            steps=int(learner.steps[s]),
            seconds=seconds[s],
            episodes=_episode_columns(rollout.episodes[s]),
            updates=_update_columns(updates[s]),
            policy=_policy(learner, s),
        )
        for s, seed in enumerate(learner.seeds)
    ]


def _record(
    updates: list[list[dict[str, float]]],
    learner: Learner,
    diagnostics: Diagnostics,
    elapsed: float,
    budget: int,
) -> None:
    columns = {name: values.double().cpu().numpy() for name, values in diagnostics.items()}
    for s in np.flatnonzero(learner.active.cpu().numpy()):
        step = int(learner.steps[s])
        last = updates[s][-1]["step"] if updates[s] else -1
        if step < budget and step * RECORDS // budget == last * RECORDS // budget:
            continue
        row = {"update": learner.updates, "step": step, "seconds": elapsed}
        updates[s].append({**row, **{name: float(values[s]) for name, values in columns.items()}})


def _progress(
    learner: Learner, episodes: Sequence[EpisodeLog], budget: int, elapsed: float
) -> Progress:
    last = [log.returns[-1] for log in episodes if log.returns]
    return Progress(
        steps=tuple(int(steps) for steps in learner.steps),
        budget=budget,
        last_return=float(np.mean(last)) if last else None,
        seconds=elapsed,
    )


def _episode_columns(log: EpisodeLog) -> dict[str, np.ndarray]:
    return {
        "step": np.array(log.step, dtype=np.int64),
        "return": np.array(log.returns, dtype=np.float64),
        "length": np.array(log.length, dtype=np.int32),
        "seconds": np.array(log.seconds, dtype=np.float64),
    }


def _update_columns(rows: list[dict[str, float]]) -> dict[str, np.ndarray]:
    if not rows:
        return {name: np.zeros(0) for name in ("update", "step", "seconds")}
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _policy(learner: Learner, s: int) -> dict[str, np.ndarray]:
    moments = learner.observation_moments
    tensors = {
        "policy": learner.policy_parameters[s],
        "critic": learner.critic_parameters[s],
        "observation_mean": moments.mean[s],
        "observation_variance": moments.variance[s],
        "observation_count": moments.count[s],
    }
    return {name: value.detach().cpu().numpy().copy() for name, value in tensors.items()}
