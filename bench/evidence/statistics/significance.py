"""Tests of paired differences, and their adjustment for multiple comparisons.

The null hypothesis of the sign-flip test is "no difference in distribution": the two scores of a
pair could be swapped, so that their differences are symmetric about 0. It is not "equal means". Two
distributions of equal means but other shapes are told apart more often than the level says; that is
no error of the test, but a claim must not be read as one about means alone.

Sources: sign-flip test, Fisher 1935, The Design of Experiments, section 21; its inversion by means
of subsets, Hartigan 1969, Using subsample values as typical values; step-down adjustment, Holm
1979.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.evidence.statistics.estimates import LEVEL, Floats, checked_values, tails

ENUMERATION_LIMIT: Final = 20
"""Pairs up to which the sign-flip test enumerates all sign patterns; beyond, it samples them."""

_SIGN_SAMPLES: Final = 100_000


def sign_flip_test(
    differences: ArrayLike,
    generator: np.random.Generator,
    *,
    repetitions: int = _SIGN_SAMPLES,
) -> float:
    """Two-sided p-value of "no difference in distribution", by flipping the signs of differences.

    If the two scores of a pair could be swapped, the 2ⁿ sign patterns of n differences are equally
    likely; p is the share whose |sum| is at least the observed one. Exact for every distribution
    and every n up to `ENUMERATION_LIMIT`; beyond, `repetitions` patterns are drawn and p =
    (1 + hits)/(1 + draws), which never understates p on average. The smallest exact p is 2¹⁻ⁿ.

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
    threshold = abs(checked.sum()) - 1e-12 * np.abs(checked).sum()
    number = len(checked)
    if number <= ENUMERATION_LIMIT:
        # A pattern and its mirror image have the same |sum|: the first sign can stay fixed.
        sums = checked[:1].copy()
        for difference in checked[1:]:
            sums = np.concatenate([sums + difference, sums - difference])
        return float(np.mean(np.abs(sums) >= threshold))
    hits = 0
    for start in range(0, repetitions, 10_000):
        flipped = _subsets(generator, min(10_000, repetitions - start), number)
        sums = checked.sum() - 2 * _sums(flipped, checked)
        hits += int(np.count_nonzero(np.abs(sums) >= threshold))
    return (1 + hits) / (1 + repetitions)


def rejecting_patterns(pairs: int, level: float) -> int:
    """How many sign patterns, mirror images counted once, p ≤ level allows; 0: no p is so low."""
    return math.floor(level * 2.0 ** (pairs - 1) * (1 + 1e-12))


def sign_flip_interval(
    differences: ArrayLike,
    generator: np.random.Generator,
    *,
    weights: ArrayLike = 1.0,
    level: float = LEVEL,
) -> tuple[float, float]:
    """All δ at which the two-sided sign-flip test of (differences − δ) has p > 1 − level.

    Flipping the signs of a subset gives at least the observed |sum| exactly where δ lies between
    the subset's mean and that of the rest (Hartigan 1969). So the interval ends at the k-th
    smallest and the k-th largest subset mean, where p ≤ 1 − level allows k patterns. Exact for
    differences that are symmetric about δ, up to `ENUMERATION_LIMIT` pairs; from sampled subsets
    beyond.

    Args:
        differences: finite paired differences, 1-D.
        generator: used beyond `ENUMERATION_LIMIT` pairs only.
        weights: positive, of the differences in the mean that is tested.
        level: of the interval, in (0, 1).

    Returns:
        (low, high), infinite where so few pairs can't reject any δ.

    Raises:
        ValueError: no pairs, a difference that is not finite, or a level outside (0, 1).
    """
    tails(level)  # raises for a level outside (0, 1)
    return _ends(checked_values(differences).ravel(), weights, 1 - level, generator)


def least_claimable(
    differences: ArrayLike,
    level: float,
    generator: np.random.Generator,
    *,
    weights: ArrayLike = 1.0,
) -> float:
    """The least |mean difference| from which the sign-flip test has p ≤ level, at this spread.

    The centred differences, shifted by δ, reject 0 exactly if δ lies outside their sign-flip
    interval. The least shifts up and down need not be equally large: the larger is returned.

    Args:
        differences, weights: as in `sign_flip_interval`.
        level: in (0, 1).
        generator: used beyond `ENUMERATION_LIMIT` pairs only.

    Returns:
        In the differences' unit; infinite where so few pairs can claim no difference of any size.

    Raises:
        ValueError: no pairs, or a difference that is not finite.
    """
    checked = checked_values(differences).ravel()
    weight = np.broadcast_to(np.asarray(weights, dtype=np.float64), checked.shape)
    centred = checked - np.average(checked, weights=weight)
    low, high = _ends(centred, weights, level, generator)
    return max(-low, high) + 0.0  # no −0


def _ends(
    values: Floats, weights: ArrayLike, alpha: float, generator: np.random.Generator
) -> tuple[float, float]:
    """The k-th smallest and the k-th largest subset mean, where p ≤ alpha allows k patterns."""
    number = len(values)
    weight = np.broadcast_to(np.asarray(weights, dtype=np.float64), values.shape)
    if number <= ENUMERATION_LIMIT:
        allowed = rejecting_patterns(number, alpha)
        sums, sizes = np.zeros(1), np.zeros(1)
        for value, share in zip(weight * values, weight, strict=True):
            sums = np.concatenate([sums, sums + value])
            sizes = np.concatenate([sizes, sizes + share])
        sums, sizes = sums[1:], sizes[1:]  # flipping nothing is the observed pattern itself
    else:
        allowed = math.floor(alpha / 2 * _SIGN_SAMPLES)
        flipped = _subsets(generator, _SIGN_SAMPLES, number)
        sums = _sums(flipped, weight * values)
        sizes = np.maximum(_sums(flipped, weight), np.finfo(np.float64).tiny)
    if allowed < 1:
        return -math.inf, math.inf
    means = sums / sizes
    low, high = (np.partition(means, place)[place] for place in (allowed - 1, -allowed))
    return float(low), float(high)


def _subsets(generator: np.random.Generator, draws: int, number: int) -> NDArray[np.uint8]:
    """Random subsets of `number` values, each in with chance ½: [draws, bytes], a bit per value."""
    return generator.integers(0, 256, (draws, -(-number // 8)), dtype=np.uint8)


def _sums(subsets: NDArray[np.uint8], values: Floats) -> Floats:
    """The sum over each subset; the sum of a byte's eight values is looked up in a table."""
    sums = np.zeros(len(subsets))
    patterns = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    for place, column in enumerate(subsets.T):
        byte_values = values[8 * place : 8 * place + 8]
        sums += (patterns[:, : len(byte_values)] @ byte_values)[column]
    return sums


def holm(p_values: ArrayLike) -> Floats:
    """Holm's step-down adjustment: the chance of any wrong claim at adjusted p ≤ α is at most α.

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
