"""A plain CSV table: step, return, and if there are such columns seed and length."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path
from typing import Final

import numpy as np

from bench.errors import InputError
from bench.importing.curve import Curve

EVALUATION: Final = "returns of a CSV table"
NEEDED: Final = ("step", "return")
OPTIONAL: Final = ("seed", "length")


def columns_of(text: str) -> tuple[str, ...]:
    """The names in the first line."""
    first = next(csv.reader(io.StringIO(text)), [])
    return tuple(name.strip() for name in first)


def read_step_table(path: Path, name: str) -> list[Curve]:
    """The curves of a table: one, or one a seed of its column, in the order in which seeds come.

    Raises:
        InputError: a column isn't known, a value is no number, or a curve can't be used.
    """
    content = path.read_bytes()
    try:
        return _curves(content, content.decode("utf-8-sig"), name)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{name}: it can't be read as CSV: {error}") from error


def _curves(content: bytes, text: str, name: str) -> list[Curve]:
    columns = columns_of(text)
    strange = [column for column in columns if column not in (*NEEDED, *OPTIONAL)]
    if strange or len(set(columns)) < len(columns):
        raise InputError(
            f"{name}: its columns are {', '.join(columns)}. Allowed: step and return, with or "
            "without seed and length"
        )
    rows = csv.reader(io.StringIO(text))
    next(rows)
    found: dict[int | None, list[tuple[int, float, int]]] = {}
    for row in rows:
        if not row:
            continue
        where = f"{name}, line {rows.line_num}"
        if len(row) != len(columns):
            raise InputError(f"{where}: {len(row)} values under {len(columns)} columns")
        given = dict(zip(columns, row, strict=True))
        whole = {
            column: _whole(given[column], column, where) for column in columns if column != "return"
        }
        try:
            value = float(given["return"])
        except ValueError as error:
            raise InputError(f"{where}: return is {given['return']!r}, not a number") from error
        for column, number in whole.items():
            if number < 0:
                raise InputError(f"{where}: {column} is {number:,}, below 0")
        found.setdefault(whole.get("seed"), []).append(
            (whole["step"], value, whole.get("length", 0))
        )
    if not found:
        raise InputError(f"{name}: there is no row of data in it")
    return [_curve(seed, values, name, content) for seed, values in found.items()]


def _curve(
    seed: int | None, values: list[tuple[int, float, int]], name: str, content: bytes
) -> Curve:
    step, returns, length = zip(*values, strict=True)
    return Curve(
        name=name if seed is None else f"{name}, seed {seed}",
        sha256=hashlib.sha256(content).hexdigest(),
        kind="CSV table",
        evaluation=EVALUATION,
        step=np.array(step, dtype=np.int64),
        returns=np.array(returns, dtype=np.float64),
        length=np.array(length, dtype=np.int64),
        seconds=np.full(len(step), np.nan),
        seed=seed,
    )


def _whole(text: str, column: str, where: str) -> int:
    """A whole number, also where a program wrote it as 1000.0 or 1e3."""
    try:
        number = float(text)
        if number != int(number) or abs(number) >= 2**53:
            raise ValueError(text)
    except (OverflowError, ValueError) as error:
        raise InputError(f"{where}: {column} is {text!r}, not a whole number") from error
    return int(number)
