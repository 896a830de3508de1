"""The table of back ends, the libraries that step environments. Importing it imports none.

A trainer is a module with a function `train(description, seeds, observers)`, as
`bench.train.trainer` has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from algorithms import ALGORITHMS, SEQUENCE_ALGORITHMS
from bench.errors import InputError, unknown


@dataclass(frozen=True, kw_only=True)
class BackEnd:
    """A library that steps environments, as this project uses it.

    Attributes:
        name: as stored in descriptions.
        environments: the module that makes and describes its environments.
        trainer: the module that trains on it.
        takes: what a policy gives to its environments, single actions or whole answers.
        ids: environment ids that it steps; empty if that depends on what is registered.
        distributions: the packages that do the stepping; the code digest has their versions.
        devices: devices of the networks for which it may be chosen by default.
        resumable: whether its trainer takes a `checkpoint`, a file to go on from and to keep up to
            date.
        takes_rows: whether its trainer takes one description per seed, in place of one for all.
    """

    name: str
    environments: str
    trainer: str
    takes: Literal["actions", "answers"] = "actions"
    ids: tuple[str, ...] = ()
    distributions: tuple[str, ...]
    devices: tuple[str, ...] = ("cpu", "cuda")
    resumable: bool = False
    takes_rows: bool = False


SEQUENCE = BackEnd(
    name="sequence",
    environments="bench.train.environments.sequence_backend",
    trainer="bench.train.answers.trainer",
    takes="answers",
    # The policy's own network steps, and a task is code of this project or a plugin's.
    distributions=(),
)
WARP = BackEnd(
    name="warp",
    environments="bench.train.environments.warp_backend",
    trainer="bench.train.device.trainer",
    ids=(
        "Ant-v5",
        "HalfCheetah-v5",
        "Hopper-v5",
        "InvertedDoublePendulum-v5",
        "InvertedPendulum-v5",
        "Reacher-v5",
        "Swimmer-v5",
        "Walker2d-v5",
    ),
    distributions=("mujoco-warp", "warp-lang"),
    devices=("cuda",),
    resumable=True,
    takes_rows=True,
)
ENVPOOL = BackEnd(
    name="envpool",
    environments="bench.train.environments.envpool_backend",
    trainer="bench.train.trainer",
    # Written out, because importing EnvPool to ask takes a second. Only what both libraries have
    # and agree on, with flat observations; tests hold the list against both.
    ids=(
        "Ant-v5",
        "HalfCheetah-v5",
        "Hopper-v5",
        "Humanoid-v5",
        "HumanoidStandup-v5",
        "InvertedDoublePendulum-v5",
        "InvertedPendulum-v5",
        "Pusher-v5",
        "Reacher-v5",
        "Swimmer-v5",
        "Walker2d-v5",
        "Acrobot-v1",
        "CartPole-v0",
        "CartPole-v1",
        "MountainCar-v0",
        "MountainCarContinuous-v0",
        "Pendulum-v1",
        "BipedalWalker-v3",
        "BipedalWalkerHardcore-v3",
        "LunarLander-v3",
        "LunarLanderContinuous-v3",
    ),
    distributions=("envpool",),
)
GYMNASIUM = BackEnd(
    name="gymnasium",
    environments="bench.train.environments.gymnasium_backend",
    trainer="bench.train.trainer",
    distributions=("gymnasium",),
)
BACK_ENDS: dict[str, BackEnd] = {
    library.name: library for library in (SEQUENCE, WARP, ENVPOOL, GYMNASIUM)
}
"""Name -> back end."""


def back_end(name: str) -> BackEnd:
    """Return the back end of this name.

    Raises:
        InputError: there is none.
    """
    if name not in BACK_ENDS:
        raise unknown("back end", name, BACK_ENDS)
    return BACK_ENDS[name]


def check_trains(name: str, algorithm: object, environment: str, back_end_name: str) -> None:
    """Refuse an algorithm that the environment's trainer can't train.

    Args:
        name, algorithm: the algorithm's name, and the algorithm.
        environment, back_end_name: the environment's id, and the name of its back end.

    Raises:
        InputError: one of them takes whole answers and the other takes single actions.
    """
    from algorithms.answers.algorithm import SequenceAlgorithm

    takes_answers = back_end(back_end_name).takes == "answers"
    if isinstance(algorithm, SequenceAlgorithm) == takes_answers:
        return
    allowed = [
        candidate for candidate in ALGORITHMS if (candidate in SEQUENCE_ALGORITHMS) == takes_answers
    ]
    raise InputError(
        f"algorithm {name!r} learns from {'actions' if takes_answers else 'whole answers'}, and "
        f"{environment!r} takes {'whole answers' if takes_answers else 'actions'}. "
        f"Allowed: {', '.join(allowed)}"
    )
