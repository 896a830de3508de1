"""Episodes matched to their runs: the one place where frames become arrays.

What counts as evidence is decided here, once for scores and curves alike:

* Episodes of failed runs are left out: such a run ended for a reason that is not the algorithm's.
* Episodes that ended after their seed had diverged are left out: its policy is broken, and it is
  no longer stepped. Its last value before is carried forward by scores and curves, so that a
  diverged seed keeps the value it had and stays in n. (Dropping it would flatter an algorithm
  that breaks; there is nothing to keep only where it diverged before its first episode ended.)
* Episodes whose return is not a finite number are left out and counted.

Where the updates are given, an episode belongs to the batch it was collected for and is placed at
the batch's end. Without them it is placed where it ended, and where batches hold whole episodes
that is biased by their length: in every batch the short ones end first, so that a curve saws up
and down, and a window that cuts a batch in two holds its long ones only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import InputError
from bench.evidence.statistics.estimates import Floats

Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """Runs in the order of the page, and the episodes that count, by run and then by step.

    Episodes that end at the same step of a run keep the order of the frame they came from.
    """

    runs: pd.DataFrame  # by environment_order, variant_order, seed; the index is 0 … R−1
    failed: NDArray[np.bool_]  # [R]
    diverged: NDArray[np.bool_]  # [R]
    excluded: Integers  # [R] episodes left out because their return is not finite
    row: Integers  # [E] position of the episode's run in `runs`
    step: Integers  # [E] environment steps of the seed at the end of the episode, or of its batch
    seconds: Floats  # [E] wall time from the start of training to `step` [s]
    returns: Floats  # [E] raw reward summed over the episode


def align(
    runs: pd.DataFrame, episodes: pd.DataFrame, updates: pd.DataFrame | None = None
) -> Aligned:
    """Match an ablation's episodes to its runs and drop the episodes that do not count.

    Args:
        runs: the store's view, one row per run and variant.
        episodes: the store's view, one row per episode and variant. Episodes of runs that are not
            among `runs` are ignored.
        updates: the store's view, one row per update and variant, to place episodes at the end of
            their batch; those after a run's last update stay where they ended.

    Raises:
        InputError: there are no runs.
        ValueError: one seed appears twice under one variant and environment.
    """
    if not len(runs):
        raise InputError("there are no runs to compare; train some with `python -m bench run`")
    ordered = runs.sort_values(
        ["environment_order", "environment", "variant_order", "variant", "seed"],
        kind="stable",
        ignore_index=True,
    )
    duplicated = ordered.duplicated(["environment", "variant", "seed"])
    if duplicated.any():
        duplicate = ordered.loc[duplicated.idxmax(), ["variant", "environment", "seed"]].tolist()
        raise ValueError("variant {!r} on {!r} has seed {} twice".format(*duplicate))

    status = ordered["status"].to_numpy()
    failed = np.asarray(status == "failed")
    diverged_at = pd.to_numeric(ordered["diverged_at"]).to_numpy(dtype=np.float64, na_value=np.nan)
    diverged = np.asarray(status == "diverged") | np.isfinite(diverged_at)

    row = _rows(ordered, episodes)
    step = episodes["step"].to_numpy(dtype=np.int64)
    seconds = episodes["seconds"].to_numpy(dtype=np.float64)
    returns = episodes["return"].to_numpy(dtype=np.float64)

    eligible = row >= 0
    eligible[eligible] = ~failed[row[eligible]]
    # A comparison with NaN is false: without a divergence no episode is past it.
    eligible[eligible] = ~(step[eligible] > diverged_at[row[eligible]])
    finite = np.isfinite(returns)
    excluded = np.bincount(row[eligible & ~finite], minlength=len(ordered))
    counted = np.flatnonzero(eligible & finite)
    row, step, seconds, returns = row[counted], step[counted], seconds[counted], returns[counted]
    if updates is not None:
        step, seconds = _batch_ends(ordered, updates, row, step, seconds)
    sorted_already = np.all(
        (row[1:] > row[:-1]) | ((row[1:] == row[:-1]) & (step[1:] >= step[:-1]))
    )
    if not sorted_already:
        order = np.lexsort((step, row))
        row, step, seconds, returns = row[order], step[order], seconds[order], returns[order]
    return Aligned(
        runs=ordered,
        failed=failed,
        diverged=diverged,
        excluded=excluded.astype(np.int64),
        row=row,
        step=step,
        seconds=seconds,
        returns=returns,
    )


def _batch_ends(
    runs: pd.DataFrame, updates: pd.DataFrame, row: Integers, step: Integers, seconds: Floats
) -> tuple[Integers, Floats]:
    """Steps and seconds of the first update of the episode's run that is not before its end."""
    row_of_update = _rows(runs, updates)
    matched = np.flatnonzero(row_of_update >= 0)
    step_of_update = updates["step"].to_numpy(dtype=np.int64)
    order = matched[np.lexsort((step_of_update[matched], row_of_update[matched]))]
    if not len(order):
        return step, seconds
    row_of_update, step_of_update = row_of_update[order], step_of_update[order]
    # One number for run and step, so that one search serves all runs.
    stride = 1 + max(int(step_of_update.max()), int(step.max(initial=0)))
    places = np.searchsorted(row_of_update * stride + step_of_update, row * stride + step)
    places = np.minimum(places, len(order) - 1)
    has_update = (row_of_update[places] == row) & (step_of_update[places] >= step)
    seconds_of_update = updates["seconds"].to_numpy(dtype=np.float64)[order]
    return (
        np.where(has_update, step_of_update[places], step),
        np.where(has_update, seconds_of_update[places], seconds),
    )


def _rows(runs: pd.DataFrame, events: pd.DataFrame) -> Integers:
    """For each episode or update the row of its run under its variant, −1 where there is none.

    A run can serve two variants with equal descriptions; hence both columns make the key.
    """
    run_codes, run_names = _codes(events["run"])
    variant_codes, variant_names = _codes(events["variant"])
    table = np.full((len(run_names) + 1, len(variant_names) + 1), -1, dtype=np.int64)
    row_of_run = run_names.get_indexer(pd.Index(runs["run"].astype(object)))
    row_of_variant = variant_names.get_indexer(pd.Index(runs["variant"].astype(object)))
    # A run without events has indexer −1, an event without a name code −1: both lead to the
    # spare last row or column, which belongs to nobody.
    table[row_of_run, row_of_variant] = np.arange(len(runs))
    table[-1, :] = -1
    table[:, -1] = -1
    return table[run_codes, variant_codes]


def _codes(column: pd.Series) -> tuple[Integers, pd.Index]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        categorical = column.cat
        return categorical.codes.to_numpy(dtype=np.int64), pd.Index(
            categorical.categories.astype(object)
        )
    codes, names = pd.factorize(column)
    return codes.astype(np.int64), pd.Index(names.astype(object))
