"""How often the intervals over several environments, and of the probability of improvement, hold.

As `statistics.coverage` for one environment's mean: data sets with a known truth are simulated, and
the intervals that hold it are counted. `AGGREGATES` and `IMPROVEMENT` were made by

    python -m bench.evidence.statistics.aggregate_coverage

Normalised scores are normal with standard deviation `SPREAD`, and their environments' means lie
evenly between 0 and 1. For the probability of improvement both sides are normal with equal spread.
Where nearly every seed of one side beats every seed of the other, few seeds hold no pair that shows
the rest, and no interval made of them covers: at a true P of 0.9 it is far from the nominal 95%.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal

import numpy as np
from scipy import stats

from bench.evidence.statistics.estimates import stratified_bootstrap_interval
from bench.evidence.statistics.improvement import improvement_interval
from bench.evidence.statistics.profiles import optimality_gap, performance_profile

Aggregate = Literal["mean", "iqm", "optimality gap", "profile"]

ENVIRONMENT_COUNTS: Final = (1, 2, 4, 7)
SEED_COUNTS: Final = (2, 3, 5, 7, 10, 15, 20)
"""The numbers of environments and of seeds in the tables."""

PROBABILITIES: Final = (0.5, 0.75, 0.9)
"""The true probabilities of improvement in the table."""

SPREAD: Final = 0.2
"""Standard deviation of the seeds on an environment, in normalised scores."""

DATA_SETS: Final = 4_000
"""Simulated data sets behind each entry: a standard error of at most 0.8 percentage points."""

_REPETITIONS: Final = 1_000

_SEEDS: Final = dict.fromkeys(SEED_COUNTS)

_NAMES: Final[dict[Aggregate, str]] = {
    "mean": "mean",
    "iqm": "IQM",
    "optimality gap": "optimality gap",
    "profile": "profile",
}


def measure_aggregates(
    environments: int,
    seeds: int,
    generator: np.random.Generator,
    *,
    data_sets: int = DATA_SETS,
    repetitions: int = _REPETITIONS,
) -> dict[Aggregate, float]:
    """The shares of data sets whose nominal 95% intervals hold the truth.

    The band of the performance profile is looked at where the true share is one half on every
    environment.

    Args:
        environments: how many.
        seeds: on each environment, at least 2.
        generator: draws the data sets, then the resamples.
        data_sets: how many data sets.
        repetitions: bootstrap resamples.

    Returns:
        Statistic -> share in [0, 1].
    """
    centres = np.linspace(0.0, 1.0, environments) if environments > 1 else np.array([0.5])
    # E max(0, 1 − X) of a normal X; the other three are symmetric about one half.
    short = (1 - centres) / SPREAD
    gap = float(np.mean(SPREAD * (short * stats.norm.cdf(short) + stats.norm.pdf(short))))
    truths: dict[Aggregate, float] = {
        "mean": 0.5,
        "iqm": 0.5,
        "optimality gap": gap,
        "profile": 0.5,
    }
    hits = dict.fromkeys(truths, 0)
    for _ in range(data_sets):
        noise = generator.standard_normal((environments, seeds))
        strata = list(centres[:, None] + SPREAD * noise)
        profile = performance_profile(list(noise), [0.0], generator, repetitions=repetitions)
        _, *gap_limits = optimality_gap(strata, generator, repetitions=repetitions)
        limits: dict[Aggregate, tuple[float, ...]] = {
            "mean": stratified_bootstrap_interval(
                strata, generator, "mean", repetitions=repetitions
            ),
            "iqm": stratified_bootstrap_interval(strata, generator, "iqm", repetitions=repetitions),
            "optimality gap": tuple(gap_limits),
            "profile": (float(profile.low[0]), float(profile.high[0])),
        }
        for name, (low, high) in limits.items():
            hits[name] += low <= truths[name] <= high
    return {name: number / data_sets for name, number in hits.items()}


def measure_improvement(
    environments: int,
    seeds: int,
    probability: float,
    generator: np.random.Generator,
    *,
    data_sets: int = DATA_SETS,
    repetitions: int = _REPETITIONS,
) -> float:
    """The share of data sets whose interval holds the true mean probability of improvement.

    Args:
        environments: over which the mean is; the truth is the same on each.
        seeds: of either side on each environment, at least 2.
        probability: the truth, in (0, 1).
        generator: draws the data sets, then the resamples.
        data_sets: how many data sets.
        repetitions: bootstrap resamples.
    """
    shift = math.sqrt(2) * float(stats.norm.ppf(probability))
    hits = 0
    for _ in range(data_sets):
        sides = generator.standard_normal((environments, 2, seeds))
        pairs = [(first + shift, second) for first, second in sides]
        low, high = improvement_interval(pairs, generator, repetitions=repetitions)
        hits += low <= probability <= high
    return hits / data_sets


# fmt: off
AGGREGATES: Final[dict[Aggregate, dict[int, dict[int, float]]]] = {
    "mean": {
        1: {2: 0.51, 3: 0.749, 5: 0.841, 7: 0.872, 10: 0.895, 15: 0.919, 20: 0.928},
        2: {2: 0.652, 3: 0.81, 5: 0.871, 7: 0.897, 10: 0.916, 15: 0.931, 20: 0.933},
        4: {2: 0.743, 3: 0.85, 5: 0.892, 7: 0.911, 10: 0.919, 15: 0.931, 20: 0.943},
        7: {2: 0.79, 3: 0.874, 5: 0.906, 7: 0.913, 10: 0.937, 15: 0.936, 20: 0.941},
    },
    "iqm": {
        1: {2: 0.51, 3: 0.749, 5: 0.908, 7: 0.917, 10: 0.931, 15: 0.938, 20: 0.946},
        2: {2: 0.652, 3: 0.849, 5: 0.9, 7: 0.912, 10: 0.922, 15: 0.938, 20: 0.934},
        4: {2: 0.695, 3: 0.821, 5: 0.894, 7: 0.913, 10: 0.926, 15: 0.927, 20: 0.945},
        7: {2: 0.779, 3: 0.857, 5: 0.91, 7: 0.911, 10: 0.928, 15: 0.935, 20: 0.936},
    },
    "optimality gap": {
        1: {2: 0.511, 3: 0.748, 5: 0.842, 7: 0.873, 10: 0.894, 15: 0.918, 20: 0.93},
        2: {2: 0.605, 3: 0.791, 5: 0.864, 7: 0.889, 10: 0.91, 15: 0.929, 20: 0.924},
        4: {2: 0.727, 3: 0.845, 5: 0.891, 7: 0.919, 10: 0.923, 15: 0.929, 20: 0.943},
        7: {2: 0.779, 3: 0.869, 5: 0.908, 7: 0.916, 10: 0.939, 15: 0.937, 20: 0.94},
    },
    "profile": {
        1: {2: 0.51, 3: 0.752, 5: 0.946, 7: 0.876, 10: 0.972, 15: 0.92, 20: 0.962},
        2: {2: 0.872, 3: 0.967, 5: 0.933, 7: 0.936, 10: 0.956, 15: 0.957, 20: 0.947},
        4: {2: 0.905, 3: 0.912, 5: 0.943, 7: 0.946, 10: 0.951, 15: 0.954, 20: 0.953},
        7: {2: 0.853, 3: 0.87, 5: 0.904, 7: 0.915, 10: 0.951, 15: 0.936, 20: 0.954},
    },
}
"""Statistic -> environments -> seeds -> measured coverage of the nominal 95% interval."""

IMPROVEMENT: Final[dict[int, dict[int, tuple[float, ...]]]] = {
    1: {
        2: (0.678, 0.513, 0.27), 3: (0.804, 0.729, 0.447), 5: (0.903, 0.872, 0.688),
        7: (0.933, 0.894, 0.821), 10: (0.942, 0.92, 0.859), 15: (0.947, 0.933, 0.896),
        20: (0.945, 0.943, 0.916),
    },
    2: {
        2: (0.942, 0.723, 0.461), 3: (0.938, 0.84, 0.686), 5: (0.94, 0.909, 0.875),
        7: (0.942, 0.927, 0.897), 10: (0.942, 0.934, 0.925), 15: (0.948, 0.942, 0.935),
        20: (0.948, 0.945, 0.94),
    },
    4: {
        2: (0.907, 0.936, 0.696), 3: (0.922, 0.922, 0.895), 5: (0.935, 0.939, 0.926),
        7: (0.938, 0.947, 0.945), 10: (0.938, 0.949, 0.943), 15: (0.95, 0.951, 0.943),
        20: (0.948, 0.953, 0.948),
    },
    7: {
        2: (0.882, 0.85, 0.849), 3: (0.91, 0.915, 0.877), 5: (0.937, 0.937, 0.929),
        7: (0.943, 0.942, 0.94), 10: (0.948, 0.946, 0.953), 15: (0.946, 0.952, 0.947),
        20: (0.947, 0.946, 0.946),
    },
}
"""Environments -> seeds of a side -> measured coverage, one number a true `PROBABILITIES`."""
# fmt: on


def nearest(table: Mapping[int, object], number: int) -> int:
    """The largest entry that is not above the number; the smallest where all are."""
    return max((entry for entry in table if entry <= number), default=min(table))


def aggregates_text(
    statistics: Sequence[Aggregate], environments: int, seeds: Collection[int]
) -> list[str]:
    """A sentence: what the intervals of aggregates are worth; none where no cell has two seeds.

    The entry with the next fewer environments and seeds answers where there is none.

    Args:
        statistics: which.
        environments: over which they are.
        seeds: all numbers of seeds that occur.
    """
    parts: dict[str, None] = {}
    for number in sorted(seeds):
        if number < 2:
            continue
        shares = []
        for statistic in statistics:
            of_statistic = AGGREGATES[statistic]
            found = of_statistic[nearest(of_statistic, environments)]
            name = _NAMES[statistic] + " " if len(statistics) > 1 else ""
            shares.append(f"{name}{_percent(found[nearest(found, number)])}")
        parts[f"{', '.join(shares)} at n = {nearest(_SEEDS, number)}"] = None
    if not parts:
        return []
    where = _environments(nearest(AGGREGATES[statistics[0]], environments))
    return [f"Measured coverage, for normal data on {where}: {'; '.join(parts)}."]


def improvement_text(environments: Collection[int], seeds: Collection[int]) -> list[str]:
    """A sentence: what the intervals of probabilities of improvement are worth.

    Args:
        environments: all numbers of environments that a probability is the mean over.
        seeds: all numbers of seeds that occur, the fewer of the two sides.
    """
    parts: dict[str, None] = {}
    for over in sorted(environments):
        row = IMPROVEMENT[nearest(IMPROVEMENT, over)]
        for number in sorted(seeds):
            if number > 1:
                shares = ", ".join(_percent(share) for share in row[nearest(row, number)])
                where = _environments(nearest(IMPROVEMENT, over))
                parts[f"{shares} on {where} at n = {nearest(_SEEDS, number)}"] = None
    if not parts:
        return []
    truths = " / ".join(f"{each:g}" for each in PROBABILITIES)
    return [
        f"Measured coverage, for normal data whose true P is {truths} (or as far below 0.5): "
        f"{'; '.join(parts)}."
    ]


def _environments(number: int) -> str:
    return f"{number} environment{'' if number == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{math.floor(100 * share)}%"


def main() -> None:
    """Measure both tables afresh; a quarter of an hour."""
    for environments in ENVIRONMENT_COUNTS:
        for seeds in SEED_COUNTS:
            generator = np.random.default_rng([0, environments, seeds])
            found = measure_aggregates(environments, seeds, generator)
            print(environments, seeds, {name: round(share, 3) for name, share in found.items()})
            shares = [
                round(measure_improvement(environments, seeds, probability, generator), 3)
                for probability in PROBABILITIES
            ]
            print(environments, seeds, shares)


if __name__ == "__main__":
    main()
