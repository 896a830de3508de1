"""Tables with a column of steps and one of returns, whatever program wrote them.

Which columns those are, `producers` knows or the user says. A table may hold several seeds: in a
column `seed`, or, as Weights & Biases' downloads do, in a column per run, called RUN - METRIC.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from bench.errors import InputError
from bench.formatting import count
from bench.importing import points
from bench.importing.choice import Choice
from bench.importing.curve import Curve
from bench.importing.producers import KNOWN, Column, kind_of_name, known_column, plain
from bench.importing.quoting import listed, quoted
from bench.importing.tables import (
    SEPARATORS,
    Table,
    header,
    read_lines_of_json,
    read_separated,
    text_of,
)
from bench.kinds import EPISODES, MEANS, ROWS, UNSAID

_RUN_COLUMN: Final = re.compile(r"(?P<run>.+) - (?P<metric>.+?)(?P<bound>__MIN|__MAX)?")
"""A column of Weights & Biases' downloads."""

_STEPS: Final = tuple(dict.fromkeys(name for column in KNOWN for name in column.steps))
_ENVIRONMENT: Final = ("environment", "env", "env_id")
_LABELS: Final = (
    *_ENVIRONMENT,
    "variant",
    "algorithm",
    "algo",
    "run",
    "run_id",
    "name",
    "group",
    "kind",
)
"""Columns that say what a row belongs to: one curve has one value in each."""

_EXPORT_COLUMNS: Final = ("environment", "variant", "seed", "run", "step", "return")
"""Columns that `export --to csv` writes."""


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """The positions of the columns that hold a curve's steps and returns."""

    step: int
    returns: int
    kind: str
    producer: str
    title: str  # name of the column of returns
    run: str = ""  # name of the run, if there is one column per run
    seconds: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether every row is a point of the curve; a logger's row can hold something else."""
        return self.producer == "a table"


def separator_of(first_line: str, choice: Choice) -> str | None:
    """Return the separator of a table with this first line; None if it has no curve."""
    for separator in SEPARATORS:
        table = Table(name="", columns=header(first_line, separator), rows=pd.DataFrame())
        if has_curve(table, choice):
            return separator
    return None


def has_curve(table: Table, choice: Choice) -> bool:
    """Whether a table has the columns that the user names, or known ones."""
    requested = [name for name in (choice.step_column, choice.return_column) if name is not None]
    runs = _metrics(table)
    if requested:
        return all(table.find(name) is not None or name in runs.values() for name in requested)
    has_runs = bool(_places(table, _STEPS) and _return_places(table, choice))
    return has_runs or _known_column(table, choice) is not None


def read_column_table(path: Path, name: str, choice: Choice) -> list[Curve]:
    """Return the curves of a table: one, or one per seed or run, in the order in which they come.

    Args:
        path, name: the file, and its name in messages.
        choice: which columns and rows to read.

    Raises:
        InputError: columns are missing, a value is no number, or a curve can't be used.
    """
    content = path.read_bytes()
    text = text_of(content, name).lstrip("\n")
    if text.startswith("{"):
        table = read_lines_of_json(text, name)
    else:
        separator = separator_of(text.partition("\n")[0], choice)
        table = read_separated(text, separator or SEPARATORS[0], name)
    table = _selected_rows(table, choice)
    digest = hashlib.sha256(content).hexdigest()
    return [
        _curve(seed_table, pair, seed, digest)
        for pair in _pairs(table, choice)
        for seed, seed_table in _by_seed(table)
    ]


def _selected_rows(table: Table, choice: Choice) -> Table:
    """Return the rows that are chosen by `where` and the environment."""
    for column, value in choice.where.items():
        texts = table.texts(table.place(column))
        if not (texts == value).any():
            raise InputError(
                f"{table.name}: its column {quoted(column)} never is {quoted(value)}; it holds "
                f"{listed(list(texts.unique()))}"
            )
        table = table.where(texts == value)
    for place in _places(table, _ENVIRONMENT):
        texts = table.texts(place)
        if (texts == choice.environment).any():
            table = table.where(texts == choice.environment)
    return table


def _places(table: Table, columns: Sequence[str]) -> list[int]:
    return [place for place in map(table.find, columns) if place is not None]


def _pairs(table: Table, choice: Choice) -> list[_Pair]:
    """Return the pairs of columns that are curves.

    Raises:
        InputError: there is none.
    """
    runs = _return_places(table, choice)
    if runs:
        averaged = _are_averaged(table, runs)
        return [_run_pair(table, choice, place, averaged=averaged) for place in runs]
    column: Column | None
    if choice.return_column is not None:
        returns, column = table.place(choice.return_column), known_column(choice.return_column)
    else:
        column = _known_column(table, choice)
        if column is None:
            raise InputError(
                f"{table.name}: name its columns by --step-column and --return-column; they are "
                f"{listed(table.columns)}"
            )
        returns = table.place(column.returns)
    title = table.columns[returns].strip()
    is_export = all(table.find(name) is not None for name in _EXPORT_COLUMNS)
    return [
        _Pair(
            step=_step(table, choice, column),
            returns=returns,
            kind=EPISODES if is_export else _kind(table, title),
            producer="this suite" if is_export else column.producer if column else "a table",
            title=title,
            seconds=table.find(column.seconds) if column and column.seconds else None,
        )
    ]


def _known_column(table: Table, choice: Choice) -> Column | None:
    for column in KNOWN:
        if table.find(column.returns) is not None and (
            choice.step_column is not None or _places(table, column.steps)
        ):
            return column
    return None


