"""Our scores beside Figure 3 of the PPO paper, and the share of its gain that was reached.

The gain reached is (ours − untrained) / (the paper's − untrained). What the paper's own untrained
policy earned is not known; ours, on another version of the environment, stands in for both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.cells import cell_values, planned, titles
from bench.evidence.measures.normalised import interval_text
from bench.evidence.published import figure_3
from bench.evidence.published.rows import family
from bench.evidence.statistics.coverage import coverages_text
from bench.evidence.statistics.estimates import estimate, interval_of_seeds
from bench.evidence.verdicts import return_text

HEADER: Final = (
    *("environment", "algorithm", "n", "mean", "95% interval"),
    *(f"paper ({figure_3.VERSION}, digitised)", "untrained", "gain reached"),
)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One algorithm on one environment [return]; NaN where there is nothing."""

    environment: str
    variant: str
    title: str
    n: int  # seeds with a score
    mean: float  # over seeds
    low: float  # 95% bootstrap interval of the mean; NaN below n = 2
    high: float
    paper: float  # mean of the last 10% of the original's curve
    accuracy: float  # of that value, ±
    untrained: float  # mean over seeds of our untrained policy
    gain: float  # share of the paper's gain over `untrained`; NaN where that gain is not positive

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, under `HEADER`."""
        paper = return_text(self.paper)
        return (
            self.environment,
            self.title,
            str(self.n),
            return_text(self.mean),
            interval_text(self.low, self.high, return_text),
            f"{paper} ± {self.accuracy:g}" if math.isfinite(self.paper) else paper,
            return_text(self.untrained),
            f"{100 * self.gain:.0f}%".replace("-", "−") if math.isfinite(self.gain) else "–",
        )


def beside_figure_3(
    plan: pd.DataFrame, scores: pd.DataFrame, untrained: Mapping[str, float]
) -> tuple[Beside, ...]:
    """A row per cell of the plan, trained or not.

    Args:
        plan: the store's plan of the experiment.
        scores: the frame of `scores.score_runs`.
        untrained: environment -> the untrained policy's mean score; may be empty.
    """
    values, names = cell_values(scores), titles(plan)
    rows = []
    for environment, variant in planned(plan):
        seed_scores = values.get((environment, variant), np.empty(0))
        mean = float(estimate(seed_scores, "mean")) if len(seed_scores) else math.nan
        low, high = interval_of_seeds(seed_scores, "mean")
        untrained_mean = untrained.get(environment, math.nan)
        paper = figure_3.last_10_percent(environment).get(variant, math.nan)
        accuracy = figure_3.ACCURACY.get(family(environment), math.nan)
        rows.append(
            Beside(
                environment=environment,
                variant=variant,
                title=names[variant],
                n=len(seed_scores),
                mean=mean,
                low=low,
                high=high,
                paper=paper,
                accuracy=accuracy,
                untrained=untrained_mean,
                gain=gain_reached(mean, paper, untrained_mean, accuracy),
            )
        )
    return tuple(rows)


def gain_reached(ours: float, paper: float, untrained: float, accuracy: float = 0.0) -> float:
    """(ours − untrained) / (paper − untrained).

    NaN where one of them is, and where the paper's value is not above the untrained policy's by
    more than its accuracy: there is no gain to reach a share of.
    """
    gain = paper - untrained
    return (ours - untrained) / gain if gain > accuracy else math.nan


def section(rows: tuple[Beside, ...]) -> Section:
    """The rows as a section of the page."""
    coverages = coverages_text((row.n for row in rows), "mean")
    notes = [
        "Mean: over seeds, of the mean return of the training episodes in the last 10% of a seed's "
        "steps, with its 95% percentile-bootstrap interval over seeds"
        + (f"; measured coverage, for normal data: {coverages}." if coverages else "."),
        f"Paper: mean of the last 10% of the curve, {figure_3.SOURCE}, digitised; its number of "
        f"seeds is not stated. Its environments are {figure_3.VERSION}: physics, observations and "
        "rewards differ between versions. –: hidden behind another curve, or not in the figure.",
        "Untrained: our untrained policy's score on our version of the environment (ablation "
        "`untrained`). Gain reached: (ours − untrained) / (paper − untrained). The paper's own "
        "untrained policy is not known; ours stands in for both. –: nothing to compare, or the "
        "paper's value is not above the untrained policy's.",
    ]
    return Section(
        heading="### Beside Figure 3 of the PPO paper",
        header=HEADER,
        alignment=("left", "left", "right", "right", "center", *["right"] * 3),
        cells=[row.cells for row in rows],
        notes=notes,
    )
