"""How probably a seed of PPO beats a seed of each rival, and what may be claimed.

P(PPO > rival) is the share of pairs of seeds in which PPO has the higher score, a tie counting one
half; over environments it is the mean of theirs. A claim on one environment is the page's verdict.
Over environments it rests on the same sign-flip test, of the differences on the normalised scale,
each environment weighing alike and its runs independent of the others'. All tests of the page are
one family. With fewer than `FEWEST_PAIRS` pairs in an environment nothing is tested.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.alignment import Floats
from bench.evidence.measures.cells import Cell, cell_values, planned, titles
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
    there = sorted(
        (
            place
            for place, each in enumerate(verdicts)
            if each.reference == first != each.variant
            and {(each.environment, first), (each.environment, each.variant)} <= set(values)
        ),
        key=lambda place: (
            order.index(verdicts[place].environment),
            list(names).index(verdicts[place].variant),
        ),
    )
    over_all = _over_environments([verdicts[place] for place in there], names, scales)
    p_values = {
        name: test.p_value(seed) if test else math.nan for name, (_, test) in over_all.items()
    }
    tested = [name for name, p_value in p_values.items() if math.isfinite(p_value)]
    verdicts, further = adjust(verdicts, [p_values[name] for name in tested], seed=seed)
    adjusted = dict(zip(tested, further, strict=True))
    row = partial(_row, values, names, first, seed)
    rows = [
        row(
            name,
            over,
            test,
            p_value=p_values[name],
            adjusted=adjusted.get(name, math.nan),
            comparisons=verdicts[0].comparisons,
        )
        for name, (over, test) in over_all.items()
    ]
    rows += [row(verdicts[place].variant, [verdicts[place]]) for place in there]
    return verdicts, tuple(rows)


def _over_environments(
    verdicts: Sequence[Verdict], names: Iterable[str], scales: Mapping[str, Scale]
) -> dict[str, tuple[list[Verdict], PooledDifferences | None]]:
    """Rival -> its verdicts where it can be compared, if on several environments, and their test.

    No test where an environment has no scale.
    """
    found: dict[str, tuple[list[Verdict], PooledDifferences | None]] = {}
    for name in names:
        own = [each for each in verdicts if each.variant == name and not each.unlike]
        if len(own) > 1:
            known = [scales[each.environment] for each in own if each.environment in scales]
            differences = [-each.differences for each in own]
            found[name] = own, pool(differences, known) if len(known) == len(own) else None
    return found


def _row(
    values: Mapping[Cell, Floats],
    names: Mapping[str, str],
    first: str,
    seed: int,
    rival: str,
    verdicts: Sequence[Verdict],
    test: PooledDifferences | None = None,
    **tested: Any,
) -> Improvement:
    """A row on the environment of one verdict, or over those of several, with what was tested."""
    pairs = [(values[v.environment, first], values[v.environment, rival]) for v in verdicts]
    (one, *others) = verdicts
    if others:
        least = math.nan
        if test and tested["adjusted"] > ALPHA:
            least = test.least(ALPHA / tested["comparisons"], seed)
        told = {
            **tested,
            "difference": test.difference if test else math.nan,
            "least": least,
            "reason": "" if test else "an environment has no normalised scale",
        }
    else:
        told = {
            "difference": -one.difference,
            "p_value": one.p_value,
            "adjusted": one.adjusted,
            "comparisons": one.comparisons,
            "least": one.least,
            "reason": one.unlike,
        }
    probability = low = high = math.nan
    if not one.unlike:
        probability = mean_probability_of_improvement(pairs)
        low, high = improvement_interval(pairs, np.random.default_rng(seed))
    return Improvement(
        environments=tuple(each.environment for each in verdicts),
        over_all=bool(others),
        first_title=names[first],
        rival=rival,
        rival_title=names[rival],
        seeds=(min(len(own) for own, _ in pairs), min(len(other) for _, other in pairs)),
        pairs=min(each.pairs for each in verdicts),
        probability=probability,
        low=low,
        high=high,
        **told,
    )


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
