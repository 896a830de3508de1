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
    shares = _shares_within(ordered[None, :])[0]
    split = int(np.argmin(shares))
    return float(shares[split]), split + 1


def clusters_p(scores: ArrayLike) -> float:
    """p-value of "no more apart than normal scores", by simulation.

    Args:
        scores: finite, 1-D, at least three.
    """
    share, _ = best_split(scores)
    simulated = _simulated_shares(len(np.asarray(scores)))
    return float((1 + np.searchsorted(simulated, share, side="right")) / (1 + DATA_SETS))


@cache
def _simulated_shares(number: int) -> Floats:
    """The shares of simulated normal data sets of `number` scores, ascending."""
    scores = np.random.default_rng([0, number]).standard_normal((DATA_SETS, number))
    shares: Floats = np.sort(_shares_within(np.sort(scores, axis=1)).min(axis=1))
    return shares


def _shares_within(ordered: Floats) -> Floats:
    """[sets, splits]: the share of the squared spread left within both groups of each split."""
    number = ordered.shape[1]
    centred = ordered - ordered.mean(axis=1, keepdims=True)
    total = np.sum(centred**2, axis=1, keepdims=True)
    lower = np.arange(1, number)
    # Between the groups of a split lies S²/k + S²/(n − k), S the sum of the lower k.
    between = np.cumsum(centred, axis=1)[:, :-1] ** 2 * (1 / lower + 1 / (number - lower))
    share: Floats = 1 - np.divide(between, total, out=np.zeros_like(between), where=total > 0)
    return np.maximum(share, 0.0)
