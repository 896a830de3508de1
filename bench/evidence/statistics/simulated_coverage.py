"""Coverage by simulation: data sets with a known truth, and how many intervals hold it.

    python -m bench.evidence.statistics.simulated_coverage

makes `coverage.csv` afresh in half an hour. Normalised scores are normal with standard deviation
`SPREAD`, and their environments' means lie evenly between 0 and 1. For the probability of
improvement both sides are normal with equal spread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from bench.evidence.statistics.coverage import AGGREGATES, PROBABILITIES, TABLE
from bench.evidence.statistics.estimates import (
    REPETITIONS,
    Floats,
    Statistic,
    bootstrap_interval,
    stratified_bootstrap_interval,
)
from bench.evidence.statistics.improvement import improvement_interval
from bench.evidence.statistics.profiles import optimality_gap, performance_profile

Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]

STATISTICS: Final[tuple[Statistic, ...]] = ("mean", "iqm")
SEED_COUNTS: Final = (*range(2, 21), 25, 30, 40, 50, 100)
"""The numbers of seeds in the table on one environment."""

AGGREGATE_SEED_COUNTS: Final = (2, 3, 5, 7, 10, 15, 20)
ENVIRONMENT_COUNTS: Final = (1, 2, 4, 7)
"""The numbers of seeds and of environments in the tables over environments."""

SPREAD: Final = 0.2
"""Standard deviation of the seeds on an environment, in normalised scores."""

DATA_SETS: Final = 20_000
"""Data sets behind an entry on one environment: a standard error of at most 0.35 points."""

AGGREGATE_DATA_SETS: Final = 4_000
"""Data sets behind an entry over environments: a standard error of at most 0.8 points."""

_AGGREGATE_REPETITIONS: Final = 1_000


def normal(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Standard normal values: both the mean and the interquartile mean are 0."""
    return generator.standard_normal(shape)


def measure(
    number: int,
    statistic: Statistic,
    generator: np.random.Generator,
    *,
    draw: Draw = normal,
    centre: float = 0.0,
    data_sets: int = DATA_SETS,
    repetitions: int = REPETITIONS,
) -> float:
    """The share of simulated data sets whose nominal 95% interval holds the true centre.

    Args:
        number: seeds in a data set, at least 2.
        statistic: "iqm" or "mean".
        generator: draws the data sets, then the resamples.
        draw: draws data of a given shape [seeds, data sets].
        centre: the true value of the statistic for that distribution.
        data_sets: how many data sets.
        repetitions: bootstrap resamples.

    Returns:
        A share in [0, 1].
    """
    values = draw(generator, (number, data_sets))
    low, high = bootstrap_interval(values, generator, statistic, repetitions=repetitions)
    return float(np.mean((low <= centre) & (high >= centre)))


def measure_aggregates(
    environments: int,
    seeds: int,
    generator: np.random.Generator,
    *,
    data_sets: int = AGGREGATE_DATA_SETS,
    repetitions: int = _AGGREGATE_REPETITIONS,
) -> dict[str, float]:
    """Each of `AGGREGATES` -> the share in [0, 1] of data sets whose intervals hold the truth.

    The band of the performance profile is checked where the true share is one half on every
    environment.

    Args:
        environments: how many.
        seeds: on each environment, at least 2.
        generator, data_sets, repetitions: as in `measure`.
    """
    centres = np.linspace(0.0, 1.0, environments) if environments > 1 else np.array([0.5])
    # E max(0, 1 − X) of a normal X; the other three are symmetric about one half.
    z = (1 - centres) / SPREAD
    gap = float(np.mean(SPREAD * (z * stats.norm.cdf(z) + stats.norm.pdf(z))))
    hits = np.zeros(len(AGGREGATES))
    for _ in range(data_sets):
        noise = generator.standard_normal((environments, seeds))
        strata = list(centres[:, None] + SPREAD * noise)
        profile = performance_profile(list(noise), [0.0], generator, repetitions=repetitions)
        gap_interval = optimality_gap(strata, generator, repetitions=repetitions)[1:]
        mean, iqm = (
            stratified_bootstrap_interval(strata, generator, statistic, repetitions=repetitions)
            for statistic in STATISTICS
        )
        limits = np.array([mean, iqm, gap_interval, (profile.low[0], profile.high[0])])
        truths = np.array([0.5, 0.5, gap, 0.5])
        hits += (limits[:, 0] <= truths) & (truths <= limits[:, 1])
    return dict(zip(AGGREGATES, (hits / data_sets).tolist(), strict=True))


def measure_improvement(
    environments: int,
    seeds: int,
    probability: float,
    generator: np.random.Generator,
    *,
    data_sets: int = AGGREGATE_DATA_SETS,
    repetitions: int = _AGGREGATE_REPETITIONS,
) -> float:
    """The share of data sets whose interval holds the true mean probability of improvement.

    Args:
        environments: number of environments in the mean; the truth is the same on each.
        seeds: of either side on each environment, at least 2.
        probability: the truth, in (0, 1).
        generator, data_sets, repetitions: as in `measure`.
    """
    shift = math.sqrt(2) * float(stats.norm.ppf(probability))
    hits = 0
    for _ in range(data_sets):
        sides = generator.standard_normal((environments, 2, seeds))
        pairs = [(first + shift, second) for first, second in sides]
        low, high = improvement_interval(pairs, generator, repetitions=repetitions)
        hits += low <= probability <= high
    return hits / data_sets


def measure_all() -> Iterator[tuple[str, int, int, float]]:
    """The rows of the table: statistic, environments, seeds, coverage."""
    for statistic in STATISTICS:
        for seeds in SEED_COUNTS:
            yield statistic, 1, seeds, measure(seeds, statistic, np.random.default_rng([0, seeds]))
    for environments in ENVIRONMENT_COUNTS:
        for seeds in AGGREGATE_SEED_COUNTS:
            generator = np.random.default_rng([0, environments, seeds])
            for name, share in measure_aggregates(environments, seeds, generator).items():
                yield name, environments, seeds, share
            for truth in PROBABILITIES:
                share = measure_improvement(environments, seeds, truth, generator)
                yield f"improvement {truth:g}", environments, seeds, share


if __name__ == "__main__":
    rows = pd.DataFrame(
        measure_all(), columns=["statistic", "environments", "seeds", "coverage"]
    ).round(3)
    rows.to_csv(TABLE, index=False, lineterminator="\n")
