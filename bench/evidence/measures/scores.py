"""One number per run: what a seed reached at the end of its budget.

The score is the mean return of the training episodes in the last 10% of a seed's steps, with
sampled actions and raw rewards: the metric of Figure 3 of the PPO paper (arXiv 1707.06347). The
mean of the last 100 episodes, the metric of its Table 1, stands beside it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from bench.evidence.measures.alignment import Aligned, Integers, align
from bench.evidence.statistics.estimates import Floats
from bench.kinds import kind_of

LAST_EPISODES: Final = 100
"""Episodes behind the second metric, `last_100`."""

WINDOW_PERCENT: Final = 10
"""The share of a run's steps, at its end, over which scores and `late_means` average [%]."""

_DESCRIPTION: Final = [
    "environment",
    "environment_order",
    "variant",
    "variant_title",
    "variant_order",
    "seed",
    "run",
    "budget",
    "status",
    "back_end",
]


def score_runs(
    runs: pd.DataFrame, episodes: pd.DataFrame, updates: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Score every run.

    An episode belongs to the step at which its batch was complete, or, without `updates`, at
    which it ended itself; those with step > 0.9·budget are the window. Steps past the budget are
    included: they complete a batch whose policy was trained within the budget. An empty window
    carries the last value forward: the return of the last episode before it (their mean where
    several belong to that step). So does a diverged seed, whose episodes count up to the
    divergence: it keeps the value it had. A failed run, and one in which no episode ended, has
    no score (NaN).

    Args:
        runs: the store's view of an ablation, one row per run.
        episodes: the store's view, one row per episode.
        updates: the store's view, one row per update; see `alignment`.

    Returns:
        One row per run, by environment, variant and seed: environment, environment_order, variant,
        variant_title, variant_order, seed, run, budget [steps], status, back_end,
        kind, what the returns are, one of `bench.kinds`, and
        score [return]; last_100 [return], the mean of the last 100 episodes (of all, if fewer);
        window_episodes, episodes behind the score, 0 where it was carried forward;
        diverged, whether the seed's numbers stopped being finite;
        excluded_episodes, episodes left out because their return is not finite.

    Raises:
        InputError: there are no runs.
        ValueError: one seed appears twice under one variant and environment.
    """
    return score_aligned(align(runs, episodes, updates))


def score_aligned(aligned: Aligned) -> pd.DataFrame:
    """`score_runs` of episodes that are already matched to their runs."""
    number = len(aligned.runs)
    row, step, returns = aligned.row, aligned.step, aligned.returns
    budget = aligned.runs["budget"].to_numpy(dtype=np.int64)

    # In whole numbers: 0.9·budget is not exact in floating point.
    inside = step * 100 > budget[row] * (100 - WINDOW_PERCENT)
    window = np.bincount(row[inside], minlength=number)
    score = _means(row[inside], returns[inside], number)

    ends = np.cumsum(np.bincount(row, minlength=number))
    last_step = np.zeros(number, dtype=np.int64)
    last_step[row] = step  # by step within a run: the last write is the last step
    at_last_step = step == last_step[row]
    carried = _means(row[at_last_step], returns[at_last_step], number)
    score = np.where(window > 0, score, carried)

    recent = ends[row] - np.arange(len(row)) <= LAST_EPISODES
    scores: pd.DataFrame = aligned.runs[_DESCRIPTION].copy()
    scores["kind"] = aligned.runs["evaluation"].map(kind_of)
    scores["score"] = score
    scores["last_100"] = _means(row[recent], returns[recent], number)
    scores["window_episodes"] = window
    scores["diverged"] = aligned.diverged
    scores["excluded_episodes"] = aligned.excluded
    return scores


def _means(row: Integers, values: Floats, number: int) -> Floats:
    counts = np.bincount(row, minlength=number)
    sums = np.bincount(row, weights=values, minlength=number)
    means: Floats = np.divide(sums, counts, out=np.full(number, np.nan), where=counts > 0)
    return means
