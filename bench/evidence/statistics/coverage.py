"""How often a nominal 95% interval over few seeds really holds the true value.

A percentile bootstrap is too narrow at few seeds, so every interval is printed with its measured
coverage. `COVERAGE` was made by

    python -m bench.evidence.statistics.coverage

which simulates data sets with a known centre and counts how often the interval of
`statistics.bootstrap_interval` holds it. The table is for normal data. Seeds that end in one of
two modes, such as HalfCheetah's, can be covered less: where one seed in five ends in the upper
mode, five seeds miss that mode altogether in 0.8⁵ = 33% of all data sets, and no interval made of
them can hold the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from bench.evidence.statistics.estimates import REPETITIONS, Floats, Statistic, bootstrap_interval

Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]

SEED_COUNTS: Final = (*range(2, 21), 25, 30, 40, 50, 100)
"""The numbers of seeds in the table."""

DATA_SETS: Final = 20_000
"""Simulated data sets behind each entry: a standard error of at most 0.35 percentage points."""


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
        draw: data of the asked shape [seeds, data sets].
        centre: the statistic of that distribution itself.
        data_sets: how many data sets.
        repetitions: bootstrap resamples.

    Returns:
        A share in [0, 1].
    """
    values = draw(generator, (number, data_sets))
    low, high = bootstrap_interval(values, generator, statistic, repetitions=repetitions)
    return float(np.mean((low <= centre) & (high >= centre)))


def measure_all() -> dict[str, dict[int, float]]:
    """`COVERAGE` as measured afresh: statistic -> seeds -> share, to three digits. Minutes."""
    statistics: tuple[Statistic, ...] = ("iqm", "mean")
    return {
        statistic: {
            number: round(measure(number, statistic, np.random.default_rng([0, number])), 3)
            for number in SEED_COUNTS
        }
        for statistic in statistics
    }


# fmt: off
COVERAGE: Final[dict[str, dict[int, float]]] = {
    "iqm": {
        2: 0.501, 3: 0.747, 4: 0.876, 5: 0.906, 6: 0.901, 7: 0.914, 8: 0.941, 9: 0.934,
        10: 0.935, 11: 0.935, 12: 0.937, 13: 0.939, 14: 0.938, 15: 0.943, 16: 0.94, 17: 0.946,
        18: 0.94, 19: 0.945, 20: 0.944, 25: 0.948, 30: 0.945, 40: 0.945, 50: 0.947, 100: 0.947,
    },
    "mean": {
        2: 0.501, 3: 0.747, 4: 0.801, 5: 0.841, 6: 0.853, 7: 0.877, 8: 0.893, 9: 0.89,
        10: 0.901, 11: 0.904, 12: 0.909, 13: 0.918, 14: 0.915, 15: 0.92, 16: 0.922, 17: 0.927,
        18: 0.922, 19: 0.928, 20: 0.926, 25: 0.935, 30: 0.932, 40: 0.941, 50: 0.941, 100: 0.945,
    },
}
# fmt: on
"""Statistic -> seeds -> measured coverage of the nominal 95% interval, for normal data."""


def coverage(number: int, statistic: Statistic = "iqm") -> float:
    """Measured coverage of a nominal 95% interval over `number` seeds of normal data.

    Between two entries of the table the smaller number of seeds answers, which understates.

    Returns:
        A share in [0, 1]; NaN below two seeds, where there is no interval.
    """
    if number < 2:
        return float("nan")
    table = COVERAGE[statistic]
    return table[max(count for count in table if count <= number)]


def coverage_text(number: int, statistic: Statistic = "iqm") -> str:
    """`coverage` in whole percent, rounded down: "93%"."""
    return f"{math.floor(100 * coverage(number, statistic))}%"


if __name__ == "__main__":
    for name, shares in measure_all().items():
        print(name, shares)
