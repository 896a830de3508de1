"""The statistics of a comparison over seeds, as pure functions of arrays and a seeded generator.

Seeds are the unit of replication: axis 0 of every `values` is the seed. Sources: interquartile mean
and stratified bootstrap, Agarwal et al. 2021 (arXiv 2108.13264); sign-flip test, Fisher 1935,
The Design of Experiments, section 21; step-down adjustment, Holm 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
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

ENUMERATION_LIMIT: Final = 20
"""The sign-flip test enumerates all sign patterns up to so many pairs, and samples beyond."""

_SIGN_SAMPLES: Final = 100_000
_COLUMNS_AT_ONCE: Final = 256  # bounds the memory of a bootstrap to about 20 MB


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
    ordered = np.sort(_checked(values), axis=0)
    trimmed = _trimmed(len(ordered), statistic)
    return np.asarray(ordered[trimmed : len(ordered) - trimmed].mean(axis=0), dtype=np.float64)


def interquartile_mean(values: ArrayLike) -> Floats:
    """`estimate(values, "iqm")`: the mean of the middle half over axis 0."""
    return estimate(values, "iqm")


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
        level: nominal coverage, in (0, 1). `bench.evidence.coverage` has the real one.

    Returns:
        (low, high), each of the shape of the other axes; NaN from a single seed, which says
        nothing about the spread.

    Raises:
        ValueError: no seeds, a value that is not finite, or a level outside (0, 1).
        InputError: an unknown statistic.
    """
    checked = _checked(values)
    number = len(checked)
    columns = np.sort(checked.reshape(number, -1), axis=0)
    limits = np.full((2, columns.shape[1]), np.nan)
    trimmed = _trimmed(number, statistic)
    probabilities = tails(level)
    if number > 1:
        counts = _rank_counts(number, trimmed, generator, repetitions)
        for start in range(0, columns.shape[1], _COLUMNS_AT_ONCE):
            block = columns[:, start : start + _COLUMNS_AT_ONCE]
            resampled = (block.T @ counts) / (number - 2 * trimmed)
            limits[:, start : start + _COLUMNS_AT_ONCE] = quantiles(resampled, probabilities)
    shape = checked.shape[1:]
    return limits[0].reshape(shape), limits[1].reshape(shape)


def stratified_bootstrap_interval(
    strata: Sequence[ArrayLike],
    generator: np.random.Generator,
    statistic: Statistic = "iqm",
    *,
    repetitions: int = REPETITIONS,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Percentile-bootstrap interval of the statistic of all strata's values pooled.

    Seeds are resampled inside each stratum (environment), so the environments stay fixed and
    only the seeds are random, as in rliable. Scores must be normalised to a common scale first.

    Args:
        strata: one 1-D array of finite scores an environment.
        generator: the source of the resamples.
        statistic: "iqm" or "mean", over the pooled values.
        repetitions: number of resamples.
        level: nominal coverage, in (0, 1).

    Returns:
        (low, high); NaN where no stratum has two seeds.

    Raises:
        ValueError: no strata, a stratum without seeds, or a value that is not finite.
        InputError: an unknown statistic.
    """
    checked = [_checked(stratum).ravel() for stratum in strata]
    if not checked:
        raise ValueError("a stratified bootstrap needs at least one stratum")
    number = sum(len(stratum) for stratum in checked)
    trimmed = _trimmed(number, statistic)
    probabilities = tails(level)
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
    low, high = np.quantile(resampled, probabilities)
    return float(low), float(high)


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
    checked = _checked(differences)
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
    left, right = _checked(first).ravel(), _checked(second).ravel()
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
    checked = [(_checked(first).ravel(), _checked(second).ravel()) for first, second in pairs]
    if not checked:
        raise ValueError("a mean over environments needs at least one environment")
    probabilities = tails(level)
    if any(len(side) < 2 for pair in checked for side in pair):
        return float("nan"), float("nan")
    resampled = np.zeros(repetitions)
    for first, second in checked:
        wins = 0.5 * (np.sign(first[:, None] - second[None, :]) + 1.0)
        # A resample enters through how often it drew each seed: [number, repetitions].
        counts = [_rank_counts(len(side), 0, generator, repetitions) for side in (first, second)]
        won = np.sum((wins.T @ counts[0]) * counts[1], axis=0)
        resampled += won / (wins.size * len(checked))
    low, high = np.quantile(resampled, probabilities)
    return float(low), float(high)


def _checked(values: ArrayLike) -> Floats:
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


def quantiles(rows: Floats, probabilities: Floats) -> Floats:
    """`np.quantile(rows, probabilities, axis=1)` to the bit, [probabilities, rows]; sorts `rows`.

    Rows of ten thousand are sorted faster than NumPy partitions them at six places.
    """
    rows.sort(axis=1)
    position = probabilities * (rows.shape[1] - 1)
    below = np.floor(position).astype(np.int64)
    share = (position - below)[:, None]
    low = rows[:, below].T
    high = rows[:, np.minimum(below + 1, rows.shape[1] - 1)].T
    step = high - low
    found: Floats = np.where(share < 0.5, low + step * share, high - step * (1 - share))
    return found


def _rank_counts(
    number: int, trimmed: int, generator: np.random.Generator, repetitions: int
) -> Floats:
    """How often each sorted value enters each resample's trimmed mean: [number, repetitions]."""
    ranks = np.sort(generator.integers(0, number, (repetitions, number)), axis=1)
    kept = ranks[:, trimmed : number - trimmed]
    cells = kept * repetitions + np.arange(repetitions)[:, None]
    counts = np.bincount(cells.ravel(), minlength=number * repetitions)
    return counts.reshape(number, repetitions).astype(np.float64)
