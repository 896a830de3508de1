"""Training one group of seeds of one description where physics and learning share a device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError

from bench.plan.lookup import load_algorithm
from bench.train.device.checkpoint import Rows, restore, save
from bench.train.device.graphs import own_stream
from bench.train.device.learner import DeviceLearner
from bench.train.device.rollout import DeviceRollout
from bench.train.environments.warp_backend import WarpEnvironments
from bench.train.trainer import (
    Progress,
    RunResult,
    Task,
    _episode_columns,
    _policy,
    _progress,
    _record,
    _update_columns,
    validate,
)

CHECKPOINT_EVERY = 120.0
"""Seconds between two checkpoints, at the end of a batch."""


def train(
    task: Task,
    seeds: Sequence[int],
    report: Callable[[Progress], None] = lambda progress: None,
    *,
    checkpoint: Path | None = None,
    checkpoint_every: float = CHECKPOINT_EVERY,
    record: bool = True,
) -> list[RunResult]:
    """Train `seeds` together, as `bench.train.trainer.train` does, on `task.device`.

    On a CPU each seed is what it would be alone, bit for bit; on CUDA it agrees with that as
    far as float32 sums in another order do.

    Args:
        checkpoint: a file to go on from, and to keep up to date; the caller removes it.
        record: whether CUDA graphs are used where there is CUDA.

    Raises:
        InputError: as `bench.train.trainer.train`, or an environment that Warp doesn't step.
        RuntimeError: the physics lost contacts.
    """
    algorithm = load_algorithm(task.algorithm)
    values: dict[str, Any] = dict(task.hyperparameters)
    hyperparameters = algorithm.hyperparameters(**values)
    validate(hyperparameters)
    device = torch.device(task.device)
    # What an algorithm makes without saying where belongs on the device too.
    with own_stream(device), torch.device(device):
        environments = WarpEnvironments(
            task.environment,
            seeds,
            hyperparameters.slots,
            time_limit=task.time_limit,
            device=task.device,
        )
        try:
            learner = DeviceLearner(
                algorithm,
                hyperparameters,
                seeds,
                environments.observation_size,
                environments.action_space,
                task.device,
                record=record,
            )
            rollout = DeviceRollout(learner, environments, record=record)
            updates: Rows = [[] for _ in seeds]
            if checkpoint is not None and checkpoint.exists():
                updates = _restored(checkpoint, learner, rollout)
            return _train(learner, rollout, updates, task, report, checkpoint, checkpoint_every)
        finally:
            environments.close()


def _restored(path: Path, learner: DeviceLearner, rollout: DeviceRollout) -> Rows:
    try:
        return restore(path, learner, rollout)
    except (OSError, ValueError, SafetensorError) as error:
        # Moved away rather than trained over; and training from the start is right in any case.
        aside = path.with_suffix(".unreadable")
        path.replace(aside)
        raise RuntimeError(
            f"the checkpoint {path.name} can't be used ({error}); it is {aside.name} now, and the "
            "same command trains this group from the start"
        ) from error


def _train(
    learner: DeviceLearner,
    rollout: DeviceRollout,
    updates: Rows,
    task: Task,
    report: Callable[[Progress], None],
    checkpoint: Path | None,
    checkpoint_every: float,
) -> list[RunResult]:
    seconds = [0.0] * len(learner.seeds)
    saved = time.monotonic()
    while bool(learner.active.any()):
        learning = learner.active.cpu().numpy()
        diagnostics = learner.algorithm.update(learner, rollout.collect())
        rollout.stop(~torch.isfinite(learner.parameters.sum(1)))
        learner.steps = rollout.steps.clone()
        elapsed = rollout.seconds()
        for s in np.flatnonzero(learning):
            seconds[s] = elapsed
        _record(updates, learner, diagnostics, elapsed, task.steps)
        learner.updates += 1
        learner.active = learner.active & (learner.steps < task.steps)
        report(_progress(learner, rollout.episodes, task.steps, elapsed))
        if checkpoint is not None and time.monotonic() - saved >= checkpoint_every:
            save(checkpoint, learner, rollout, updates)
            saved = time.monotonic()
    diverged_at = rollout.diverged_at
    return [
        RunResult(
            seed=seed,
            status="finished" if diverged_at[s] is None else "diverged",
            reason=None if diverged_at[s] is None else "numbers stopped being finite",
            diverged_at=diverged_at[s],
            steps=int(learner.steps[s]),
            seconds=seconds[s],
            episodes=_episode_columns(rollout.episodes[s]),
            updates=_update_columns(updates[s]),
            policy=_policy(learner, s),
        )
        for s, seed in enumerate(learner.seeds)
    ]
