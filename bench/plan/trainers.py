"""Which module trains a run: chosen by what steps its environment.

Each has a function `train(description, seeds, report)`, as `bench.train.trainer` has.
"""

from __future__ import annotations

from algorithms import ALGORITHMS, SEQUENCE_ALGORITHMS
from bench.errors import InputError

TRAINER = "bench.train.trainer"
SEQUENCE = "sequence"
"""The back end of token environments."""
TRAINERS: dict[str, str] = {
    "warp": "bench.train.device.trainer",
    SEQUENCE: "bench.train.answers.trainer",
}
"""Back end -> its trainer, where that is not `TRAINER`."""
RESUMABLE = ("warp",)
"""Back ends whose trainers take a `checkpoint`, a file to go on from and to keep up to date."""


def trainer_of(back_end: str) -> str:
    """The module that trains on this back end."""
    return TRAINERS.get(back_end, TRAINER)


def check_trains(name: str, algorithm: object, environment: str, back_end: str) -> None:
    """Refuse an algorithm that its environment's trainer has no use for.

    Args:
        name: the algorithm's; algorithm: itself.
        environment: id; back_end: what steps it.

    Raises:
        InputError: one is about whole answers and the other isn't.
    """
    from algorithms.answers.algorithm import SequenceAlgorithm

    answers = back_end == SEQUENCE
    if isinstance(algorithm, SequenceAlgorithm) == answers:
        return
    allowed = [each for each in ALGORITHMS if (each in SEQUENCE_ALGORITHMS) == answers]
    raise InputError(
        f"algorithm {name!r} learns from {'actions' if answers else 'whole answers'}, and "
        f"{environment!r} takes {'whole answers' if answers else 'actions'}. "
        f"Allowed: {', '.join(allowed)}"
    )
