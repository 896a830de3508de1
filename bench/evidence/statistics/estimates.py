"""The statistics of a comparison over seeds, as pure functions of arrays and a seeded generator.

Seeds are the unit of replication: axis 0 of every `values` is the seed. Source: interquartile mean
and stratified bootstrap, Agarwal et al. 2021 (arXiv 2108.13264).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import unknown

Floats = NDArray[np.float64]
Statistic = Literal["iqm", "mean"]

# What a statistic is called in words, and the share it trims from each end of the sorted values.
STATISTICS: Final[dict[str, str]] = {"iqm": "interquartile mean", "mean": "mean"}
_TRIMMED_SHARE: Final[dict[str, float]] = {"iqm": 0.25, "mean": 0.0}

REPETITIONS: Final = 10_000
"""Bootstrap resamples behind every interval."""

LEVEL: Final = 0.95
"""Nominal coverage of every interval."""


_COLUMNS_AT_ONCE: Final = 8  # their resamples stay in a processor's cache


def estimate(values: ArrayLike, statistic: Statistic = "iqm") -> Floats:
    """The mean or the interquartile mean over axis 0.

    The interquartile mean is the mean of what is left after dropping ⌊n/4⌋ values from each end,
    as `scipy.stats.trim_mean(values, 0.25)` and rliable do; below n = 4 it is the mean.

    Args:
        values: finite numbers, seeds on axis 0.
        statistic: "iqm" or "mean".

    Returns:
        The estimate, of the shape of the other axes.

    Raises:
        ValueError: no seeds, or a value that is not finite.
        InputError: an unknown statistic.
    """
    ordered = np.sort(checked_values(values), axis=0)
    trimmed = _trimmed(len(ordered), statistic)
    return np.asarray(ordered[trimmed : len(ordered) - trimmed].mean(axis=0), dtype=np.float64)


def bootstrap_interval(
    values: ArrayLike,
    generator: np.random.Generator,
    statistic: Statistic = "iqm",
    *,
    repetitions: int = REPETITIONS,
    level: float = LEVEL,
) -> tuple[Floats, Floats]:
    """Percentile-bootstrap interval of a statistic over seeds, pointwise in the other axes.

    A trimmed mean depends on a resample only through the sorted ranks it drew, so one draw of
    ranks serves every column: a resample is a row of weights on the column's sorted values, and
    the whole bootstrap is one matrix product. Each column's interval has exactly the distribution
    of the ordinary bootstrap; only the dependence between columns differs, which a pointwise band
    does not use.

    Args:
        values: finite numbers, seeds on axis 0.
        generator: the source of the resamples; equal generators give equal intervals.
        statistic: "iqm" or "mean".
        repetitions: number of resamples.
        level: nominal coverage, in (0, 1). `statistics.coverage` has the measured one.

    Returns:
        (low, high), each of the shape of the other axes; NaN from a single seed, which says
        nothing about the spread.

    Raises:
        ValueError: no seeds, a value that is not finite, or a level outside (0, 1).
        InputError: an unknown statistic.
    """

    def counts(number: int, trimmed: int) -> Floats:
        return rank_counts(number, trimmed, generator, repetitions)

    return _percentiles(values, counts, statistic, level)


def _percentiles(
    values: ArrayLike, counts_of: Callable[[int, int], Floats], statistic: Statistic, level: float
) -> tuple[Floats, Floats]:
    checked = checked_values(values)
    number = len(checked)
    columns = np.sort(checked.reshape(number, -1), axis=0)
    limits = np.full((2, columns.shape[1]), np.nan)
    trimmed = _trimmed(number, statistic)
    probabilities = tails(level)
    if number > 1:
        counts = counts_of(number, trimmed)
        for start in range(0, columns.shape[1], _COLUMNS_AT_ONCE):
            block = columns[:, start : start + _COLUMNS_AT_ONCE]
            resampled = (block.T @ counts) / (number - 2 * trimmed)
            limits[:, start : start + _COLUMNS_AT_ONCE] = np.quantile(
                resampled, probabilities, axis=1, overwrite_input=True
            )
    shape = checked.shape[1:]
    return limits[0].reshape(shape), limits[1].reshape(shape)


def intervals_of_seeds(
    values: ArrayLike,
    statistic: Statistic = "iqm",
    repetitions: int = REPETITIONS,
) -> tuple[Floats, Floats]:
    """Return `bootstrap_interval` of resamples that depend on n alone.

    They are drawn once per process: tables and curves ask hundreds of times for the same.
    """
    counts = partial(_resampled_counts, repetitions)
    return _percentiles(values, counts, statistic, LEVEL)


@lru_cache(maxsize=16)
def _resampled_counts(repetitions: int, number: int, trimmed: int) -> Floats:
    return rank_counts(number, trimmed, np.random.default_rng([0, number]), repetitions)


def interval_of_seeds(values: ArrayLike, statistic: Statistic = "iqm") -> tuple[float, float]:
    """Return `intervals_of_seeds` of one number per seed; NaN also without seeds."""
    if not len(np.asarray(values)):
        return float("nan"), float("nan")
    low, high = intervals_of_seeds(values, statistic)
    return float(low), float(high)


def stratified_bootstrap_interval(
    strata: Sequence[ArrayLike],
    generator: np.random.Generator,
    statistic: Statistic = "iqm",
    *,
    repetitions: int = REPETITIONS,
) -> tuple[float, float]:
    """95% percentile-bootstrap interval of the statistic of all strata's values pooled.

    Seeds are resampled inside each stratum (environment), so the environments stay fixed and
    only the seeds are random, as in rliable. Scores must be normalised to a common scale first.

    Args:
        strata: one 1-D array of finite scores per environment.
        generator: the source of the resamples.
        statistic: "iqm" or "mean", over the pooled values.
        repetitions: number of resamples.

    Returns:
        (low, high); NaN where no stratum has two seeds.

    Raises:
        ValueError: no strata, a stratum without seeds, or a value that is not finite.
        InputError: an unknown statistic.
    """
    checked = [checked_values(stratum).ravel() for stratum in strata]
    if not checked:
        raise ValueError("a stratified bootstrap needs at least one stratum")
    number = sum(len(stratum) for stratum in checked)
    trimmed = _trimmed(number, statistic)
    if all(len(stratum) < 2 for stratum in checked):
        return float("nan"), float("nan")
    pooled = np.concatenate(
        [
            stratum[generator.integers(0, len(stratum), (repetitions, len(stratum)))]
            for stratum in checked
        ],
        axis=1,
    )
    pooled.sort(axis=1)
    resampled = pooled[:, trimmed : number - trimmed].mean(axis=1)
    low, high = np.quantile(resampled, tails(LEVEL))
    return float(low), float(high)


def checked_values(values: ArrayLike) -> Floats:
    """The values as floats; ValueError without seeds, or for a value that is not finite."""
    checked = np.asarray(values, dtype=np.float64)
    if checked.ndim == 0 or len(checked) == 0:
        raise ValueError("a statistic over seeds needs at least one seed")
    if not np.all(np.isfinite(checked)):
        raise ValueError("a statistic over seeds needs finite values; leave out seeds without one")
    return checked


def _trimmed(number: int, statistic: str) -> int:
    if statistic not in _TRIMMED_SHARE:
        raise unknown("statistic", statistic, STATISTICS)
    return int(_TRIMMED_SHARE[statistic] * number)


def tails(level: float) -> Floats:
    """The two probabilities that cut off an interval of this level; ValueError outside (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval lies between 0 and 1, got {level}")
    return np.array([(1 - level) / 2, (1 + level) / 2])


def rank_counts(
    number: int, trimmed: int, generator: np.random.Generator, repetitions: int
) -> Floats:
    """How often each sorted value enters each resample's trimmed mean: [number, repetitions]."""
    ranks = np.sort(generator.integers(0, number, (repetitions, number)), axis=1)
    untrimmed = ranks[:, trimmed : number - trimmed]
    flat_indices = untrimmed * repetitions + np.arange(repetitions)[:, None]
    counts = np.bincount(flat_indices.ravel(), minlength=number * repetitions)
    return counts.reshape(number, repetitions).astype(np.float64)
