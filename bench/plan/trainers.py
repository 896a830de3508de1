"""Which module trains a run: chosen by what steps its environment.

Each has a function `train(description, seeds, report)`, as `bench.train.trainer` has.
"""

from __future__ import annotations

TRAINER = "bench.train.trainer"
TRAINERS: dict[str, str] = {"warp": "bench.train.device.trainer"}
"""Back end -> its trainer, where that is not `TRAINER`."""
RESUMABLE = ("warp",)
"""Back ends whose trainers take a `checkpoint`, a file to go on from and to keep up to date."""


def trainer_of(back_end: str) -> str:
    """The module that trains on this back end."""
    return TRAINERS.get(back_end, TRAINER)
