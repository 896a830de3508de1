"""Train one small batch first, so that compiling kernels is not part of a run's measured time.

Kernels are compiled once per machine and state of the code, under a lock, by the first process.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from algorithms.numerics.compilation import cache_folder
from bench.plan.back_ends import ENVPOOL, back_end
from bench.plan.digest import code_digest
from bench.plan.identity import Description
from bench.train.provenance import processor_model

STAGE = "InvertedPendulum-v5"
"""Kernels don't depend on an environment's sizes; this one is small."""


def is_due(description: Description) -> bool:
    """Whether kernels that training needs may still have to be compiled for this processor."""
    mark = _mark(description)
    return mark is not None and not mark.exists()


def rehearse(description: Description) -> None:
    """Train one seed for one batch if that is due; ignore errors, which training will report."""
    mark = _mark(description)
    if mark is None or mark.exists():
        return
    from bench.train.trainer import train

    small = replace(description, environment=STAGE, back_end=ENVPOOL.name, steps=1, time_limit=None)
    with suppress(Exception):
        train(small, [0])
    with suppress(OSError):
        mark.touch()


def _mark(description: Description) -> Path | None:
    """Return the file that marks a rehearsal as done; None if nothing has to be compiled."""
    uses_kernels = back_end(description.back_end).trainer == ENVPOOL.trainer
    if description.device != "cpu" or not uses_kernels:
        return None
    identity = description.algorithm, description.hyperparameters, code_digest(description)
    name = hashlib.sha256(f"{identity} {processor_model()}".encode()).hexdigest()[:16]
    return cache_folder() / f"{name}.rehearsed"
