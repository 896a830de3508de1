"""Convert Gymnasium's spaces, which EnvPool uses too, to those of `algorithms.spaces`."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from algorithms.spaces import ActionSpace, Continuous, Discrete
from bench.errors import InputError
from bench.train.environments.protocol import Float32Array

_MOST = np.float32(np.inf)


def action_space_of(environment_id: str, space: object) -> ActionSpace:
    """Convert an action space to one of `algorithms.spaces`; a box of any shape is flattened.

    Bounds are rounded to float32, because actions are, and inwards: a strict environment refuses
    an action that is outside by the last bit.

    Raises:
        InputError: it is neither a Discrete space nor a Box of real numbers.
    """
    if isinstance(space, gymnasium.spaces.Discrete):
        return Discrete(count=int(space.n))
    if isinstance(space, gymnasium.spaces.Box) and np.issubdtype(space.dtype, np.floating):
        low, high = _float32_within(space.low.ravel(), space.high.ravel())
        return Continuous(size=low.size, low=tuple(low.tolist()), high=tuple(high.tolist()))
    raise InputError(
        f"the environment {environment_id!r} takes actions of {space}; "
        "allowed are Discrete and a Box of real numbers"
    )


def _float32_within(low: Any, high: Any) -> tuple[Float32Array, Float32Array]:
    """Return the smallest and the largest float32 from `low` to `high`, of each component.

    A bound beyond float32 becomes infinite, since no finite action violates it. If no float32 lies
    between the bounds, those nearest to them are returned.
    """
    with np.errstate(over="ignore"):
        lowest, highest = low.astype(np.float32), high.astype(np.float32)
    rounded_low = np.where(
        np.isfinite(lowest) & (lowest < low), np.nextafter(lowest, _MOST), lowest
    )
    rounded_high = np.where(
        np.isfinite(highest) & (highest > high), np.nextafter(highest, -_MOST), highest
    )
    is_empty = rounded_low > rounded_high
    return np.where(is_empty, lowest, rounded_low), np.where(is_empty, highest, rounded_high)


def observation_size_of(environment_id: str, space: object) -> int:
    """Number of components of a flattened observation (one-hot for a Discrete one).

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


def native(action: Any, space: Any) -> Any:
    """Convert one action, [A] or a choice from 0 on, to the environment's own space."""
    if isinstance(space, gymnasium.spaces.Discrete):
        return action + space.start
    return action.reshape(space.shape).astype(space.dtype, copy=False)
