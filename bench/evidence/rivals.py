"""How probably a seed of PPO beats a seed of each rival, and what may be claimed.

P(PPO > rival) is the share of pairs of seeds in which PPO has the higher score, a tie counting one
half; over environments it is the mean of theirs. A claim rests on the exact sign-flip test of
`bench.evidence.verdicts`, on pairs of common seeds and, over environments, on their differences on
the normalised scale, each environment weighing alike and its runs independent of the others'. All
tests of the page are Holm-adjusted together. With fewer than `FEWEST_PAIRS` pairs in an
environment nothing is tested.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.cells import by_seed, cell_values, paired_differences, planned, titles
from bench.evidence.measures.normalised import Scale
from bench.evidence.statistics.aggregate_coverage import improvement_text
from bench.evidence.statistics.estimates import Floats
from bench.evidence.statistics.improvement import (
    improvement_interval,
    mean_probability_of_improvement,
)
from bench.evidence.statistics.power import pairs_needed
from bench.evidence.statistics.significance import ALPHA, FEWEST_PAIRS, holm, sign_flip_test
from bench.evidence.verdicts import holm_text, return_text

_ALIGNMENT: Final = ("left", "left", "right", "right", "center", "left")


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """The first algorithm against a rival, on one environment or over several."""

    environments: tuple[str, ...]  # of one row, or of all that both have runs on
    over_all: bool  # whether it is the mean over environments
    first_title: str
    rival: str
    rival_title: str
    seeds: tuple[int, int]  # of the first and of the rival; the fewest of any environment
    pairs: int  # of common seeds; the fewest of any environment
    probability: float  # that a seed of the first beats a seed of the rival
    low: float  # 95% bootstrap interval; NaN with a single seed on a side
    high: float
    difference: float  # mean over pairs of (first − rival) [return, or normalised over all]
    p_value: float  # of the sign-flip test; NaN where nothing was tested
    adjusted: float = math.nan  # Holm's over the `comparisons` of the page
    comparisons: int = 0

    @property
    def claim(self) -> str:
        """What may be said, in words."""
        if self.pairs < FEWEST_PAIRS:
            return f"n < {FEWEST_PAIRS}: no claim"
        if not math.isfinite(self.adjusted):
            return "no claim: an environment has no normalised scale"
        p_value = f"({holm_text(self.adjusted, self.comparisons)})"
        if self.adjusted > ALPHA:
            return f"no difference can be claimed {p_value}"
        better = self.first_title if self.difference > 0 else self.rival_title
        size = abs(self.difference)
        text = f"{size:.2f} normalised" if self.over_all else return_text(size)
        return f"{better} better by {text} {p_value}"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, under the section's header."""
        first, rival = self.seeds
        where = f"mean over {len(self.environments)}" if self.over_all else self.environments[0]
        return (
            where,
            self.rival_title,
            str(first) if first == rival else f"{first}, {rival}",
            f"{self.probability:.2f}",
            f"{self.low:.2f} to {self.high:.2f}" if math.isfinite(self.low) else "–",
            self.claim,
        )


def improvements(
    plan: pd.DataFrame,
    scores: pd.DataFrame,
    first: str,
    scales: Mapping[str, Scale],
    *,
    seed: int = 0,
) -> tuple[Improvement, ...]:
    """The first algorithm against each other variant: over all environments, then on each.

    Args:
        plan: the store's plan of the experiment.
        scores: the frame of `scores.score_runs`.
        first: the variant that is compared with all others, PPO's.
        scales: environment -> scale; an environment without one keeps a rival's differences over
            all environments from being tested.
        seed: of the bootstrap, and of the sign-flip test's sampling beyond 20 pairs.

    Returns:
        Rows of what is there; none where `first` has no runs.
    """
    values, seeds, names = cell_values(scores), by_seed(scores), titles(plan)
    there = set(values)
    rows = []
    for rival in names:
        where = [
            environment
            for environment, variant in planned(plan)
            if variant == rival != first and {(environment, first), (environment, rival)} <= there
        ]
        groups = [(tuple(where), True)] if len(where) > 1 else []
        groups += [((environment,), False) for environment in where]
        for environments, over_all in groups:
            pairs = [(values[name, first], values[name, rival]) for name in environments]
            differences = [
                paired_differences(seeds[name, first], seeds[name, rival]) for name in environments
            ]
            difference, p_value = _tested(
                differences, [scales.get(name) for name in environments] if over_all else None, seed
            )
            low, high = improvement_interval(pairs, np.random.default_rng(seed))
            rows.append(
                Improvement(
                    environments=environments,
                    over_all=over_all,
                    first_title=names[first],
                    rival=rival,
                    rival_title=names[rival],
                    seeds=(
                        min(len(own) for own, _ in pairs),
                        min(len(other) for _, other in pairs),
                    ),
                    pairs=min(len(each) for each in differences),
                    probability=mean_probability_of_improvement(pairs),
                    low=low,
                    high=high,
                    difference=difference,
                    p_value=p_value,
                )
            )
    tested = [place for place, row in enumerate(rows) if math.isfinite(row.p_value)]
    adjusted = holm([rows[place].p_value for place in tested])
    for place, p_value in zip(tested, adjusted.tolist(), strict=True):
        rows[place] = replace(rows[place], adjusted=p_value)
    rows = [replace(row, comparisons=len(tested)) for row in rows]
    order = [name for name, _ in planned(plan)]
    return tuple(
        sorted(rows, key=lambda row: -1 if row.over_all else order.index(row.environments[0]))
    )


