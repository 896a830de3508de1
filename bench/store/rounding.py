"""Rounding of numbers for publication: far below what seeds differ by, whatever their size."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from bench.store.parquet import with_column
from bench.store.schema import EPISODES, UPDATES

SHARE = 1e-3
"""The largest error of rounding, as a share of the standard deviation over seeds."""
SPANS = 10
"""Equal parts of the budget. The spread over seeds is taken in each, and the smallest counts."""
ROUNDED: dict[str, tuple[str, ...]] = {
    "episodes": tuple(each.name for each in EPISODES if each.type == pa.float64()),
    "updates": tuple(each.name for each in UPDATES if each.type == pa.float32() and each.nullable),
}


def steps_of_rounding(tables: Mapping[str, pa.Table]) -> dict[str, float]:
    """Column -> what its numbers may be rounded to multiples of; a power of two.

    The mean over the seeds of what a tenth of training gave has a standard deviation over seeds;
    the smallest of the ten, times SHARE, is twice the step at most. A column whose seeds don't
    differ in one of the tenths, or of a single seed, has no step.

    Args:
        tables: rows of all runs of one description, by table.
    """
    budgets = dict(
        zip(tables["runs"]["run"].to_pylist(), tables["runs"]["budget"].to_pylist(), strict=True)
    )
    found: dict[str, float] = {}
    for table, columns in ROUNDED.items():
        frame = tables[table].select(["run", "step", *columns]).to_pandas()
        budget = frame["run"].map(budgets).to_numpy(dtype=np.float64)
        span = np.minimum(frame["step"].to_numpy() * SPANS // budget, SPANS - 1)
        values = frame[list(columns)].replace([np.inf, -np.inf], np.nan)
        means = values.groupby([span, frame["run"].to_numpy()]).mean()
        spreads = means.groupby(level=0).std()
        for column, spread in spreads.min(skipna=True).items():
            if spread > 0 and np.isfinite(spread):
                found[str(column)] = float(2.0 ** np.floor(np.log2(2 * SHARE * spread)))
    return found


def rounded(table: pa.Table, steps: Mapping[str, float]) -> pa.Table:
    """The table with these columns at the nearest multiples of their steps.

    What isn't finite, or would become infinite, stays what it is, and a null a null.
    """
    for column, step in steps.items():
        if column not in table.schema.names:
            continue
        given = table[column]
        values = given.fill_null(0.0).to_numpy()
        with np.errstate(over="ignore", invalid="ignore"):
            short = (np.rint(values.astype(np.float64) / step) * step).astype(values.dtype)
        kept = np.where(np.isfinite(short), short, values)
        array = pa.array(kept, given.type, mask=given.is_null().to_numpy())
        table = with_column(table, column, array)
    return table


def steps_of(row: Mapping[str, object]) -> dict[str, float]:
    """The steps to which a published run's numbers were rounded: twice what they may be off by.

    Args:
        row: of the table `runs`.
    """
    off: dict[str, float] = json.loads(str(row["rounding"] or "{}"))
    return {column: 2 * most for column, most in off.items()}
