"""Train one group of rows with physics and learning on the same device."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from bench.plan.lookup import load_algorithm
from bench.train import loop
from bench.train.device.checkpoint import restore, save
from bench.train.device.diagnostics import on_device
from bench.train.device.graphs import own_stream
from bench.train.device.learner import DeviceLearner
from bench.train.device.rollout import DeviceRollout
from bench.train.device.updating import RecordedUpdate
from bench.train.environments.warp_backend import WarpEnvironments
from bench.train.results import Observer, Progress, RunResult, Task, spaced
from bench.train.trainer import validate

CHECKPOINT_EVERY = 120.0
"""Least number of seconds between two checkpoints, which are written at the end of a batch."""


def train(
    task: Task | Sequence[Task],
    seeds: Sequence[int],
    observers: Sequence[Observer] = (),
    *,
    checkpoint: Path | None = None,
    checkpoint_every: float = CHECKPOINT_EVERY,
    record: bool = True,
) -> list[RunResult]:
    """Train `seeds` together, as `bench.train.trainer.train` does, on the task's device.

    On a CPU each seed trains as it would alone, bit for bit; on CUDA it agrees up to the rounding
    of float32 sums in another order.

    Args:
        task: one for all seeds, or one per seed; all must have the same `programs.program`.
        observers: called after every batch.
        checkpoint: a file to resume from, and to keep up to date; the caller removes it.
        record: whether CUDA graphs are used, on CUDA.

    Raises:
        InputError: as `bench.train.trainer.train`, or an environment that Warp doesn't step.
        RuntimeError: the physics lost contacts.
    """
    tasks = task if isinstance(task, Sequence) else [task] * len(seeds)
    task = tasks[0]
    algorithm = load_algorithm(task.algorithm)
    rows = [_hyperparameters(algorithm, row_task) for row_task in tasks]
    hyperparameters = rows[0]
    device = torch.device(task.device)
    # Tensors that an algorithm makes without naming a device belong on this one too.
    with own_stream(device), torch.device(device), on_device():
        environments = WarpEnvironments(
            task.environment,
            seeds,
            hyperparameters.slots,
            time_limit=task.time_limit,
            device=task.device,
        )
        try:
            learner = DeviceLearner(
                rows,
                seeds,
                environments.observation_size,
                environments.action_space,
                critic=algorithm.critic(hyperparameters),
                device=task.device,
                record=record,
            )
            algorithm.start(learner)
            learner.settle()
            rollout = DeviceRollout(algorithm, learner, environments, record=record)
            recorded: loop.Rows = [[] for _ in seeds]
            if checkpoint is not None:
                if checkpoint.exists():
                    recorded = _restored(checkpoint, learner, rollout)
                save_checkpoint = _checkpointing(checkpoint, learner, rollout, recorded)
                observers = [
                    *observers,
                    spaced(save_checkpoint, checkpoint_every, time.monotonic()),
                ]
            update = RecordedUpdate(algorithm, learner, record=record)
            return loop.train(update, learner, rollout, task, observers, recorded)
        finally:
            environments.close()


def _hyperparameters(algorithm: Any, task: Task) -> Any:
    hyperparameters = algorithm.hyperparameters(**task.hyperparameters)
    validate(hyperparameters)
    return hyperparameters


def _restored(path: Path, learner: DeviceLearner[Any], rollout: DeviceRollout) -> loop.Rows:
    try:
        return restore(path, learner, rollout)
    except (OSError, ValueError, SafetensorError) as error:
        # Kept under another name, not overwritten. Training from the start is correct in any case.
        renamed = path.with_suffix(".unreadable")
        path.replace(renamed)
        raise RuntimeError(
            f"the checkpoint {path.name} can't be used ({error}); it is {renamed.name} now, and "
            "the same command trains this group from the start"
        ) from error


def _checkpointing(
    path: Path, learner: DeviceLearner[Any], rollout: DeviceRollout, rows: loop.Rows
) -> Observer:
    def save_checkpoint(progress: Progress) -> None:
        # A full disk costs the checkpoint, and not the training.
        with suppress(OSError, SafetensorError):
            save(path, learner, rollout, rows)

    return save_checkpoint
