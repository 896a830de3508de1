"""How probably a seed of PPO beats a seed of each rival, and what may be claimed.

P(PPO > rival) is the share of pairs of seeds in which PPO has the higher score, a tie counting one
half; over environments it is the mean of these. A claim on one environment is the page's verdict.
Over environments it rests on the same sign-flip test, of the differences on the normalised scale,
each environment weighing alike and its runs independent of the others'. All tests of the page are
one family. With fewer than `FEWEST_PAIRS` pairs in an environment nothing is tested.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.cells import Cell, cell_values, planned, titles
from bench.evidence.measures.modes import mode_warnings
from bench.evidence.measures.normalised import Scale, interval_text, number_text
from bench.evidence.measures.pooled_differences import pool
from bench.evidence.statistics.claimable import FEWEST_PAIRS
from bench.evidence.statistics.coverage import improvement_text
from bench.evidence.statistics.estimates import Floats
from bench.evidence.statistics.improvement import (
    Pairs,
    improvement_interval,
    probability_of_improvement,
)
from bench.evidence.verdicts import (
    Verdict,
    adjust,
    claims_text,
    least_text,
    none_text,
    return_text,
    too_few_text,
)


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """The first algorithm against a rival, on one environment or over several.

    Attributes:
        environments: a single one, or all on which the two can be compared.
        over_all: whether it is the mean over environments.
        first_title, rival_title: what tables call the two.
        seeds: of the first and of the rival; the fewest of any environment.
        probability: that a seed of the first beats a seed of the rival; NaN for unlike scores.
        low, high: its 95% bootstrap interval; NaN with a single seed on a side.
        verdict: on the rival, with the first as its reference [return, or normalised over all].
    """

    environments: tuple[str, ...]
    over_all: bool
    first_title: str
    rival_title: str
    seeds: tuple[int, int]
    probability: float
    low: float
    high: float
    verdict: Verdict

    @property
    def claim(self) -> str:
        """The claim in words."""
        verdict, unit = self.verdict, " normalised" if self.over_all else ""
        if verdict.outcome == "untested":
            return verdict.sentence
        if verdict.outcome == "none":
            least = least_text(verdict.least, verdict.pairs, unit)
            return none_text(verdict.adjusted, verdict.comparisons, least)
        better = self.first_title if verdict.outcome == "worse" else self.rival_title
        size = abs(verdict.difference)
        text = f"{size:.2f}" if self.over_all else return_text(size)
        return f"{better} better by {text}{unit} ({verdict.evidence})"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, under the section's header."""
        first, rival = self.seeds
        return (
            f"mean over {len(self.environments)}" if self.over_all else self.environments[0],
            self.rival_title,
            str(first) if first == rival else f"{first}, {rival}",
            number_text(self.probability),
            interval_text(self.low, self.high),
            self.claim,
        )


def improvements(
    plan: pd.DataFrame,
    scores: pd.DataFrame,
    first: str,
    scales: Mapping[str, Scale],
    verdicts: Sequence[Verdict],
) -> tuple[tuple[Verdict, ...], tuple[Improvement, ...]]:
    """Compare the first algorithm with its rivals: over all environments, then on each.

    Args:
        plan: the store's plan of the experiment.
        scores: the frame of `scores.score_runs`.
        first: the variant that is compared with the others, PPO's.
        scales: environment -> scale; an environment without one keeps a rival's differences over
            all environments from being tested.
        verdicts: on these scores, of `verdicts.judge`.

    Returns:
        The verdicts, adjusted for the tests over environments too; and a row per rival over all
        environments and on each, as far as there are runs: none if `first` has no runs.
    """
    values, names = cell_values(scores), titles(plan)
    places = {
        (verdict.environment, verdict.variant): place for place, verdict in enumerate(verdicts)
    }
    rival_cells = [
        (environment, rival)
        for environment, rival in planned(plan)
        if {(environment, first), (environment, rival)} <= set(values)
        and verdicts[places[environment, rival]].reference == first != rival
    ]
    comparable = [cell for cell in rival_cells if not verdicts[places[cell]].unlike]
    cells_by_rival = {name: [cell for cell in comparable if cell[1] == name] for name in names}
    cells_by_rival = {name: cells for name, cells in cells_by_rival.items() if len(cells) > 1}
    verdicts, further = adjust(
        verdicts,
        [
            _over_environments([verdicts[places[cell]] for cell in cells], scales)
            for cells in cells_by_rival.values()
        ],
    )
    rows = [*zip(cells_by_rival.values(), further, strict=True)]
    rows += [([cell], verdicts[places[cell]]) for cell in rival_cells]
    return verdicts, tuple(_row(values, names, first, *row) for row in rows)


