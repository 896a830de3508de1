"""Keeps actions that are no numbers away from the physics."""

from __future__ import annotations

import numpy as np

from algorithms.spaces import ActionSpace, Continuous
from bench.train.environments.protocol import BoolArray, Float32Array, Int64Array


def withhold_not_finite(
    actions: Float32Array | Int64Array, space: ActionSpace
) -> tuple[Float32Array | Int64Array, BoolArray | None]:
    """Actions that any engine survives, and the rows that had to be replaced.

    A NaN makes EnvPool's BipedalWalker compute for ever, and MuJoCo write a log file into the
    working directory; one seed that diverges must not take the others with it.

    Returns:
        The actions, the given array itself where all are finite, else a copy in which each row
        with NaN or an infinity is zero (or the bound nearest to zero); and [M] which rows those
        are, None where there are none.
    """
    if not isinstance(space, Continuous) or np.isfinite(actions).all():
        return actions, None
    withheld: BoolArray = np.any(~np.isfinite(actions), axis=1)
    still = np.clip(np.zeros(space.size, np.float32), space.low, space.high)
    return np.where(withheld[:, None], still, actions).astype(np.float32), withheld
