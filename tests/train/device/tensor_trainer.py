"""The device's trainer with the small task of `tensor_environments`, for workers to import."""

from __future__ import annotations

import os
import signal
from typing import Any

from bench.train.device import trainer
from bench.train.results import Observer, Progress, RunResult
from tests.train.device.tensor_environments import TensorEnvironments

KILLED = "KILLED_AFTER_UPDATES"


def train(*args: Any, **kwargs: Any) -> list[RunResult]:
    trainer.WarpEnvironments = TensorEnvironments  # type: ignore[assignment, misc]
    if KILLED in os.environ:
        task, seeds, observers = args
        args = (task, seeds, [*observers, _killing(int(os.environ[KILLED]))])
        kwargs["checkpoint_every"] = 0
    return trainer.train(*args, **kwargs)


def _killing(updates: int) -> Observer:
    remaining = updates

    def observe(progress: Progress) -> None:
        nonlocal remaining
        remaining -= 1
        if not remaining:
            os.kill(os.getpid(), signal.SIGKILL)

    return observe
