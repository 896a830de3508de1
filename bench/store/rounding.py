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
    "episodes": tuple(field.name for field in EPISODES if field.type == pa.float64()),
    "updates": tuple(
        field.name for field in UPDATES if field.type == pa.float32() and field.nullable
    ),
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
    steps: dict[str, float] = {}
    for table, columns in ROUNDED.items():
        frame = tables[table].select(["run", "step", *columns]).to_pandas()
        budget = frame["run"].map(budgets).to_numpy(dtype=np.float64)
        span = np.minimum(frame["step"].to_numpy() * SPANS // budget, SPANS - 1)
        values = frame[list(columns)].replace([np.inf, -np.inf], np.nan)
        means = values.groupby([span, frame["run"].to_numpy()]).mean()
        spreads = means.groupby(level=0).std()
        for column, spread in spreads.min(skipna=True).items():
            if spread > 0 and np.isfinite(spread):
                steps[str(column)] = float(2.0 ** np.floor(np.log2(2 * SHARE * spread)))
    return steps


def rounded(table: pa.Table, steps: Mapping[str, float]) -> pa.Table:
    """Return the table with these columns rounded to the nearest multiples of their steps.

    Values that aren't finite or would become infinite stay as they are, and so do nulls.
    """
    for column, step in steps.items():
        if column not in table.schema.names:
            continue
        original = table[column]
        values = original.fill_null(0.0).to_numpy()
        with np.errstate(over="ignore", invalid="ignore"):
            multiples = (np.rint(values.astype(np.float64) / step) * step).astype(values.dtype)
        result = np.where(np.isfinite(multiples), multiples, values)
        array = pa.array(result, original.type, mask=original.is_null().to_numpy())
        table = with_column(table, column, array)
    return table


def steps_of(row: Mapping[str, object]) -> dict[str, float]:
    """Return column -> step of a published run's rounding: twice the largest possible error.

    Args:
        row: the run's row of the table `runs`.
    """
    errors: dict[str, float] = json.loads(str(row["rounding"] or "{}"))
    return {column: 2 * error for column, error in errors.items()}
