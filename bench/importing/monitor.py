"""Stable-Baselines3's monitor.csv: one row an episode, in the order in which they ended.

The first line is `#` and JSON with t_start [s since 1970] and env_id, the second names the columns:
r, the raw return; l, the length [environment steps]; t, the wall time since t_start [s]; more may
follow. Source: stable_baselines3/common/monitor.py.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from bench.errors import InputError
from bench.importing.curve import Curve, Floats, Integers

EVALUATION: Final = "training episodes of Stable-Baselines3's Monitor"
MARK: Final = "#{"
"""How such a file begins."""

_COLUMNS: Final = ("r", "l", "t")


@dataclass(frozen=True, kw_only=True)
class _Episodes:
    """What one file holds; each [E]."""

    start: float  # s since 1970, NaN where it isn't said
    environment: str | None
    returns: Floats
    length: Integers
    seconds: Floats  # since `start`


def read_monitors(paths: Sequence[Path], name: str) -> Curve:
    """The curve of a seed, from the files of its environments that were stepped side by side.

    Their episodes are put in the order of the time at which they ended; a step is the sum of the
    lengths until then. Of one file that is its own order.

    Args:
        paths: one or more files.
        name: what to call them.

    Raises:
        InputError: a file is none, or its curve can't be used.
    """
    contents = [path.read_bytes() for path in paths]
    found = [_parsed(content, str(path)) for content, path in zip(contents, paths, strict=True)]
    start = min((each.start for each in found), default=np.nan)
    returns, length = (
        np.concatenate([getattr(each, field) for each in found]) for field in ("returns", "length")
    )
    seconds = np.concatenate([each.seconds + (each.start - start) for each in found])
    if len(found) == 1:
        seconds = found[0].seconds
    else:
        if not np.isfinite(seconds).all():
            raise InputError(
                f"{name}: several monitor files are merged by t_start, which one lacks"
            )
        order = np.argsort(seconds, kind="stable")
        returns, length, seconds = returns[order], length[order], seconds[order]
    names = dict.fromkeys(each.environment for each in found if each.environment)
    return Curve(
        name=name,
        sha256=hashlib.sha256(b"".join(contents)).hexdigest(),
        kind="monitor.csv",
        evaluation=EVALUATION,
        step=np.cumsum(length),
        returns=returns,
        length=length,
        seconds=seconds,
        started=None if np.isnan(start) else datetime.fromtimestamp(start, UTC),
        environments=tuple(names),
    )


def _parsed(content: bytes, name: str) -> _Episodes:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: no text, so no monitor.csv") from error
    first, _, rest = text.partition("\n")
    try:
        header = json.loads(first.removeprefix("#"))
        start = float(header.get("t_start", np.nan))
        environment = header.get("env_id")
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"{name}: the first line of a monitor.csv is # and JSON, not {first[:40]!r}"
        ) from error
    rows = csv.DictReader(io.StringIO(rest))
    columns = rows.fieldnames or ()
    for column in _COLUMNS:
        if column not in columns:
            raise InputError(
                f"{name}: a monitor.csv has columns r, l and t, this one {', '.join(columns)}"
            )
    numbers: dict[str, list[float]] = {column: [] for column in _COLUMNS}
    for row in rows:
        for column in _COLUMNS:
            try:
                numbers[column].append(float(row[column]))
            except (TypeError, ValueError) as error:
                raise InputError(
                    f"{name}, line {rows.line_num + 1}: {column} is {row[column]!r}, not a number"
                ) from error
    length = np.array(numbers["l"])
    for place in np.flatnonzero(~((length >= 1) & (length == np.floor(length))))[:1]:
        raise InputError(
            f"{name}: episode {place + 1} has the length {length[place]:g}; "
            "lengths are whole numbers from 1 on"
        )
    return _Episodes(
        start=start,
        environment=environment if isinstance(environment, str) and environment != "None" else None,
        returns=np.array(numbers["r"]),
        length=length.astype(np.int64),
        seconds=np.array(numbers["t"]),
    )
