"""The probability that a seed of one variant beats a seed of another (Agarwal et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bench.evidence.statistics.estimates import (
    LEVEL,
    REPETITIONS,
    checked_values,
    rank_counts,
    tails,
)


def probability_of_improvement(first: ArrayLike, second: ArrayLike) -> float:
    """P(a seed of `first` beats a seed of `second`), over all pairs; a tie counts one half.

    Args:
        first: finite scores, 1-D.
        second: finite scores, 1-D, of any length.

    Returns:
        A share in [0, 1]: 1 when every seed of `first` is above every seed of `second`.

    Raises:
        ValueError: no seeds, or a value that is not finite.
    """
    left, right = checked_values(first).ravel(), checked_values(second).ravel()
    differences = left[:, None] - right[None, :]
    return float(np.mean(0.5 * (np.sign(differences) + 1.0)))


def mean_probability_of_improvement(pairs: Sequence[tuple[ArrayLike, ArrayLike]]) -> float:
    """`probability_of_improvement` of first over second in each environment, and their mean.

    Args:
        pairs: (first, second) an environment: finite scores, 1-D, of any lengths. Each environment
            counts alike, whatever its number of seeds.

    Raises:
        ValueError: no environments, no seeds, or a value that is not finite.
    """
    if not pairs:
        raise ValueError("a mean over environments needs at least one environment")
    return float(np.mean([probability_of_improvement(first, second) for first, second in pairs]))


def improvement_interval(
    pairs: Sequence[tuple[ArrayLike, ArrayLike]],
    generator: np.random.Generator,
    *,
    repetitions: int = REPETITIONS,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Percentile-bootstrap interval of `mean_probability_of_improvement`.

    The seeds of either side are resampled inside each environment, as in rliable; the environments
    stay fixed. Where every seed of one side beats every seed of the other, so does every resample:
    the interval is then a point and says nothing about seeds that were not trained.

    Args:
        pairs: as in `mean_probability_of_improvement`.
        generator: the source of the resamples.
        repetitions: number of resamples.
        level: nominal coverage, in (0, 1).

    Returns:
        (low, high); NaN where a side has a single seed in some environment: its spread is unknown.

    Raises:
        ValueError: as `mean_probability_of_improvement`, or a level outside (0, 1).
    """
    checked = [
        (checked_values(first).ravel(), checked_values(second).ravel()) for first, second in pairs
    ]
    if not checked:
        raise ValueError("a mean over environments needs at least one environment")
    probabilities = tails(level)
    if any(len(side) < 2 for pair in checked for side in pair):
        return float("nan"), float("nan")
    resampled = np.zeros(repetitions)
    for first, second in checked:
        wins = 0.5 * (np.sign(first[:, None] - second[None, :]) + 1.0)
        # A resample enters through how often it drew each seed: [number, repetitions].
        counts = [rank_counts(len(side), 0, generator, repetitions) for side in (first, second)]
        won = np.sum((wins.T @ counts[0]) * counts[1], axis=0)
        resampled += won / (wins.size * len(checked))
    low, high = np.quantile(resampled, probabilities)
    return float(low), float(high)
