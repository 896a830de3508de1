"""What is left to gain, and how scores are spread: two views of scores over environments.

Source: Agarwal et al. 2021 (arXiv 2108.13264): optimality gap, section 4.3; performance profile
(run-score distribution), section 4.2. Scores must be on a common scale first
(`bench.evidence.measures.normalised`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bench.evidence.statistics.estimates import (
    LEVEL,
    REPETITIONS,
    Floats,
    checked_values,
    estimate,
    stratified_bootstrap_interval,
    tails,
)


def optimality_gap(
    strata: Sequence[ArrayLike],
    generator: np.random.Generator,
    *,
    repetitions: int = REPETITIONS,
) -> tuple[float, float, float]:
    """How far the scores fall short of 1 on average; scores above 1 do not compensate.

    Args:
        strata: one 1-D array of finite normalised scores per environment.
        generator: the source of the resamples.
        repetitions: bootstrap resamples.

    Returns:
        (gap, low, high) with the stratified 95% interval, NaN where no stratum has two seeds.

    Raises:
        ValueError: no strata, a stratum without seeds, or a value that is not finite.
    """
    shortfalls = [np.maximum(0.0, 1.0 - np.asarray(stratum, np.float64)) for stratum in strata]
    low, high = stratified_bootstrap_interval(
        shortfalls, generator, "mean", repetitions=repetitions
    )
    return float(estimate(np.concatenate(shortfalls), "mean")), low, high


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The share of runs whose score is above each threshold, with a pointwise 95% band."""

    share: Floats  # [T] in [0, 1], falling
    low: Floats  # [T]; NaN where no environment has two seeds
    high: Floats  # [T]


def performance_profile(
    strata: Sequence[ArrayLike],
    thresholds: ArrayLike,
    generator: np.random.Generator,
    *,
    repetitions: int = 2_000,
) -> Profile:
    """The performance profile of one algorithm, runs of all environments pooled.

    Seeds are resampled inside each environment.

    Args:
        strata: one 1-D array of finite normalised scores per environment.
        thresholds: ascending scores.
        generator: the source of the resamples.
        repetitions: bootstrap resamples.

    Raises:
        ValueError: no strata, a stratum without seeds, or a value that is not finite.
    """
    if not strata:
        raise ValueError("a performance profile needs at least one environment")
    marks = np.asarray(thresholds, dtype=np.float64)
    scores = [checked_values(stratum).ravel() for stratum in strata]
    number = sum(map(len, scores))
    above = [values[:, None] > marks for values in scores]
    share = np.sum([part.sum(axis=0) for part in above], axis=0) / number
    low = high = np.full(len(marks), np.nan)
    if any(len(values) > 1 for values in scores):
        resampled = np.zeros((repetitions, len(marks)))
        for part in above:
            counts = generator.multinomial(
                len(part), np.full(len(part), 1 / len(part)), repetitions
            )
            resampled += counts @ part
        low, high = np.quantile(resampled / number, tails(LEVEL), axis=0)
    return Profile(share=share, low=low, high=high)
