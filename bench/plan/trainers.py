"""Which module trains a run: chosen by what steps its environment.

Each has a function `train(description, seeds, report)`, as `bench.train.trainer` has.
"""

from __future__ import annotations

TRAINER = "bench.train.trainer"
TRAINERS: dict[str, str] = {}
"""Back end -> its trainer, where that is not `TRAINER`."""


def trainer_of(back_end: str) -> str:
    """The module that trains on this back end."""
    return TRAINERS.get(back_end, TRAINER)
