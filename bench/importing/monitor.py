"""Monitor files of Stable-Baselines3 and openai/baselines: one row per episode, as they ended.

monitor.csv: the first line is `#` and JSON with t_start [s since 1970] and env_id, the second
names the columns: r, the raw return; l, the length [environment steps]; t, the wall time since
t_start [s]; more may follow. monitor.json: an object per line, the first with t_start and env_id.
A program that is started again appends to its file, and t begins at 0 again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.errors import InputError
from bench.importing import points
from bench.importing.curve import Curve
from bench.importing.producers import is_evaluation
from bench.importing.quoting import listed, quoted
from bench.importing.tables import TORN, Table, read_lines_of_json, read_separated, text_of
from bench.kinds import EPISODES, EVALUATIONS

MARK: Final = re.compile(r"#\s*\{")
"""The beginning of a monitor.csv."""

ENVIRONMENTS: Final = re.compile(r"\d+(\.\d+)*\.monitor\.(csv|json)")
"""Names of the files of a run's environments that are stepped side by side."""

COLUMNS: Final = ("r", "l", "t")


@dataclass(frozen=True, kw_only=True)
class _Episodes:
    """The episodes of one file."""

    start: float  # s since 1970, NaN if unknown
    environment: str | None
    rows: pd.DataFrame  # one row per episode: r, l, t, session (0, 1 …)
    remarks: tuple[str, ...]


def read_monitors(paths: Sequence[Path], name: str) -> Curve:
    """Return the curve of a seed, from the files of its environments stepped side by side.

    Their episodes are put in the order of the time at which they ended, session by session; a step
    is the sum of the lengths until then. A single file keeps its own order.

    Args:
        paths: one or more files.
        name: the files' name in messages.

    Raises:
        InputError: a file is no monitor file, or the curve can't be used.
    """
    contents = [path.read_bytes() for path in paths]
    several = len(paths) > 1
    files = [
        _parsed(content, str(path) if several else name)
        for content, path in zip(contents, paths, strict=True)
    ]
    remarks = [
        f"{path.name}: {remark}" if several else remark
        for path, file in zip(paths, files, strict=True)
        for remark in (*file.remarks, *(["it holds no episode"] * (several and file.rows.empty)))
    ]
    files = [file for file in files if not file.rows.empty]
    session_counts = sorted({file.rows["session"].nunique() for file in files})
    if len(session_counts) > 1:
        remarks.append(
            f"its files hold {session_counts[0]} to {session_counts[-1]} sessions, matched from "
            "the first: the order of episodes may be another"
        )
    start = min((file.start for file in files), default=np.nan)
    rows = _side_by_side(files, start, name)
    sessions = rows["session"].nunique()
    if sessions > 1:
        remarks.append(f"its clock restarts: read as {sessions} sessions in order")
    length = rows["l"].to_numpy()
    integral = np.floor(length) == length
    for row in np.flatnonzero(~(integral & (length >= 1) & (length < points.LONGEST)))[:1]:
        raise InputError(
            f"{name}: episode {row + 1} has the length {length[row]:,.15g}; "
            "lengths are whole numbers from 1 on"
        )
    return points.curve(
        points.table_of(np.cumsum(length), rows["r"].to_numpy(), length, rows["t"].to_numpy()),
        name=name,
        remarks=remarks,
        sha256=hashlib.sha256(b"".join(contents)).hexdigest(),
        format="monitor file",
        kind=EVALUATIONS if _of_evaluations(paths[0]) else EPISODES,
        detail="a monitor file of Stable-Baselines3 or openai/baselines",
        started=points.utc_time(start),
        environments=tuple(dict.fromkeys(file.environment for file in files if file.environment)),
    )


def _of_evaluations(path: Path) -> bool:
    return is_evaluation(path.name) or path.resolve().parent.name in ("eval", "evaluation")


def _side_by_side(files: Sequence[_Episodes], start: float, name: str) -> pd.DataFrame:
    """Return all episodes by session, then by time; t continues from one session to the next.

    No file says when a later session began: its t is counted from its own beginning.
    """
    if len(files) > 1 and not all(
        np.isfinite(file.start) and np.isfinite(file.rows["t"]).all() for file in files
    ):
        raise InputError(
            f"{name}: several monitor files are merged by t_start and t; one lacks them"
        )
    shifted = []
    for file in files:
        rows = file.rows.copy()
        if len(files) > 1:
            rows.loc[rows["session"] == 0, "t"] += file.start - start
        shifted.append(rows)
    if not shifted:
        raise InputError(f"{name}: there is no row of data in it")
    rows = pd.concat(shifted, ignore_index=True)
    if len(files) > 1:
        rows = rows.sort_values(["session", "t"], kind="stable", ignore_index=True)
    ends = rows.groupby("session")["t"].max().cumsum().shift(fill_value=0.0)
    rows["t"] += rows["session"].map(ends)
    return rows


def _parsed(content: bytes, name: str) -> _Episodes:
    text = text_of(content, name)
    if not text.strip():
        rows = pd.DataFrame(columns=[*COLUMNS, "session"], dtype=np.float64)
        return _Episodes(start=np.nan, environment=None, rows=rows, remarks=())
    first_line, _, body = text.partition("\n")
    header = _header(first_line, name)
    remarks: list[str] = []
    if body and not body.endswith("\n"):  # every line is written with its end
        body = body[: body.rfind("\n") + 1]
        remarks.append(TORN)
    if MARK.match(first_line):
        lines = body.split("\n")
        # A program that is started again may write the two header lines once more.
        row_lines = [line for line in lines[1:] if not line.startswith("#") and line != lines[0]]
        full_lines = [
            line for line in row_lines if not line or line.count(",") >= lines[0].count(",")
        ]
        if cut := len(row_lines) - len(full_lines):
            remarks.append(f"rows that are cut off in the middle and left out: {cut}")
        table = read_separated("\n".join([lines[0], *full_lines]), ",", name)
    elif body.strip():
        table = read_lines_of_json(body, name)
    else:
        table = Table(name=name, columns=COLUMNS, rows=pd.DataFrame(columns=range(3)))
    if any(table.find(column) is None for column in COLUMNS):
        raise InputError(f"{name}: a monitor file has r, l and t, this one {listed(table.columns)}")
    rows = pd.DataFrame({column: table.numbers(table.place(column)) for column in COLUMNS})
    rows["t"] = points.finite(rows["t"].to_numpy())
    rows["session"] = (rows["t"] < rows["t"].shift()).cumsum()
    environment = header.get("env_id")
    return _Episodes(
        start=_number(header.get("t_start")),
        environment=environment if isinstance(environment, str) and environment != "None" else None,
        rows=rows,
        remarks=tuple(dict.fromkeys([*remarks, *table.remarks])),
    )


def _header(line: str, name: str) -> dict[str, Any]:
    try:
        header = json.loads(line.lstrip("#"))
        if isinstance(header, dict):
            return header
    except (ValueError, RecursionError):
        pass
    raise InputError(
        f"{name}: the first line of a monitor file is JSON with t_start, not {quoted(line)}"
    )


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return np.nan
