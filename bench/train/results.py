"""The types of a trainer's input, progress and results. Importing this module imports no torch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


class Task(Protocol):
    """The attributes of a description (`bench.plan.identity.Description`) that a trainer reads."""

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
    """The progress of a group after a batch.

    Attributes:
        steps: steps taken so far, one number per seed; budget: each seed's [environment steps].
        last_return: mean over the seeds of their last episode's return, None before the first.
        seconds: wall time since training began.
        diagnostics: the update's named numbers, one per seed; meaningless for a seed that had
            ended before or diverged in this batch.
    """

    steps: tuple[int, ...]
    budget: int
    last_return: float | None
    seconds: float
    diagnostics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


Observer = Callable[[Progress], None]
"""Called after every batch, in the process that trains."""


def spaced(observer: Observer, seconds: float, last_call: float = -math.inf) -> Observer:
    """Wrap an observer so that it is called at most once in this many seconds.

    Args:
        last_call: time of the observer's last call, by `time.monotonic`.
    """

    def call(progress: Progress) -> None:
        nonlocal last_call
        if time.monotonic() - last_call >= seconds:
            observer(progress)
            last_call = time.monotonic()

    return call


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The results of one seed.

    Attributes:
        status: "finished" or "diverged"; the latter has a reason and diverged_at [steps].
        seconds: wall time of the group until this seed ended.
        episodes: columns step, return, length, seconds, one row per episode.
        updates: columns update, step, seconds and the diagnostics (see `loop.RECORDS`).
        policy: final parameters by name, and the normaliser's moments.
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
