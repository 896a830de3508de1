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
    """Return column -> step, a power of two, to multiples of which its numbers may be rounded.

    Each seed's mean in a tenth of training has a standard deviation over seeds. The step is at
    most 2 SHARE times the smallest of the ten, so that errors are at most SHARE times it. A column
    whose seeds don't differ in one of the tenths, or with a single seed, has no step.

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
    """Return the table with these columns rounded to the nearest multiples of their steps.

    Values that aren't finite or would become infinite stay as they are, and so do nulls.
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
    """Return column -> step of a published run's rounding: twice the largest possible error.

    Args:
        row: the run's row of the table `runs`.
    """
    off: dict[str, float] = json.loads(str(row["rounding"] or "{}"))
    return {column: 2 * most for column, most in off.items()}
