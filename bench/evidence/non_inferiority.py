"""For scripts: whether new results are no worse than stored ones, by unpaired seeds and a margin.

In each cell, one variant on one environment, the difference of mean scores is measured in units of
the stored runs' gain over the untrained policy, with one-sided bounds by Welch 1947. A cell is no
worse if its lower bound at 95% is above −margin: a verdict that all cells are no worse is wrong
with a chance of at most 5%, as each has to pass (Berger 1982, intersection–union test). A cell is
worse if its upper bound at 1 − 0.05/m, of m cells, is below −margin (Bonferroni). Otherwise one
can't tell. Scores of seeds in several modes are not normal: verdicts are then wrong more often.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from scipy import stats

from bench.evidence.measures.cells import Cell
from bench.evidence.statistics.estimates import Floats
from bench.evidence.statistics.significance import ALPHA

FEWEST_SEEDS: Final = 3
"""Fewest seeds on either side from which one can tell."""

Outcome = Literal["no worse", "worse", "can't tell"]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One cell; the difference and its bounds are shares of the stored gain, NaN without one."""

    environment: str
    variant: str
    stored: int  # seeds with a score
    new: int
    difference: float
    low: float
    high: float
    margin: float

    @property
    def outcome(self) -> Outcome:
        """The verdict on the cell."""
        if self.low > -self.margin:
            return "no worse"
        return "worse" if self.high < -self.margin else "can't tell"


def judge(
    stored: Mapping[Cell, Floats],
    new: Mapping[Cell, Floats],
    untrained: Mapping[str, float],
    margin: float,
) -> tuple[Judged, ...]:
    """Judge every cell that both results have.

    Args:
        stored, new: (environment, variant) -> scores, one per seed [return].
        untrained: environment -> the untrained policy's mean score [return].
        margin: the largest loss accepted, as a share of the stored gain over the untrained policy.
    """
    cells = [cell for cell in stored if cell in new]
    level = 1 - ALPHA / max(1, len(cells))
    judged = []
    for environment, variant in cells:
        stored_scores, new_scores = stored[environment, variant], new[environment, variant]
        gain = float(stored_scores.mean()) - untrained.get(environment, math.nan)
        limits = welch_bounds(new_scores, stored_scores, 1 - ALPHA, level)
        difference, low, high = (
            value / gain if gain > 0 else math.nan
            for value in (new_scores.mean() - stored_scores.mean(), *limits)
        )
        judged.append(
            Judged(
                environment=environment,
                variant=variant,
                stored=len(stored_scores),
                new=len(new_scores),
                difference=float(difference),
                low=low,
                high=high,
                margin=margin,
            )
        )
    return tuple(judged)


def overall(judged: tuple[Judged, ...]) -> Outcome:
    """One verdict: worse if any cell is, no worse if every cell is, else one can't tell."""
    outcomes = {cell.outcome for cell in judged}
    if "worse" in outcomes:
        return "worse"
    return "no worse" if outcomes == {"no worse"} else "can't tell"


def welch_bounds(
    first: Floats, second: Floats, lower_level: float, upper_level: float
) -> tuple[float, float]:
    """One-sided bounds on mean(first) − mean(second), variances unequal; NaN with too few seeds.

    Where neither side has any spread, both bounds equal the difference.

    Args:
        first, second: one number per seed.
        lower_level, upper_level: the levels of the lower and of the upper bound.
    """
    if min(len(first), len(second)) < FEWEST_SEEDS:
        return math.nan, math.nan
    difference = float(first.mean() - second.mean())
    squared_errors = [float(side.var(ddof=1)) / len(side) for side in (first, second)]
    if not sum(squared_errors):
        return difference, difference
    # By hand: SciPy warns of precision where all seeds of a side reach the same ceiling.
    degrees = sum(squared_errors) ** 2 / sum(
        squared_error**2 / (len(side) - 1)
        for squared_error, side in zip(squared_errors, (first, second), strict=True)
    )
    low, high = stats.t.ppf((lower_level, upper_level), degrees) * math.sqrt(sum(squared_errors))
    return difference - float(low), difference + float(high)