def _tested(
    differences: Sequence[Floats], scales: Sequence[Scale | None] | None, seed: int
) -> tuple[float, float]:
    """Mean difference and p-value; over environments on the normalised scale, if there is one."""
    if scales is not None:
        known = [scale for scale in scales if scale is not None]
        if len(known) < len(differences):
            return math.nan, math.nan
        # Divided by their number, so that the sum is the mean over environments of their means.
        differences = [
            each / (scale.one - scale.zero) / max(1, len(each)) / len(differences)
            for each, scale in zip(differences, known, strict=True)
        ]
    pooled = np.concatenate(differences)
    if not len(pooled):
        return math.nan, math.nan
    difference = float(pooled.sum() if scales is not None else pooled.mean())
    if min(len(each) for each in differences) < FEWEST_PAIRS:
        return difference, math.nan
    return difference, sign_flip_test(pooled, np.random.default_rng(seed))


def section(rows: tuple[Improvement, ...], first: str) -> Section:
    """The rows as a part of the page.

    Args:
        rows: of `improvements`.
        first: the title of the variant that is compared with all others.
    """
    if not rows:
        return Section(
            heading=f"### Does {first} beat its rivals?",
            header=(),
            alignment=(),
            cells=(),
            notes=(f"There are no runs of {first} beside those of a rival.",),
        )
    notes = [
        f"P: the share of pairs of a seed of {first} and a seed of the rival in which {first} has "
        "the higher score, a tie counting one half; over environments the mean of theirs. "
        "Interval: 95% percentile bootstrap over seeds within each environment.",
        *improvement_text(
            {len(row.environments) for row in rows}, {min(row.seeds) for row in rows}
        ),
    ]
    if any(row.low == row.high for row in rows):
        notes.append(
            "An interval of 1.00 to 1.00 (or 0.00 to 0.00) says that every seed trained beats "
            "every seed of the other, not that the next one must."
        )
    comparisons = rows[0].comparisons
    if comparisons:
        plural = "" if comparisons == 1 else "s"
        notes.append(
            "Claims: sign-flip test of the mean difference over pairs of common seeds, exact up to "
            "20 pairs and sampled beyond; over environments on the normalised scale, runs on "
            f"different environments taken as independent. Holm-adjusted over the {comparisons} "
            f"comparison{plural} of this table."
        )
        single = [row.pairs for row in rows if math.isfinite(row.p_value) and not row.over_all]
        # Even where all those over environments come first, this many are left to adjust for.
        needed = pairs_needed(len(single))
        if single and min(single) < needed:
            notes.append(
                f"With {len(single)} comparisons on one environment no difference can be claimed "
                f"there from {min(single)} pairs, whatever its size: {needed} are needed."
            )
    if any(row.pairs < FEWEST_PAIRS for row in rows):
        notes.append(f"Nothing is claimed below {FEWEST_PAIRS} pairs of common seeds.")
    return Section(
        heading=f"### Does {first} beat its rivals?",
        header=("environment", "rival", "n", f"P({first} > rival)", "95% interval", "claim"),
        alignment=_ALIGNMENT,
        cells=[row.cells for row in rows],
        notes=notes,
    )
