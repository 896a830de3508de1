"""How probably a seed of PPO beats a seed of each rival, and what may be claimed.

P(PPO > rival) is the share of pairs of seeds in which PPO has the higher score, a tie counting one
half; over environments it is the mean of theirs. A claim on one environment is the page's verdict.
Over environments it rests on the same sign-flip test, of the differences on the normalised scale,
each environment weighing alike and its runs independent of the others'. All tests of the page are
one family. With fewer than `FEWEST_PAIRS` pairs in an environment nothing is tested.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.cells import cell_values, planned, titles
from bench.evidence.measures.modes import mode_warnings
from bench.evidence.measures.normalised import Scale
from bench.evidence.measures.pooled_differences import PooledDifferences, pool
from bench.evidence.statistics.aggregate_coverage import improvement_text
from bench.evidence.statistics.improvement import (
    improvement_interval,
    mean_probability_of_improvement,
)
from bench.evidence.statistics.power import pairs_needed
from bench.evidence.statistics.significance import ALPHA, FEWEST_PAIRS
from bench.evidence.verdicts import (
    Verdict,
    adjust,
    claims_text,
    holm_text,
    least_text,
    none_text,
    return_text,
    untested_text,
)

_ALIGNMENT: Final = ("left", "left", "right", "right", "center", "left")


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """The first algorithm against a rival, on one environment or over several."""

    environments: tuple[str, ...]  # of one row, or of all on which the two can be compared
    over_all: bool  # whether it is the mean over environments
    first_title: str
    rival: str
    rival_title: str
    seeds: tuple[int, int]  # of the first and of the rival; the fewest of any environment
    pairs: int  # of common seeds; the fewest of any environment
    probability: float  # that a seed of the first beats a seed of the rival; NaN: they aren't alike
    low: float  # 95% bootstrap interval; NaN with a single seed on a side
    high: float
    difference: float  # mean over pairs of (first − rival) [return, or normalised over all]
    p_value: float  # of the sign-flip test; NaN where nothing was tested
    adjusted: float  # Holm's over the `comparisons` of the page
    comparisons: int
    least: float  # the difference from which on one could have been claimed, where none is
    reason: str = ""  # why nothing was tested, where it is not for want of pairs

    @property
    def claim(self) -> str:
        """What may be said, in words."""
        if not math.isfinite(self.adjusted):
            return untested_text(self.pairs, self.reason)
        unit = " normalised" if self.over_all else ""
        if self.adjusted > ALPHA:
            least = least_text(self.least, self.pairs, unit)
            return none_text(self.adjusted, self.comparisons, least)
        better = self.first_title if self.difference > 0 else self.rival_title
        size = abs(self.difference)
        text = f"{size:.2f}" if self.over_all else return_text(size)
        return f"{better} better by {text}{unit} ({holm_text(self.adjusted, self.comparisons)})"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, under the section's header."""
        first, rival = self.seeds
        where = f"mean over {len(self.environments)}" if self.over_all else self.environments[0]
        return (
            where,
            self.rival_title,
            str(first) if first == rival else f"{first}, {rival}",
            f"{self.probability:.2f}" if math.isfinite(self.probability) else "–",
            f"{self.low:.2f} to {self.high:.2f}" if math.isfinite(self.low) else "–",
            self.claim,
        )


def improvements(
    plan: pd.DataFrame,
    scores: pd.DataFrame,
    first: str,
    scales: Mapping[str, Scale],
    verdicts: Sequence[Verdict],
    *,
    seed: int = 0,
) -> tuple[tuple[Verdict, ...], tuple[Improvement, ...]]:
    """The first algorithm against each variant that is compared with it: over all, then on each.

    Args:
        plan: the store's plan of the experiment.
        scores: the frame of `scores.score_runs`.
        first: the variant that is compared with the others, PPO's.
        scales: environment -> scale; an environment without one keeps a rival's differences over
            all environments from being tested.
        verdicts: on these scores, of `verdicts.judge`.
        seed: of the bootstrap, and of the sign-flip test's sampling beyond 20 pairs.

    Returns:
        The verdicts, adjusted for the tests over environments too; and a row for each rival over
        all environments and on each, of what is there: none where `first` has no runs.
    """
    values, names = cell_values(scores), titles(plan)
    order = list(dict.fromkeys(name for name, _ in planned(plan)))
    against = {
        (each.environment, each.variant): each
        for each in verdicts
        if each.reference == first != each.variant
        and {(each.environment, first), (each.environment, each.variant)} <= set(values)
    }
    rivals: dict[str, tuple[str, ...]] = {}
    for name in names:
        where = tuple(e for e in order if (e, name) in against and not against[e, name].unlike)
        if len(where) > 1:
            rivals[name] = where
    tests: dict[str, PooledDifferences] = {}
    for name, where in rivals.items():
        if all(environment in scales for environment in where):
            differences = [-against[e, name].differences for e in where]
            tests[name] = pool(differences, [scales[e] for e in where])
    p_values = {name: test.p_value(seed) for name, test in tests.items()}
    tested = [name for name, p_value in p_values.items() if math.isfinite(p_value)]
    verdicts, further = adjust(verdicts, [p_values[name] for name in tested], seed=seed)
    adjusted = dict(zip(tested, further, strict=True))
    family = verdicts[0].comparisons

    def row(rival: str, where: tuple[str, ...], over_all: bool, **told: Any) -> Improvement:
        pairs = [(values[name, first], values[name, rival]) for name in where]
        probability = low = high = math.nan
        if over_all or not told.get("reason"):
            probability = mean_probability_of_improvement(pairs)
            low, high = improvement_interval(pairs, np.random.default_rng(seed))
        return Improvement(
            environments=where,
            over_all=over_all,
            first_title=names[first],
            rival=rival,
            rival_title=names[rival],
            seeds=(min(len(own) for own, _ in pairs), min(len(other) for _, other in pairs)),
            probability=probability,
            low=low,
            high=high,
            comparisons=family,
            **told,
        )

    rows = []
    for name, where in rivals.items():
        test, own = tests.get(name), adjusted.get(name, math.nan)
        rows.append(
            row(
                name,
                where,
                True,
                pairs=min(against[environment, name].pairs for environment in where),
                difference=test.difference if test else math.nan,
                p_value=p_values.get(name, math.nan),
                adjusted=own,
                least=test.least(ALPHA / family, seed) if test and own > ALPHA else math.nan,
                reason="" if test else "an environment has no normalised scale",
            )
        )
    for each in sorted(
        (each for each in verdicts if (each.environment, each.variant) in against),
        key=lambda each: (order.index(each.environment), list(names).index(each.variant)),
    ):
        rows.append(
            row(
                each.variant,
                (each.environment,),
                False,
                pairs=each.pairs,
                difference=-each.difference,
                p_value=each.p_value,
                adjusted=each.adjusted,
                least=each.least,
                reason=each.unlike,
            )
        )
    return verdicts, tuple(rows)


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
    if rows[0].comparisons:
        notes.append(
            f"{claims_text(rows[0].comparisons)} Over environments: on the normalised scale, runs "
            "on different environments taken as independent."
        )
        notes += mode_warnings(*dict.fromkeys(name for row in rows for name in row.environments))
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
