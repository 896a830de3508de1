"""Means of what the updates report in the last tenth of a run: one number per run and column."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.evidence.measures.scores import WINDOW_PERCENT


def late_means(runs: pd.DataFrame, updates: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Means over the last tenth of each run's steps.

    A seed that diverged before keeps what its last update reported.

    Args:
        runs: the store's view of an ablation, one row per run.
        updates: the store's view, one row per update.
        columns: of `updates`, to be averaged.

    Returns:
        The columns by run; runs without a value in the first column are missing.
    """
    reported = updates[updates[columns[0]].notna()].drop_duplicates(["run", "update"])
    reported = reported.assign(run=reported["run"].astype(object))
    budget = reported["run"].map(runs.drop_duplicates("run").set_index("run")["budget"])
    last = reported.groupby("run", observed=True)["step"].transform("max")
    late = (reported["step"] * 100 > budget.astype("int64") * (100 - WINDOW_PERCENT)) | (
        reported["step"] == last
    )
    means: pd.DataFrame = (
        reported[late].groupby("run", observed=True)[list(columns)].mean().astype("float64")
    )
    return means
