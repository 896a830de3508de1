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
from bench.store.rounding import rounded, steps_of
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
        one, other = self.values
        if self.column is None:
            return f"{self.table} has {one} rows {first}, {other} {second}"
        return f"{self.table}, row {self.row}, {self.column}: {one} {first}, {other} {second}"


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
    only its number and step are compared. If one content is rounded, the other is rounded alike.

    Args:
        first, second: the rows of one run in each of the tables of COMPARED.

    Returns:
        None where the contents are equal bit for bit. NaN equals NaN, and null only null.
    """
    first, second = _as_published(first, second), _as_published(second, first)
    found = (_difference(table, first[table], second[table]) for table in COMPARED)
    return next(filter(None, found), None)


def first_difference_of_beginning(whole: Content, beginning: Content) -> Difference | None:
    """Return the first difference between a run and a repetition of its beginning.

    Episodes and updates up to the last step of the beginning are compared, and whether it diverged
    by then; of the updates, only those that both have a row of: a run stores one for each
    thousandth of its budget.

    Args:
        whole, beginning: as in `first_difference`.
    """
    beginning = _as_published(beginning, whole)
    last = row_of(beginning)["steps"]
    episodes = whole["episodes"].filter(pc.less_equal(whole["episodes"]["step"], last))
    updates, others = (
        one["updates"].filter(pc.is_in(one["updates"]["update"], other["updates"]["update"]))
        for one, other in ((whole, beginning), (beginning, whole))
    )
    diverged, again = (row_of(each)["diverged_at"] for each in (whole, beginning))
    if diverged is not None and diverged > last:
        diverged = None
    if diverged != again:
        return Difference(table="runs", column="diverged_at", row=0, values=(diverged, again))
    return _difference("episodes", episodes, beginning["episodes"]) or _difference(
        "updates", updates, others
    )


def _as_published(content: Content, other: Content) -> Content:
    """Return the content with its numbers rounded like those of the other."""
    steps = steps_of(row_of(other))
    return {table: rounded(rows, steps) for table, rows in content.items()} if steps else content


def _difference(table: str, one: pa.Table, other: pa.Table) -> Difference | None:
    """The first difference between rows of one run in a table of COMPARED."""
    if table == "updates":
        one, other = _of_both(one, other)
    common = min(len(one), len(other))
    found = [
        (int(rows[0]), place, column)
        for place, column in enumerate(COMPARED[table])
        if len(rows := _differing(one[column][:common], other[column][:common]))
    ]
    if found:
        row, _, column = min(found)
        values = one[column][row].as_py(), other[column][row].as_py()
        return Difference(table=table, column=column, row=row, values=values)
    if len(one) != len(other):
        return Difference(table=table, column=None, row=common, values=(len(one), len(other)))
    return None


def _of_both(one: pa.Table, other: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return both tables of updates with diagnostics null wherever either has none at all."""
    if len(one) != len(other):
        return one, other
    empty = pa.array(_undiagnosed(one) | _undiagnosed(other))
    return _blank(one, empty), _blank(other, empty)


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


def _differing(one: pa.ChunkedArray, other: pa.ChunkedArray) -> np.ndarray:
    """Positions at which two columns of equal length and type differ."""
    if pa.types.is_floating(one.type):
        unequal = _bits(one) != _bits(other)
    else:
        unequal = pc.not_equal(one, other).fill_null(False).to_numpy()
    return np.flatnonzero(unequal | (one.is_null().to_numpy() != other.is_null().to_numpy()))


def _bits(column: pa.ChunkedArray) -> np.ndarray:
    values = column.fill_null(0.0).to_numpy()
    # Processors write different bits for NaN; they mean the same.
    values = np.where(np.isnan(values), np.nan, values).astype(values.dtype)
    return values.view(f"i{values.itemsize}")