def _step(table: Table, choice: Choice, column: Column | None) -> int:
    if choice.step_column is not None:
        return table.place(choice.step_column)
    places = _places(table, (*(column.steps if column else ()), *_STEPS))
    if not places:
        raise InputError(
            f"{table.name}: name the column of its steps by --step-column; its columns are "
            f"{listed(table.columns)}"
        )
    return places[0]


def _kind(table: Table, title: str) -> str:
    """Return the kind of a column of returns; TensorBoard's download has the tag in its name."""
    if plain(title) != "value":
        return kind_of_name(title)
    name = plain(Path(table.name).name)
    columns = (column for column in KNOWN if f"tag-{column.returns.replace('/', '_')}" in name)
    return next((column.kind for column in columns), UNSAID)


def _metrics(table: Table) -> dict[int, str]:
    """Return position -> metric of the columns that Weights & Biases calls RUN - METRIC."""
    matches = {place: _RUN_COLUMN.fullmatch(name) for place, name in enumerate(table.columns)}
    return {
        place: match["metric"]
        for place, match in matches.items()
        if match is not None and not match["bound"]
    }


def _return_places(table: Table, choice: Choice) -> list[int]:
    """Return positions of the runs' returns: of the metric that is chosen, known or only one."""
    metrics = _metrics(table)
    requested = choice.return_column
    if requested is not None:
        return [place for place, metric in metrics.items() if requested == metric]
    best = next((metric for metric in metrics.values() if known_column(metric)), None)
    bounded = {
        metric
        for place, metric in metrics.items()
        if f"{table.columns[place]}__MIN" in table.columns
    }
    if best is None and len(bounded) == 1:
        best = bounded.pop()
    return [place for place, metric in metrics.items() if metric == best]


def _run_pair(table: Table, choice: Choice, place: int, *, averaged: bool) -> _Pair:
    title = table.columns[place]
    match = _RUN_COLUMN.fullmatch(title)
    assert match is not None
    kind = kind_of_name(match["metric"])
    return _Pair(
        step=_step(table, choice, known_column(match["metric"])),
        returns=place,
        kind=MEANS if averaged and kind == EPISODES else kind,
        producer="Weights & Biases' download",
        title=match["metric"],
        run=match["run"],
        remarks=("its points are means: minimum and maximum differ",) if averaged else (),
    )


def _are_averaged(table: Table, runs: Sequence[int]) -> bool:
    """Whether points are means of a group of runs, or of more points than are drawn."""
    return any(
        (table.texts(bound) != table.texts(place)).any()
        for place in runs
        for bound in _places(table, [f"{table.columns[place]}__{end}" for end in ("MIN", "MAX")])
    )


def _by_seed(table: Table) -> Iterator[tuple[int | None, Table]]:
    """Yield each seed and its rows, in the order in which seeds come.

    Raises:
        InputError: a seed is no whole number; or rows of a seed differ in a label.
    """
    place = table.find("seed")
    if place is None:
        _check_labels(table)
        yield None, table
        return
    seeds = table.numbers(place)
    for row in np.flatnonzero(~((seeds >= 0) & (seeds < 2**31) & (np.floor(seeds) == seeds)))[:1]:
        raise InputError(
            f"{table.name}, row {row + 1}: seed is {quoted(table.texts(place)[row])}; seeds are "
            f"whole numbers from 0 to below {2**31:,}"
        )
    for seed in pd.unique(seeds):
        rows = table.where(pd.Series(seeds == seed))
        _check_labels(rows)
        yield int(seed), rows


def _check_labels(table: Table) -> None:
    for place in _places(table, _LABELS):
        values = list(table.texts(place).unique())
        if len(values) > 1:
            column = table.columns[place]
            raise InputError(
                f"{table.name}: its column {quoted(column)} holds {listed(values)}; choose one "
                f"by --where {column}=…"
            )


def _curve(table: Table, pair: _Pair, seed: int | None, digest: str) -> Curve:
    step, returns = table.numbers(pair.step), table.numbers(pair.returns)
    present = (table.texts(pair.returns) != "").to_numpy() & ~np.isnan(step)
    remarks = [*table.remarks, *pair.remarks]
    missing = len(present) - int(present.sum())
    if pair.plain and missing:
        remarks.append(f"left out: {count(missing, 'row')} without a number")
    length_place = table.find("length") if plain(pair.title) == "return" else None
    seconds, length = (
        None if place is None else points.finite(table.numbers(place)[present])
        for place in (pair.seconds, length_place)
    )
    started = None
    if seconds is not None and len(seconds) and seconds[0] > 1e8:  # counted from 1970
        started = points.utc_time(seconds[0])
        seconds = seconds - seconds[0]
    ids = [table.texts(place).iloc[0] for place in _places(table, _ENVIRONMENT) if len(table.rows)]
    run = f", {quoted(pair.run)[1:-1]}" if pair.run else ""
    return points.curve(
        points.table_of(step[present], returns[present], length, seconds),
        name=f"{table.name}{run}" + ("" if seed is None else f", seed {seed}"),
        remarks=remarks,
        sha256=digest,
        format="table",
        kind=_exported_kind(table) or pair.kind,
        detail=f"column {quoted(pair.title)[1:-1]} of {pair.producer}",
        seed=seed,
        started=started,
        environments=tuple(dict.fromkeys([*ids, *filter(None, [table.environment])])),
    )


def _exported_kind(table: Table) -> str | None:
    """Return the kind in a column of the suite's own export; None if there is none."""
    place = table.find("kind")
    kind = "" if place is None or not len(table.rows) else table.texts(place).iloc[0]
    return kind if kind in ROWS else None
