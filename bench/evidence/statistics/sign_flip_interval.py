"""The interval of differences that the sign-flip test can't reject.

For a shift δ the test asks whether the differences less δ are symmetric about 0. Flipping the signs
of a subset changes |sum| from |T| to |T − 2·S|, which is at least |T| exactly where δ lies between
the subset's mean and that of the rest (Hartigan 1969, Using subsample values as typical values). So
p(δ) counts subsets, and the interval's ends are two order statistics of their means.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from bench.evidence.statistics.estimates import LEVEL, checked_values, tails
from bench.evidence.statistics.significance import ENUMERATION_LIMIT

_SAMPLES: Final = 20_000


def sign_flip_interval(
    differences: ArrayLike,
    generator: np.random.Generator,
    *,
    weights: ArrayLike | None = None,
    level: float = LEVEL,
) -> tuple[float, float]:
    """All δ at which the two-sided sign-flip test of (differences − δ) has p > 1 − level.

    Exact for differences that are symmetric about δ, up to `ENUMERATION_LIMIT` pairs; beyond, from
    sampled patterns.

    Args:
        differences: finite paired differences, 1-D.
        generator: used beyond `ENUMERATION_LIMIT` pairs only.
        weights: positive, of the differences in their mean; None: all alike.
        level: of the interval, in (0, 1).

    Returns:
        (low, high), infinite where so few pairs can't reject any δ on that side.

    Raises:
        ValueError: no pairs, a difference that is not finite, or a level outside (0, 1).
    """
    tails(level)  # refuses a level that is none
    checked = checked_values(differences)
    heavy = np.ones_like(checked) if weights is None else np.asarray(weights, dtype=np.float64)
    total, whole = float(heavy @ checked), float(heavy.sum())
    number = len(checked)
    if number <= ENUMERATION_LIMIT:
        # A pattern and its mirror image split the pairs alike: the first sign can stay fixed.
        sums, sizes = heavy[:1] * checked[:1], heavy[:1].copy()
        for weight, difference in zip(heavy[1:], checked[1:], strict=True):
            part = weight * difference
            sums = np.concatenate([sums + part, sums - part])
            sizes = np.concatenate([sizes + weight, sizes - weight])
        sums, sizes = sums[1:], sizes[1:]  # the first is no split: it counts at every δ
    else:
        signs = 1.0 - 2.0 * generator.integers(0, 2, (_SAMPLES, number), dtype=np.int8)
        sums, sizes = signs @ (heavy * checked), signs @ heavy
    with np.errstate(divide="ignore", invalid="ignore"):
        ones = (total + sums) / (whole + sizes)
        others = (total - sums) / (whole - sizes)
    rejected = int((1 - level) * (len(sums) + 1) + 1e-9)
    if rejected == 0:
        return -np.inf, np.inf
    # p(δ) is the share of splits, and the one that is none, whose two means have δ between them.
    low = np.sort(np.fmin(ones, others))[rejected - 1]
    high = np.sort(np.fmax(ones, others))[-rejected]
    return float(low), float(high)
