"""Whether scores fall into two clusters further apart than normal scores would.

The measure is the share of the squared spread that is left within the two groups of the best split
of the sorted scores (one-dimensional 2-means): about 0.25 for ten normal scores, near 0 for two
modes. How small it is by chance is simulated with equally many normal scores.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from bench.evidence.statistics.estimates import Floats, checked_values

DATA_SETS: Final = 20_000
"""Simulated data sets behind a p-value, which is at least 1/20,001."""


def best_split(scores: ArrayLike) -> tuple[float, int]:
    """The split of the sorted scores that leaves the least spread within its two groups.

    Args:
        scores: finite, 1-D, at least two.

    Returns:
        The share of the squared spread that is left, in [0, 1], 1 where all scores are the same;
        and how many scores are in the lower group.
    """
    ordered = np.sort(checked_values(scores))
    left = _left_within(ordered[None, :])[0]
    place = int(np.argmin(left))
    return float(left[place]), place + 1


def clusters_p(scores: ArrayLike) -> float:
    """p-value of "no more apart than normal scores", by simulation.

    Args:
        scores: finite, 1-D, at least three.
    """
    left, _ = best_split(scores)
    by_chance = _by_chance(len(np.asarray(scores)))
    return float((1 + np.searchsorted(by_chance, left, side="right")) / (1 + DATA_SETS))


@cache
def _by_chance(number: int) -> Floats:
    """The shares of simulated normal data sets of `number` scores, ascending."""
    drawn = np.random.default_rng([0, number]).standard_normal((DATA_SETS, number))
    found: Floats = np.sort(_left_within(np.sort(drawn, axis=1)).min(axis=1))
    return found


def _left_within(ordered: Floats) -> Floats:
    """[sets, splits]: the share of the squared spread left within both groups of each split."""
    number = ordered.shape[1]
    centred = ordered - ordered.mean(axis=1, keepdims=True)
    whole = np.sum(centred**2, axis=1, keepdims=True)
    lower = np.arange(1, number)
    # Between the groups of a split lies S²/k + S²/(n − k), S the sum of the lower k.
    between = np.cumsum(centred, axis=1)[:, :-1] ** 2 * (1 / lower + 1 / (number - lower))
    share: Floats = 1 - np.divide(between, whole, out=np.zeros_like(between), where=whole > 0)
    return np.maximum(share, 0.0)
