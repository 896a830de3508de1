"""Make a curve of the rows of a file: bad points are left out with a remark, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.errors import InputError
from bench.formatting import count
from bench.importing.curve import LEAST_HOLE, Curve, Floats

LIMIT: Final = 2**53
"""Steps from here on can't be told apart in floating point."""

LONGEST: Final = 2**31
"""Episodes of so many steps can't be stored."""


def finite(values: Floats) -> Floats:
    """Return the values, with NaN in place of infinities."""
    return np.where(np.isfinite(values), values, np.nan)


def table_of(
    step: Floats, returns: Floats, length: Floats | None = None, seconds: Floats | None = None
) -> pd.DataFrame:
    """Return rows for `curve` in the order of the file, with NaN for unknown values."""
    unknown = np.full(len(step), np.nan)
    columns = {
        "step": step,
        "return": returns,
        "length": unknown if length is None else length,
        "seconds": unknown if seconds is None else finite(seconds),
    }
    return pd.DataFrame(columns, dtype=np.float64)


def curve(points: pd.DataFrame, *, name: str, remarks: Sequence[str] = (), **fields: Any) -> Curve:
    """Return the curve of a seed.

    Rows whose return is NaN, as that of a mean over no episode is, and rows at step 0 are left
    out. Steps that go back begin another session, see `_in_order`.

    Args:
        points: rows from `table_of`.
        name: the file's name in messages.
        remarks: oddities that are known already.
        fields: the other fields of a `Curve`.

    Raises:
        InputError: no row is left; a step, length or return is impossible; steps have no order.
    """
    all_remarks = list(remarks)
    _check(points, name)
    for bad, clause in (
        (points["return"].isna(), "whose return is NaN"),
        (points["step"] == 0, "at step 0"),
    ):
        if bad.any():
            steps = points.loc[bad, "step"].astype(int)
            until = f", up to step {steps.max():,}" if steps.max() else ""
            all_remarks.append(f"left out: {count(int(bad.sum()), 'row')} {clause}{until}")
    points = points[points["return"].notna() & (points["step"] > 0)].reset_index(drop=True)
    if points.empty:
        raise InputError(f"{name}: there is no row of data in it")
    points, sessions = _in_order(points, name)
    return Curve(
        name=name,
        step=points["step"].to_numpy().astype(np.int64),
        returns=points["return"].to_numpy(),
        length=points["length"].fillna(0).to_numpy().astype(np.int64),
        seconds=points["seconds"].to_numpy(),
        remarks=(*all_remarks, *sessions),
        **fields,
    )


def utc_time(seconds: float) -> datetime | None:
    """Return the time so many seconds after 1970; None if there is no such time."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _check(points: pd.DataFrame, name: str) -> None:
    """Refuse the first impossible step, length or return."""
    step, length = points["step"].to_numpy(), points["length"].to_numpy()
    known_lengths = length[~np.isnan(length)]
    for values, below, label in ((step, LIMIT, "step"), (known_lengths, LONGEST, "length")):
        integral = np.floor(values) == values
        for row in np.flatnonzero(~(integral & (values >= 0) & (values < below)))[:1]:
            raise InputError(
                f"{name}, point {row + 1}: {label} is {values[row]:,.15g}; it must be a whole "
                f"number from 0 to below {below:,}"
            )
    for row in np.flatnonzero(np.isinf(points["return"].to_numpy()))[:1]:
        raise InputError(
            f"{name}: the return at step {step[row]:,.0f} is {points['return'][row]}; "
            "returns must be finite"
        )


def _in_order(points: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    """Join appended sessions into one sequence of steps; return it, and remarks on the sessions.

    A session that begins near 0 counts on from where the one before ended; one that begins further
    on was resumed from a checkpoint there, and takes the place of what came after it.

    Raises:
        InputError: steps go back so often that they have no order.
    """
    step = points["step"].to_numpy()
    restarts = np.flatnonzero(np.diff(step) < 0) + 1
    if not len(restarts):
        return points, []
    if 3 * len(restarts) > len(step):
        raise InputError(
            f"{name}: steps decrease from {step[restarts[0] - 1]:,.0f} to "
            f"{step[restarts[0]]:,.0f} in row {restarts[0] + 1}; a file holds one "
            "seed's steps in order"
        )
    sessions = np.split(np.arange(len(step)), restarts)
    joined, offset, replaced = points.iloc[sessions[0]], 0.0, 0
    for session in sessions[1:]:
        added, last_step = points.iloc[session].copy(), joined["step"].iloc[-1]
        if added["step"].iloc[0] <= max(step[0], LEAST_HOLE * (last_step - offset)):
            offset = last_step
        added["step"] += offset
        before = joined[joined["step"] < added["step"].iloc[0]]
        replaced += len(joined) - len(before)
        clock = before["seconds"].iloc[-1] if len(before) else 0.0
        if added["seconds"].iloc[0] < clock:
            added["seconds"] += clock
        joined = pd.concat([before, added], ignore_index=True)
    _check(joined, name)
    remark = (
        f"steps go back {count(len(restarts), 'time')}: read as {len(sessions)} sessions in order"
    )
    if replaced:
        remark += f", without {count(replaced, 'row')} that a later one replaces"
    return joined, [remark]
