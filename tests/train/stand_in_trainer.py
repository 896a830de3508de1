"""Stands in for the trainer where a test needs a fault that the real one has no way to show.

The hyperparameter `behaviour` says what becomes of a group.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.plan.identity import Description
from bench.train.results import Observer, Progress, RunResult


def train(
    description: Description, seeds: Sequence[int], observers: Sequence[Observer]
) -> list[RunResult]:
    behaviour = description.hyperparameters["behaviour"]
    progress = Progress(steps=(0,) * len(seeds), budget=10, last_return=None, seconds=0.1)
    for observer in observers:
        observer(progress)
    match behaviour:
        case "raise":
            raise RuntimeError("first line\nsecond line")
        case "be killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case "sleep":
            Path(str(description.hyperparameters["file"])).write_text(str(os.getpid()))
            time.sleep(600)
        case "forget":
            seeds = seeds[:-1]
        case "say its threads":
            import torch

            ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            threads = (torch.get_num_threads(), int(os.environ["OMP_NUM_THREADS"]), int(ignored))
            return [result(seed, returns=np.array(threads, dtype=float)) for seed in seeds]
        case "write much":
            return [result(seed, returns=np.random.default_rng().random(10**6)) for seed in seeds]
        case "diverge":
            return [result(seed, status="diverged", reason="not finite") for seed in seeds]
        case "have an unknown column":
            return [result(seed, updates={"colour": np.zeros(1)}) for seed in seeds]
    time.sleep(float(description.hyperparameters.get("seconds", 0.0)))
    return [result(seed) for seed in seeds]


def result(
    seed: int,
    *,
    status: str = "finished",
    reason: str | None = None,
    returns: np.ndarray | None = None,
    updates: dict[str, np.ndarray] | None = None,
) -> RunResult:
    values = np.full(3, float(seed)) if returns is None else returns
    rows = len(values)
    return RunResult(
        seed=seed,
        status=status,
        reason=reason,
        diverged_at=5 if status == "diverged" else None,
        steps=10,
        seconds=0.5,
        episodes={
            "step": np.arange(rows),
            "return": values,
            "length": np.ones(rows),
            "seconds": np.zeros(rows),
        },
        updates={"update": np.zeros(1), "step": np.zeros(1), "seconds": np.zeros(1)}
        | (updates or {}),
        policy={"policy": np.full(2, float(seed), dtype=np.float32)},
    )