def _over_environments(verdicts: Sequence[Verdict], scales: Mapping[str, Scale]) -> Verdict:
    """The test of a rival's differences on all environments, if each has a scale."""
    overall = replace(
        verdicts[0],
        environment="",
        pairs=min(verdict.pairs for verdict in verdicts),
        outcome="untested",
    )
    rival_scales = [
        scales[verdict.environment] for verdict in verdicts if verdict.environment in scales
    ]
    if len(rival_scales) < len(verdicts):
        reason = "an environment has no normalised scale"
        return replace(overall, unlike=reason, difference=math.nan, p_value=math.nan)
    test = pool([verdict.differences for verdict in verdicts], rival_scales)
    return replace(
        overall,
        difference=test.difference,
        p_value=test.p_value(),
        differences=test.values,
        weights=test.weights,
    )


def _row(
    values: Mapping[Cell, Floats],
    names: Mapping[str, str],
    first: str,
    cells: Sequence[Cell],
    verdict: Verdict,
) -> Improvement:
    pairs = [
        (values[environment, first], values[environment, rival]) for environment, rival in cells
    ]
    probability = low = high = math.nan
    if verdict.environment == "" or not verdict.unlike:
        probability, low, high = improvement(pairs)
    return Improvement(
        environments=tuple(environment for environment, _ in cells),
        over_all=verdict.environment == "",
        first_title=names[first],
        rival_title=names[verdict.variant],
        seeds=(
            min(len(first_scores) for first_scores, _ in pairs),
            min(len(rival_scores) for _, rival_scores in pairs),
        ),
        probability=probability,
        low=low,
        high=high,
        verdict=verdict,
    )


def improvement(pairs: Pairs) -> tuple[float, float, float]:
    """Return the probability of improvement with its 95% interval: (P, low, high).

    Args:
        pairs: as in `probability_of_improvement`.
    """
    interval = improvement_interval(pairs, np.random.default_rng(0))
    return probability_of_improvement(pairs), *interval


def improvement_notes(
    first: str,
    other: str,
    environments: Collection[int],
    seeds: Collection[int],
    *,
    certain: bool,
) -> list[str]:
    """Return sentences on what the numbers of `improvement` are.

    Args:
        first, other: what the two that are compared are called.
        environments, seeds: as in `improvement_text`.
        certain: whether an interval is a point.
    """
    over_several = "; over environments the mean of theirs" * (max(environments, default=1) > 1)
    notes = [
        f"P: the share of pairs of a seed of {first} and a seed of {other} in which {first} has "
        f"the higher score, a tie counting one half{over_several}. "
        "Interval: 95% percentile bootstrap over seeds within each environment.",
        *improvement_text(environments, seeds),
    ]
    if certain:
        notes.append(
            "An interval of 1.00 to 1.00 (or 0.00 to 0.00) says that every seed trained beats "
            "every seed of the other, not that the next one must."
        )
    return notes


def section(rows: tuple[Improvement, ...], first: str, budget: int) -> Section:
    """The rows as a section of the page.

    Args:
        rows: of `improvements`.
        first: the title of the variant that is compared with all others.
        budget: of the runs [environment steps].
    """
    if not rows:
        return Section(
            heading=f"### Does {first} beat its rivals?",
            notes=(f"There are no runs of {first} beside those of a rival.",),
        )
    notes = improvement_notes(
        first,
        "the rival",
        {len(row.environments) for row in rows},
        {min(row.seeds) for row in rows},
        certain=any(row.low == row.high for row in rows),
    )
    verdict = rows[0].verdict
    if verdict.comparisons:
        notes.append(
            f"{claims_text(verdict.comparisons)} Over environments: on the normalised scale, runs "
            "on different environments taken as independent."
        )
        environments = dict.fromkeys(name for row in rows for name in row.environments)
        notes += mode_warnings(*environments, budget=budget)
        notes += too_few_text(row.verdict for row in rows if not row.over_all)
    if any(row.verdict.pairs < FEWEST_PAIRS for row in rows):
        notes.append(f"Nothing is claimed below {FEWEST_PAIRS} pairs of common seeds.")
    return Section(
        heading=f"### Does {first} beat its rivals?",
        header=("environment", "rival", "n", f"P({first} > rival)", "95% interval", "claim"),
        alignment=("left", "left", "right", "right", "center", "left"),
        cells=[row.cells for row in rows],
        notes=notes,
    )
