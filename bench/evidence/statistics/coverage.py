"""How often a nominal 95% interval over few seeds really holds the true value.

A percentile bootstrap is too narrow at few seeds, so every interval is printed with its measured
coverage, which `coverage.csv` holds (`statistics.simulated_coverage` made it). The table is for
normal data. Seeds that end in one of two modes, such as HalfCheetah's, can be covered less: where
one seed in five ends in the upper mode, five seeds miss that mode altogether in 0.8⁵ = 33% of all
data sets, and no interval made of them can hold the mean.

So there is a second table, `real_coverage.csv`, measured on real returns: those of the ablation
`hundred_seeds` (`pages.hundred_seeds` makes it; it is empty until they are published).

Where nearly every seed of one side beats every seed of the other, a few seeds may hold no pair in
the opposite order: at a true probability of improvement of 0.9 coverage is far from nominal.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from bench.evidence.statistics.estimates import Statistic

TABLE: Final = Path(__file__).with_name("coverage.csv")

REAL_TABLE: Final = Path(__file__).with_name("real_coverage.csv")

PROBABILITIES: Final = (0.5, 0.75, 0.9)
"""The true probabilities of improvement in the table."""

AGGREGATES: Final = ("aggregate mean", "aggregate IQM", "optimality gap", "profile")
"""Statistics of normalised scores over environments in the table."""


def _read() -> dict[str, dict[int, dict[int, float]]]:
    coverages: dict[str, dict[int, dict[int, float]]] = {}
    for statistic, environments, seeds, share in pd.read_csv(TABLE).itertuples(index=False):
        coverages.setdefault(statistic, {}).setdefault(environments, {})[seeds] = share
    return coverages


COVERAGE: Final = _read()
"""Statistic -> environments -> seeds -> measured coverage of the nominal 95% interval.

Statistics are "iqm" and "mean" of one environment's returns, `AGGREGATES`, and "improvement P" for
each P of `PROBABILITIES`, where the number of seeds is that on each side.
"""


def _read_real() -> dict[str, dict[int, list[float]]]:
    coverages: dict[str, dict[int, list[float]]] = {}
    for row in pd.read_csv(REAL_TABLE).itertuples():
        coverages.setdefault(row.statistic, {}).setdefault(row.seeds, []).append(row.share)
    return coverages


REAL_COVERAGE: Final = _read_real()
"""Statistic ("iqm" or "mean") -> seeds -> measured coverage on each environment and variant."""


def coverage(number: int, statistic: str = "iqm", environments: int = 1) -> float:
    """Measured coverage of a nominal 95% interval over `number` seeds of normal data.

    Between two entries of the table the smaller one is used, which understates coverage.

    Args:
        number: of seeds, on each environment.
        statistic: one of `COVERAGE`.
        environments: number of environments that the interval is over.

    Returns:
        A share in [0, 1]; NaN below two seeds, where there is no interval.
    """
    if number < 2:
        return math.nan
    by_environments = COVERAGE[statistic]
    by_seeds = by_environments[_entry(by_environments, environments)]
    return by_seeds[_entry(by_seeds, number)]


def coverage_text(number: int, statistic: str = "iqm", environments: int = 1) -> str:
    """`coverage` in whole percent, rounded down: "93%"."""
    return f"{math.floor(100 * coverage(number, statistic, environments))}%"


def coverages_text(numbers: Iterable[int], statistic: Statistic = "iqm") -> str:
    """Coverages at all numbers of seeds above one: "74% at n = 3, 93% at n = 10".

    Behind those for normal data stand, where they have been measured, those on real returns.
    """
    counts = sorted({number for number in numbers if number > 1})
    normal = ", ".join(f"{coverage_text(number, statistic)} at n = {number}" for number in counts)
    real = REAL_COVERAGE.get(statistic, {})
    entries = dict.fromkeys(_entry(real, n) for n in counts if real and n >= min(real))
    texts = ", ".join(f"{_range_text(real[entry])} at n = {entry}" for entry in entries)
    return normal + f"; on real returns (page hundred_seeds): {texts}" * bool(texts)


def _range_text(shares: Collection[float]) -> str:
    """The smallest and the largest share in whole percent, rounded down: "61% to 74%"."""
    return " to ".join(
        dict.fromkeys(f"{math.floor(100 * end)}%" for end in (min(shares), max(shares)))
    )


def aggregates_text(
    statistics: Sequence[str], environments: int, seeds: Collection[int]
) -> list[str]:
    """A sentence on the measured coverage of aggregates; none where no cell has two seeds.

    Args:
        statistics: of `AGGREGATES`.
        environments: number of environments that they are over.
        seeds: all numbers of seeds that occur.
    """
    parts: dict[str, None] = {}
    for number in sorted(seeds):
        shares = ", ".join(
            f"{name.removeprefix('aggregate ')} " * (len(statistics) > 1)
            + coverage_text(number, name, environments)
            for name in statistics
            if number > 1
        )
        if shares:
            parts[f"{shares} at n = {_entry(COVERAGE[statistics[0]][1], number)}"] = None
    where = _environments_text(statistics[0], environments)
    return [f"Measured coverage, for normal data on {where}: {'; '.join(parts)}."] * bool(parts)


def improvement_text(environments: Collection[int], seeds: Collection[int]) -> list[str]:
    """A sentence on the measured coverage of probabilities of improvement.

    Args:
        environments: all numbers of environments that a probability is the mean over.
        seeds: all numbers of seeds that occur, the fewer of the two sides.
    """
    names = [f"improvement {truth:g}" for truth in PROBABILITIES]
    parts: dict[str, None] = {}
    for count in sorted(environments):
        where = _environments_text(names[0], count)
        for number in sorted(number for number in seeds if number > 1):
            shares = ", ".join(coverage_text(number, name, count) for name in names)
            parts[f"{shares} on {where} at n = {_entry(COVERAGE[names[0]][1], number)}"] = None
    truths = " / ".join(f"{truth:g}" for truth in PROBABILITIES)
    clause = f"whose true P is {truths} (or as far below 0.5): {'; '.join(parts)}."
    return [f"Measured coverage, for normal data {clause}"] * bool(parts)


def _entry(entries: Mapping[int, object], number: int) -> int:
    """The largest entry that is not above the number; the smallest where all are."""
    return max((entry for entry in entries if entry <= number), default=min(entries))


def _environments_text(statistic: str, number: int) -> str:
    entry = _entry(COVERAGE[statistic], number)
    return f"{entry} environment{'' if entry == 1 else 's'}"
