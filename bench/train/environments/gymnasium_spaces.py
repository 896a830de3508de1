"""Gymnasium's spaces in the words of the algorithms. EnvPool describes itself in them, too."""

from __future__ import annotations

import gymnasium
import numpy as np

from algorithms.spaces import ActionSpace, Continuous, Discrete
from bench.errors import InputError


def action_space_of(environment_id: str, space: object) -> ActionSpace:
    """The action space in the words of the algorithms; a box of any shape is flattened.

    Bounds are rounded to float32, because actions are: both back ends then state the same ones.

    Raises:
        InputError: neither a Discrete space nor a Box of real numbers.
    """
    if isinstance(space, gymnasium.spaces.Discrete):
        return Discrete(count=int(space.n))
    if isinstance(space, gymnasium.spaces.Box) and np.issubdtype(space.dtype, np.floating):
        with np.errstate(over="ignore"):
            low, high = (bound.astype(np.float32).ravel() for bound in (space.low, space.high))
        return Continuous(size=low.size, low=tuple(low.tolist()), high=tuple(high.tolist()))
    raise InputError(
        f"the environment {environment_id!r} takes actions of {space}; "
        "allowed are Discrete and a Box of real numbers"
    )


def observation_size_of(environment_id: str, space: object) -> int:
    """How many numbers an observation has when flattened (a Discrete one as one-hot).

    Raises:
        InputError: its size is not fixed (a graph, a sequence).
    """
    if isinstance(space, gymnasium.spaces.Space) and space.is_np_flattenable:
        return gymnasium.spaces.flatdim(space)
    raise InputError(
        f"the environment {environment_id!r} gives observations of {space}; "
        "allowed are spaces that gymnasium.spaces.flatten turns into a vector"
    )


def is_vector(space: object) -> bool:
    """Whether an observation already is a flat vector of numbers."""
    return isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 1
