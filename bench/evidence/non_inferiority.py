"""For scripts: whether new results are no worse than stored ones, by unpaired seeds and a margin.

In each cell, one variant on one environment, the difference of mean scores is measured in units of
the stored runs' gain over the untrained policy, with one-sided bounds by Welch 1947. A cell is no
worse if its lower bound at 95% is above −margin: a verdict that all cells are no worse is wrong
with a chance of at most 5%, as each has to pass (Berger 1982, intersection–union test). A cell is
worse if its upper bound at 1 − 0.05/m, of m cells, is below −margin (Bonferroni). Otherwise one
can't tell. Scores of seeds in several modes are not normal, and verdicts then wrong more often: the
page `hundred_seeds` counts how often.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from bench.errors import InputError
from bench.evidence.caveats import run_caveats
from bench.evidence.measures.anchors import anchors_for
from bench.evidence.measures.cells import Cell, cell_values, rows_by_cell, why_unlike
from bench.evidence.measures.planned_seeds import on_planned_seeds
from bench.evidence.measures.scores import score_runs
from bench.evidence.statistics.claimable import ALPHA
from bench.evidence.statistics.estimates import Floats
from bench.evidence.statistics.welch import shares_of_gain
from bench.store import View

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


@dataclass(frozen=True, kw_only=True)
class HeldAgainst:
    """New results held against stored ones.

    Attributes:
        judged: of the cells that both have scores of.
        not_compared: of the other cells, why not.
        undecided: whether one of these is a reason to doubt the new results.
        notes: sentences on seeds left out, mixed code and files that could not be used.
    """

    judged: tuple[Judged, ...]
    not_compared: dict[Cell, str]
    undecided: bool
    notes: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        """One verdict for all cells."""
        outcome = overall(self.judged)
        return "can't tell" if self.undecided and outcome == "no worse" else outcome


def hold_against(
    new: Sequence[View], stored: Sequence[View], margin: float, title: str
) -> HeldAgainst:
    """Judge new results by stored ones, on the seeds that the plans name.

    A cell that one side has no runs of is passed over. One with new runs that have no score, as
    they failed, or whose scores are not the same quantity, keeps the verdict from being "no worse".

    Args:
        new, stored: views of the same ablations, in the same order.
        margin: as in `judge`.
        title: what the stored results are called.

    Raises:
        InputError: they have no cell in common.
    """
    notes: list[str] = []
    new_scores, stored_scores = _scores(new, notes), _scores(stored, notes)
    notes += (f"New runs: {sentence}" for sentence in run_caveats(new_scores))
    new_values, stored_values = cell_values(new_scores), cell_values(stored_scores)
    new_rows, stored_rows = rows_by_cell(new_scores), rows_by_cell(stored_scores)
    doubtful = {
        cell: _without_scores(new_rows[cell])
        or why_unlike(new_rows[cell], stored_rows[cell], title)
        for cell in stored_values
        if cell in new_rows
    }
    doubtful = {cell: reason for cell, reason in doubtful.items() if reason}
    one_sided = {cell: f"only in {title}" for cell in stored_values if cell not in new_rows}
    one_sided |= {
        cell: "no stored run has a score" if cell in stored_rows else f"not in {title}"
        for cell in new_rows
        if cell not in stored_values
    }
    like = {cell: values for cell, values in stored_values.items() if cell not in doubtful}
    judged = judge(like, new_values, anchors_for(stored[0].source).untrained_means, margin)
    if not judged and not doubtful:
        raise InputError("the two folders have no variant and environment in common")
    return HeldAgainst(
        judged=judged,
        not_compared=doubtful | one_sided,
        undecided=bool(doubtful),
        notes=tuple(dict.fromkeys(notes)),
    )


def _scores(views: Iterable[View], notes: list[str]) -> pd.DataFrame:
    """The scores of several ablations, variants named with their ablation; adds to `notes`."""
    frames = []
    for view in views:
        planned_view, seed_notes = on_planned_seeds(view)
        notes += [*seed_notes, *view.mixed, *view.problems]
        scores = score_runs(planned_view.runs, planned_view.episodes, planned_view.updates)
        name = str(view.plan["ablation"].iloc[0])
        frames.append(scores.assign(variant=f"{name}: " + scores["variant"].astype(str)))
    return pd.concat(frames, ignore_index=True)


def _without_scores(new_rows: pd.DataFrame) -> str:
    """How many new runs of a cell have no score; empty if all have one."""
    number = int(new_rows["score"].isna().sum())
    return f"{number} of {len(new_rows)} new runs have no score" * bool(number)


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
        zero = untrained.get(environment, math.nan)
        shares = shares_of_gain(new_scores, stored_scores, zero, 1 - ALPHA, level)
        difference, low, high = map(float, shares)
        judged.append(
            Judged(
                environment=environment,
                variant=variant,
                stored=len(stored_scores),
                new=len(new_scores),
                difference=difference,
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
