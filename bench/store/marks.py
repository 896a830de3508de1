"""Marks: the files in `runs`, each of which commits runs and names their other files."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.store import parquet
from bench.store.parquet import UnreadableError
from bench.store.rounding import ROUNDED
from bench.store.schema import RUNS

OF_DESCRIPTION = "description-"
"""Prefix of the names of files that hold all runs of a description."""
PARTS = ("episodes", "updates")
PLAIN = "[A-Za-z0-9][A-Za-z0-9_-]{0,199}"
"""Pattern of the ids of runs and descriptions, which become parts of file names."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A committed run, and the name of its files."""

    run: str
    description: str
    status: str
    started: datetime
    digest: str
    adopted: str | None
    name: str

    @property
    def digests(self) -> frozenset[str]:
        """Digests of the code that trained the run, and of the code that has adopted it."""
        return frozenset({self.digest, self.adopted or self.digest})


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The content of a file in `runs`.

    Attributes:
        name: of the file, and the first part of the names of its episodes' and updates' files.
        rows: its rows of the table `runs`.
    """

    name: str
    rows: pa.Table

    @cached_property
    def runs(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.rows.to_pylist()
        return rows

    @property
    def entries(self) -> list[Entry]:
        columns = ("run", "description", "status", "started", "digest", "adopted")
        return [
            Entry(**{column: row[column] for column in columns}, name=self.name)
            for row in self.runs
        ]

    def file(self, part: str) -> str:
        """Return the path in the store of the runs' rows of the table `part`."""
        return f"{part}/{self.name}.{self.checksum(part)}.parquet"

    def checksum(self, part: str) -> str:
        """Return the checksum of that file, which its name has."""
        return parts_of(self.runs[0]).get(part, "")

    @cached_property
    def policies(self) -> dict[str, str]:
        """Run -> where its policy lies in the store, if it was kept."""
        paths = ((row["run"], policy_file(row)) for row in self.runs)
        return {run: path for run, path in paths if path is not None}

    @property
    def files(self) -> set[str]:
        """The paths in the store of all files that the mark commits."""
        return {*map(self.file, PARTS), *self.policies.values()}


def parts_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Return part -> checksum in its file's name; empty for a row that is in no store.

    Args:
        row: a row of the table `runs`.
    """
    parts: dict[str, str] = json.loads(row["parts"] or "{}")
    return parts


def policy_file(row: Mapping[str, Any]) -> str | None:
    """Return the path of a run's policy in its store; None if it was not kept."""
    checksum = parts_of(row).get("policies")
    return None if checksum is None else f"policies/{row['run']}.{checksum}.safetensors"


def read_mark(path: Path, name: str, on_remark: Callable[[str], None] = lambda text: None) -> Mark:
    """Read the mark in a file; raises as `parquet.read` does, and if no store has written it.

    Args:
        path: the file's current path.
        name: the name that the file has, or had, in `runs`, without ending.
        on_remark: as in `parquet.read`.
    """
    mark = Mark(name=name, rows=parquet.read(path, RUNS, on_remark=on_remark))
    if not mark.runs:
        raise UnreadableError("holds no run")
    _check(mark)
    return mark


def _check(mark: Mark) -> None:
    """Raise UnreadableError where a mark is not what the store's writer could have made."""
    for row in mark.runs:
        run, description = row["run"], row["description"]
        for kind, name in (("run", run), ("description", description)):
            if not re.fullmatch(PLAIN, name):
                reason = f"can't be used: {kind} {name[:200]!r} cannot name a file of results"
                raise UnreadableError(reason, intact=True)
        if mark.name not in (run, OF_DESCRIPTION + description):
            reason = f"is a copy or was renamed: it holds run {run}"
            raise UnreadableError(reason, intact=True)
        parts = parts_of(row)
        complete = {*PARTS, "policies"} >= parts.keys() >= set(PARTS)
        matching = all(parts.get(part) == mark.checksum(part) for part in PARTS)
        if not (complete and matching and all(map(_is_checksum, parts.values()))):
            reason = f"can't be used: column 'parts' of run {run} doesn't name its files"
            raise UnreadableError(reason, intact=True)
        for column, error in json.loads(row["rounding"] or "{}").items():
            if (
                column not in chain(*ROUNDED.values())
                or not isinstance(error, int | float)
                or not error > 0
            ):
                reason = (
                    f"can't be used: column 'rounding' of run {run} holds {column!r}: {error!r}"
                )
                raise UnreadableError(reason, intact=True)


def _is_checksum(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{16}", text) is not None


def check_rows(table: pa.Table, mark: Mark, part: str) -> None:
    """Raise UnreadableError where the rows of a table are not those of the mark's runs."""
    row_counts = Counter[str]()
    for run, start, end in parquet.extents(table):
        row_counts[run] += end - start
    for row in mark.runs:
        count = row_counts.pop(row["run"], 0)
        # If there are many updates, not each of them has a row.
        if count != row["episodes"] if part == "episodes" else bool(count) != bool(row["updates"]):
            raise UnreadableError(
                f"is not what run {row['run']} gave: it has {count} rows, of {row[part]}"
            )
    if row_counts:
        raise UnreadableError(f"holds rows of another run, {next(iter(row_counts))}")
