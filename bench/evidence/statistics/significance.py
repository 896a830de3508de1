"""Tests of paired differences, and their adjustment for how many there are.

Sources: sign-flip test, Fisher 1935, The Design of Experiments, section 21; step-down adjustment,
Holm 1979.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from bench.evidence.statistics.estimates import Floats, checked_values

FEWEST_PAIRS: Final = 10
"""Below so many pairs of seeds no difference is claimed."""

ALPHA: Final = 0.05
"""Chance of one or more wrong claims on a page where no variant differs from its reference."""

ENUMERATION_LIMIT: Final = 20
"""The sign-flip test enumerates all sign patterns up to so many pairs, and samples beyond."""

_SIGN_SAMPLES: Final = 100_000


def sign_flip_test(
    differences: ArrayLike,
    generator: np.random.Generator,
    *,
    repetitions: int = _SIGN_SAMPLES,
) -> float:
    """Two-sided p-value of "the paired differences are symmetric about 0", by flipping signs.

    With n pairs the 2ⁿ sign patterns are equally likely under the null hypothesis; p is the share
    whose |sum| is at least the observed one. Exact for every distribution and every n up to
    `ENUMERATION_LIMIT`; beyond, `repetitions` patterns are drawn and p = (1 + hits)/(1 + draws),
    which never understates p on average. The smallest exact p is 2¹⁻ⁿ.

    Args:
        differences: finite paired differences, 1-D.
        generator: used beyond `ENUMERATION_LIMIT` pairs only.
        repetitions: sign patterns to draw there.

    Returns:
        p in (0, 1]; 1 when every difference is 0.

    Raises:
        ValueError: no pairs, more than one axis, or a difference that is not finite.
    """
    checked = checked_values(differences)
    if checked.ndim != 1:
        raise ValueError(f"paired differences have one axis, got shape {checked.shape}")
    # Patterns that tie with the observed one must count, also when their sums round differently.
    bar = abs(checked.sum()) - 1e-12 * np.abs(checked).sum()
    number = len(checked)
    if number <= ENUMERATION_LIMIT:
        # A pattern and its mirror image have the same |sum|: the first sign can stay fixed.
        sums = checked[:1].copy()
        for difference in checked[1:]:
            sums = np.concatenate([sums + difference, sums - difference])
        return float(np.mean(np.abs(sums) >= bar))
    hits = 0
    for start in range(0, repetitions, 10_000):
        draws = min(10_000, repetitions - start)
        signs = 1.0 - 2.0 * generator.integers(0, 2, (draws, number))
        hits += int(np.count_nonzero(np.abs(signs @ checked) >= bar))
    return (1 + hits) / (1 + repetitions)


def holm(p_values: ArrayLike) -> Floats:
    """Holm's step-down adjustment: claims at adjusted p ≤ α are wrong anywhere with chance ≤ α.

    Args:
        p_values: p-values in [0, 1] of all comparisons of a page, 1-D.

    Returns:
        Adjusted p-values in the same order: the running maximum of (m − rank)·p, at most 1.

    Raises:
        ValueError: a value outside [0, 1] or more than one axis.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    if raw.ndim != 1:
        raise ValueError(f"p-values have one axis, got shape {raw.shape}")
    if not np.all((raw >= 0) & (raw <= 1)):
        raise ValueError(f"p-values lie in [0, 1], got {raw.tolist()}")
    order = np.argsort(raw, kind="stable")
    factors = np.arange(len(raw), 0, -1)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * factors), 1.0)
    return adjusted
