"""Compare the contents of runs: every step, return and diagnostic.

Wall times and provenance are no part of the content: training again gives others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.store.parquet import segments, with_column
from bench.store.rounding import steps_of
from bench.store.schema import SCHEMAS

# The rows of one run, by table.
Content = Mapping[str, pa.Table]

# Compared in this order: a difference of an episode says more than one of their number.
COMPARED: dict[str, tuple[str, ...]] = {
    "episodes": tuple(name for name in SCHEMAS["episodes"].names if name not in ("run", "seconds")),
    "updates": tuple(name for name in SCHEMAS["updates"].names if name not in ("run", "seconds")),
    "runs": ("status", "diverged_at", "steps", "episodes", "updates"),
}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first value that is not the same in two contents.

    `row` counts from 0 within the run. Where one content ends before they differ, `column` is None
    and the values are the numbers of rows. A null is None.
    """

    table: str
    column: str | None
    row: int
    values: tuple[object, object]

    def sentence(self, first: str, second: str) -> str:
        """Return the difference in words; `first` and `second` name the two contents."""
        first_value, second_value = self.values
        if self.column is None:
            return f"{self.table} has {first_value} rows {first}, {second_value} {second}"
        return (
            f"{self.table}, row {self.row}, {self.column}: {first_value} {first}, "
            f"{second_value} {second}"
        )


def by_run(tables: Mapping[str, pa.Table]) -> dict[str, Content]:
    """Return run -> its rows, given tables sorted by run, as `Store.read` gives them."""
    parts: dict[str, dict[str, pa.Table]] = {}
    for run in tables["runs"]["run"].to_pylist():
        parts[run] = {name: table.slice(0, 0) for name, table in tables.items()}
    for name, table in tables.items():
        for run, rows in segments(table):
            # A run that is being written may have rows here and none in `runs`.
            if run in parts:
                parts[run][name] = rows
    return dict(parts)


def row_of(content: Content) -> dict[str, Any]:
    """The run's row in the table `runs`."""
    row: dict[str, Any] = content["runs"].to_pylist()[0]
    return row


def same_code(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether one code trained or adopted both runs, given their rows of the table `runs`."""
    return bool(digests_of(first) & digests_of(second))


def digests_of(row: Mapping[str, Any]) -> set[str]:
    """Return digests of the code that trained or adopted a run, given its row of `runs`."""
    return {row["digest"], row["adopted"] or row["digest"]}


def first_difference(first: Content, second: Content) -> Difference | None:
    """Return the first difference between two contents of a run, by row, then by column.

    A published run lacks the diagnostics of some updates: if one content has none of an update,
    only its number and step are compared. Numbers that rounding could have taken apart are equal.

    Args:
        first, second: the rows of one run in each of the tables of COMPARED.

    Returns:
        None where the contents are equal bit for bit. NaN equals NaN, and null only null.
    """
    errors = _errors(first, second)
    differences = (_difference(table, first[table], second[table], errors) for table in COMPARED)
    return next(filter(None, differences), None)


def first_difference_of_beginning(content: Content, beginning: Content) -> Difference | None:
    """Return the first difference between a run and a repetition of its beginning.

    Episodes and updates up to the last step of the beginning are compared, and whether it diverged
    by then; of the updates, only those that both have a row of: a run stores one for each
    thousandth of its budget.

    Args:
        content, beginning: the rows of each, as in `first_difference`.
    """
    errors = _errors(content, beginning)
    last_step = row_of(beginning)["steps"]
    episodes = content["episodes"].filter(pc.less_equal(content["episodes"]["step"], last_step))
    updates, beginning_updates = (
        first["updates"].filter(pc.is_in(first["updates"]["update"], second["updates"]["update"]))
        for first, second in ((content, beginning), (beginning, content))
    )
    diverged, diverged_again = (
        row_of(compared)["diverged_at"] for compared in (content, beginning)
    )
    if diverged is not None and diverged > last_step:
        diverged = None
    if diverged != diverged_again:
        return Difference(
            table="runs", column="diverged_at", row=0, values=(diverged, diverged_again)
        )
    return _difference("episodes", episodes, beginning["episodes"], errors) or _difference(
        "updates", updates, beginning_updates, errors
    )


def _errors(first: Content, second: Content) -> dict[str, float]:
    """Column -> how far the rounding of both sides may have taken its numbers apart."""
    steps = [steps_of(row_of(content)) for content in (first, second)]
    return {name: sum(side.get(name, 0.0) for side in steps) / 2 for name in steps[0] | steps[1]}


def _difference(
    table: str, first: pa.Table, second: pa.Table, errors: Mapping[str, float]
) -> Difference | None:
    """The first difference between rows of one run in a table of COMPARED."""
    if table == "updates":
        first, second = _with_shared_diagnostics(first, second)
    common = min(len(first), len(second))
    differences = [
        (int(rows[0]), position, column)
        for position, column in enumerate(COMPARED[table])
        if len(
            rows := _differing(
                first[column][:common], second[column][:common], errors.get(column, 0.0)
            )
        )
    ]
    if differences:
        row, _, column = min(differences)
        values = first[column][row].as_py(), second[column][row].as_py()
        return Difference(table=table, column=column, row=row, values=values)
    if len(first) != len(second):
        return Difference(table=table, column=None, row=common, values=(len(first), len(second)))
    return None


def _with_shared_diagnostics(first: pa.Table, second: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return both tables of updates with diagnostics null wherever either has none at all."""
    if len(first) != len(second):
        return first, second
    empty = pa.array(_undiagnosed(first) | _undiagnosed(second))
    return _blank(first, empty), _blank(second, empty)


def _undiagnosed(updates: pa.Table) -> np.ndarray:
    columns = [updates[field.name] for field in updates.schema if field.nullable]
    empty: np.ndarray = np.all([column.is_null().to_numpy() for column in columns], axis=0)
    return empty


def _blank(updates: pa.Table, where: pa.Array) -> pa.Table:
    for field in updates.schema:
        if field.nullable:
            column = pc.if_else(where, pa.scalar(None, field.type), updates[field.name])
            updates = with_column(updates, field.name, column)
    return updates


def _differing(first: pa.ChunkedArray, second: pa.ChunkedArray, error: float) -> np.ndarray:
    """Positions at which two columns of equal length and type differ by more than `error`."""
    if pa.types.is_floating(first.type):
        unequal = _bits(first) != _bits(second)
        if error:
            values, others = (
                column.fill_null(0.0).to_numpy().astype(np.float64) for column in (first, second)
            )
            with np.errstate(invalid="ignore"):  # inf − inf
                unequal &= ~(np.abs(values - others) <= error)
    else:
        unequal = pc.not_equal(first, second).fill_null(False).to_numpy()
    return np.flatnonzero(unequal | (first.is_null().to_numpy() != second.is_null().to_numpy()))


def _bits(column: pa.ChunkedArray) -> np.ndarray:
    values = column.fill_null(0.0).to_numpy()
    # Processors write different bits for NaN; they mean the same.
    values = np.where(np.isnan(values), np.nan, values).astype(values.dtype)
    return values.view(f"i{values.itemsize}")
