"""The probability that a seed of one variant beats a seed of another (Agarwal et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bench.evidence.statistics.estimates import (
    LEVEL,
    REPETITIONS,
    Floats,
    checked_values,
    rank_counts,
    tails,
)

Pairs = Sequence[tuple[ArrayLike, ArrayLike]]
"""(first, second) per environment: finite scores, 1-D, of any lengths."""


def probability_of_improvement(pairs: Pairs) -> float:
    """P(a seed of first beats a seed of second), over all pairs of seeds; a tie counts one half.

    Args:
        pairs: one per environment; all weigh alike, whatever their numbers of seeds.

    Returns:
        A share in [0, 1]: 1 when every seed of first is above every seed of second.

    Raises:
        ValueError: no environments, no seeds, or a value that is not finite.
    """
    return float(np.mean([_wins(first, second).mean() for first, second in _checked(pairs)]))


def improvement_interval(
    pairs: Pairs, generator: np.random.Generator, *, repetitions: int = REPETITIONS
) -> tuple[float, float]:
    """95% percentile-bootstrap interval of `probability_of_improvement`.

    The seeds of either side are resampled inside each environment, as in rliable; the environments
    stay fixed. Where every seed of one side beats every seed of the other, so does every resample:
    the interval is then a point and says nothing about seeds that were not trained.

    Args:
        pairs: as in `probability_of_improvement`.
        generator: the source of the resamples.
        repetitions: number of resamples.

    Returns:
        (low, high); NaN where a side has a single seed in some environment: its spread is unknown.

    Raises:
        ValueError: as `probability_of_improvement`.
    """
    checked = _checked(pairs)
    if any(len(side) < 2 for pair in checked for side in pair):
        return float("nan"), float("nan")
    resampled = np.zeros(repetitions)
    for first, second in checked:
        wins = _wins(first, second)
        # A resample enters through how often it drew each seed: [number, repetitions].
        counts = [rank_counts(len(side), 0, generator, repetitions) for side in (first, second)]
        resample_wins = np.sum((wins.T @ counts[0]) * counts[1], axis=0)
        resampled += resample_wins / (wins.size * len(checked))
    low, high = np.quantile(resampled, tails(LEVEL))
    return float(low), float(high)


def _checked(pairs: Pairs) -> list[tuple[Floats, Floats]]:
    if not pairs:
        raise ValueError("a mean over environments needs at least one environment")
    return [
        (checked_values(first).ravel(), checked_values(second).ravel()) for first, second in pairs
    ]


def _wins(first: Floats, second: Floats) -> Floats:
    """[first, second]: 1 where the first is above the second, 0 where below, 1/2 for a tie."""
    return 0.5 * (np.sign(first[:, None] - second[None, :]) + 1.0)
