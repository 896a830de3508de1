"""One seed's optimiser steps over a stretch of its parameters, in place."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from algorithms.numerics.compilation import compiled

ZERO: Final = np.float32(0)
ONE: Final = np.float32(1)
TINY: Final = np.float32(1e-6)
LANES: Final = 64


@compiled
def norm(values: np.ndarray) -> np.float32:
    """L2 norm: squares in 64 running sums, which are then added up in order."""
    sums = np.zeros(LANES, np.float32)
    whole = values.size // LANES
    for i in range(whole):
        part = values[i * LANES : (i + 1) * LANES]
        for j in range(LANES):
            sums[j] += part[j] * part[j]
    rest = values[whole * LANES :]
    for j in range(rest.size):
        sums[j] += rest[j] * rest[j]
    total = ZERO
    for j in range(LANES):
        total += sums[j]
    return np.float32(math.sqrt(total))


@compiled
def clipped_share(length: np.float32, bound: np.float32) -> np.float32:
    """What a gradient of this norm is multiplied by, so that it is at most `bound` long."""
    share = bound / (length + TINY)
    return ONE if share > ONE else share


@compiled
def adam(
    parameters: np.ndarray,
    gradient: np.ndarray,
    moments: tuple[np.ndarray, np.ndarray],
    count: float,
    rate: float,
    epsilon: float,
    share: np.float32,
) -> None:
    """Step number `count` = 1, 2, … of Adam, down `share` · gradient.

    Source: Kingma & Ba 2015, algorithm 1, with betas 0.9 and 0.999; equal to torch.optim.Adam.
    """
    first, second = moments
    one, two = np.float32(0.9), np.float32(0.999)
    other_one, other_two = np.float32(1 - 0.9), np.float32(1 - 0.999)
    # √v̂ + ε = (√v + ε·root) / root: one division for each parameter.
    root = math.sqrt(1 - 0.999**count)
    step, small = np.float32(rate * root / (1 - 0.9**count)), np.float32(epsilon * root)
    for i in range(parameters.size):
        slope = gradient[i] * share
        first[i] = one * first[i] + other_one * slope
        second[i] = two * second[i] + other_two * slope * slope
        parameters[i] -= step * first[i] / (np.float32(math.sqrt(second[i])) + small)


@compiled
def rmsprop(
    parameters: np.ndarray,
    gradient: np.ndarray,
    square: np.ndarray,
    rate: float,
    how: tuple[float, float, bool],
    share: np.float32,
) -> None:
    """A step of RMSProp down `share` · gradient.

    Args:
        how: decay of the mean square, ε, and whether it is inside the root.
    """
    decay, epsilon, inside = how
    kept, added = np.float32(decay), np.float32(1 - decay)
    step, small = np.float32(rate), np.float32(epsilon)
    within, outside = (small, ZERO) if inside else (ZERO, small)
    for i in range(parameters.size):
        slope = gradient[i] * share
        square[i] = kept * square[i] + added * slope * slope
        root = np.float32(math.sqrt(square[i] + within)) + outside
        parameters[i] -= step * slope / root
