"""Tables of an ablation, one per environment, as plain data for terminal, Markdown and report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pandas as pd

from bench.evidence.caveats import excluded_episodes, run_caveats
from bench.evidence.markdown import Section
from bench.evidence.measures.modes import mode_warnings
from bench.evidence.measures.normalised import interval_text
from bench.evidence.measures.scores import LAST_EPISODES
from bench.evidence.statistics.claimable import FEWEST_PAIRS
from bench.evidence.statistics.coverage import coverage, coverages_text
from bench.evidence.statistics.estimates import estimate, interval_of_seeds
from bench.evidence.verdicts import NO_PAIRS, Verdict, claims_text, return_text, too_few_text
from bench.kinds import not_training

HEADER: Final = (
    *("variant", "n", "mean", "IQM", "95% interval of IQM"),
    *("last 100", "diverged", "claim"),
)
"""Column titles of `Table.cells`."""

ALIGNMENT: Final = ("left", *["right"] * 3, "center", *["right"] * 2, "left")
"""The alignment of each column."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One variant on one environment; returns are raw rewards, NaN where there is no score."""

    variant: str
    title: str
    n: int  # seeds with a score
    mean: float
    iqm: float  # interquartile mean; equals the mean below n = 4
    low: float  # 95% bootstrap interval of the IQM over seeds; NaN below n = 2
    high: float
    coverage: float  # measured coverage of that interval at n, for normal data; NaN below n = 2
    last_100: float  # mean over seeds of the mean of the last 100 episodes
    diverged: int  # seeds whose numbers stopped being finite; counted in n
    failed: int  # runs that ended for another reason; not counted in n
    unscored: int  # runs in which no episode ended; not counted in n
    excluded: int  # episodes left out because their return is not finite; of seeds not diverged
    kind: str  # what the returns are, one of `bench.kinds`
    verdict: Verdict

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, under `HEADER`."""
        return (
            self.title,
            str(self.n),
            return_text(self.mean),
            return_text(self.iqm),
            interval_text(self.low, self.high, return_text),
            return_text(self.last_100),
            str(self.diverged),
            self.verdict.sentence,
        )


@dataclass(frozen=True, kw_only=True)
class Table:
    """All variants of an ablation on one environment, in the ablation's order."""

    environment: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]  # what the reader must know to trust the numbers; sentences

    @property
    def cells(self) -> tuple[tuple[str, ...], ...]:
        """The rows as text, under `HEADER`."""
        return tuple(row.cells for row in self.rows)

    def frame(self) -> pd.DataFrame:
        """The rows as numbers: the fields of `Row` and the verdict's, with its sentence."""
        return pd.DataFrame(
            {
                "environment": self.environment,
                **{name: getattr(row, name) for name in _NUMBERS},
                **verdict_columns(row.verdict),
            }
            for row in self.rows
        )

    @property
    def column_notes(self) -> list[str]:
        """Those of the notes that explain columns of this table alone."""
        return _column_notes(self.rows)

    @property
    def section(self) -> Section:
        """The table with the environment as its heading and the notes below."""
        return Section(
            heading=f"### {self.environment}",
            header=HEADER,
            alignment=ALIGNMENT,
            cells=self.cells,
            notes=self.notes,
        )


_NUMBERS: Final = tuple(
    field.name for field in fields(Row) if field.name not in ("kind", "verdict")
)


def verdict_columns(verdict: Verdict) -> dict[str, object]:
    """Return a verdict as columns; the difference's interval is a bootstrap one of its pairs."""
    differences = NO_PAIRS if verdict.outcome == "control" else verdict.differences
    low, high = interval_of_seeds(differences, "mean")
    return {
        "compared_with": verdict.reference,
        "pairs": verdict.pairs,
        "difference": verdict.difference,
        "difference_low": low,
        "difference_high": high,
        "p_value": verdict.p_value,
        "adjusted_p_value": verdict.adjusted,
        "comparisons": verdict.comparisons,
        "least_claimable": verdict.least,
        "outcome": verdict.outcome,
        "claim": verdict.sentence,
    }


def make_tables(scores: pd.DataFrame, verdicts: Sequence[Verdict]) -> tuple[Table, ...]:
    """One table per environment from the scores and the verdicts on them.

    Args:
        scores: the frame of `scores.score_runs`.
        verdicts: `verdicts.judge` of the same frame.

    Raises:
        KeyError: a variant and environment without a verdict.
    """
    by_cell = {(verdict.environment, verdict.variant): verdict for verdict in verdicts}
    tables = []
    for environment, environment_scores in scores.groupby("environment", sort=False):
        rows = tuple(
            _row(cell, by_cell[str(environment), str(variant)])
            for variant, cell in environment_scores.groupby("variant", sort=False)
        )
        notes = _notes(str(environment), environment_scores, rows)
        tables.append(Table(environment=str(environment), rows=rows, notes=notes))
    return tuple(tables)


def _row(cell: pd.DataFrame, verdict: Verdict) -> Row:
    score = cell["score"].to_numpy(dtype=np.float64)
    scored = np.isfinite(score)
    values, number = score[scored], int(scored.sum())
    failed = int((cell["status"] == "failed").sum())
    mean = iqm = last_100 = math.nan
    low, high = interval_of_seeds(values, "iqm")
    if number:
        mean, iqm = float(estimate(values, "mean")), float(estimate(values, "iqm"))
        last_100 = float(cell["last_100"].to_numpy(dtype=np.float64)[scored].mean())
    return Row(
        variant=verdict.variant,
        title=str(cell["variant_title"].iloc[0]) or verdict.variant,
        n=number,
        mean=mean,
        iqm=iqm,
        low=low,
        high=high,
        coverage=coverage(number),
        last_100=last_100,
        diverged=int(cell["diverged"].sum()),
        failed=failed,
        unscored=len(cell) - number - failed,
        excluded=excluded_episodes(cell),
        kind=" and ".join(cell["kind"].unique()),
        verdict=verdict,
    )


def _column_notes(rows: Sequence[Row]) -> list[str]:
    notes = [
        "IQM: mean of the middle half of the seeds. "
        f"Last {LAST_EPISODES}: mean return of a seed's last {LAST_EPISODES} episodes; "
        "mean over the seeds."
    ]
    if coverages := coverages_text(row.n for row in rows):
        notes.append(
            "Measured coverage of the nominal 95% interval of an IQM, for normal data: "
            f"{coverages}."
        )
    return notes


def _notes(environment: str, scores: pd.DataFrame, rows: Sequence[Row]) -> tuple[str, ...]:
    notes = [
        "Score: mean return of the training episodes in the last 10% of a seed's steps.",
        *_column_notes(rows),
        *not_training((row.title, row.kind) for row in rows),
    ]
    verdicts = [row.verdict for row in rows if row.verdict.outcome != "control"]
    tested = [verdict for verdict in verdicts if verdict.outcome != "untested"]
    if tested:
        budget = float(scores["budget"].max())
        notes += [claims_text(tested[0].comparisons), *mode_warnings(environment, budget=budget)]
        notes += too_few_text(tested)
    if any(verdict.outcome == "untested" and not verdict.unlike for verdict in verdicts):
        notes.append(f"No difference is claimed below {FEWEST_PAIRS} pairs of common seeds.")
    return (*notes, *run_caveats(scores))
