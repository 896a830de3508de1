"""One-sided bounds on the difference of two means, of samples that are not paired (Welch 1947)."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import stats

from bench.evidence.statistics.estimates import Floats

FEWEST_SEEDS: Final = 3
"""Fewest numbers on either side from which there are bounds."""


def shares_of_gain(
    new: Floats, stored: Floats, untrained: float, lower_level: float, upper_level: float
) -> tuple[Floats, Floats, Floats]:
    """Measure mean(new) − mean(stored) in units of the gain, mean(stored) − `untrained`.

    Args:
        new, stored, lower_level, upper_level: as in `welch_bounds`.
        untrained: the untrained policy's mean score, NaN where it is not known.

    Returns:
        The difference and its bounds, [other axes]; NaN without a gain.
    """
    gain = stored.mean(axis=-1) - untrained
    unit = np.where(gain > 0, gain, np.nan)
    low, high = welch_bounds(new, stored, lower_level, upper_level)
    return (new.mean(axis=-1) - stored.mean(axis=-1)) / unit, low / unit, high / unit


def welch_bounds(
    first: Floats, second: Floats, lower_level: float, upper_level: float
) -> tuple[Floats, Floats]:
    """Bound mean(first) − mean(second) from below and from above, variances unequal.

    Where neither side has any spread, both bounds equal the difference.

    Args:
        first, second: one number per seed along the last axis; the other axes agree.
        lower_level, upper_level: the levels of the lower and of the upper bound.

    Returns:
        Lower and upper bounds, [other axes]; NaN below `FEWEST_SEEDS`.
    """
    difference = first.mean(axis=-1) - second.mean(axis=-1)
    if min(first.shape[-1], second.shape[-1]) < FEWEST_SEEDS:
        return difference * np.nan, difference * np.nan
    # By hand: SciPy warns of precision where all seeds of a side reach the same ceiling.
    errors = [side.var(axis=-1, ddof=1) / side.shape[-1] for side in (first, second)]
    squared_error = errors[0] + errors[1]
    with np.errstate(invalid="ignore"):
        parts = [
            (error / squared_error) ** 2 / (side.shape[-1] - 1)
            for error, side in zip(errors, (first, second), strict=True)
        ]
        degrees = 1 / (parts[0] + parts[1])
    low, high = (
        np.where(squared_error > 0, stats.t.ppf(level, degrees) * np.sqrt(squared_error), 0.0)
        for level in (lower_level, upper_level)
    )
    return difference - low, difference + high
