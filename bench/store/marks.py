"""Marks: what a file in `runs` commits, and by which names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bench.store.parquet import UnreadableError

OF_DESCRIPTION = "description-"
"""How the name begins of files that hold all runs of a description."""
COMPACTED = "compacted"
PARTS = ("episodes", "updates")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A committed run, and the name of its files."""

    run: str
    description: str
    status: str
    digest: str
    adopted: str | None
    name: str

    @property
    def digests(self) -> frozenset[str]:
        """Of the code that trained it, and of the code that has adopted it."""
        return frozenset({self.digest, self.adopted or self.digest})


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What a file in `runs` holds.

    Attributes:
        name: of the file, and the first part of the names of those that it commits.
        rows: of the table `runs`.
    """

    name: str
    rows: pa.Table

    @cached_property
    def runs(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.rows.to_pylist()
        return rows

    @property
    def entries(self) -> list[Entry]:
        names = ("run", "description", "status", "digest", "adopted")
        return [Entry(**{each: row[each] for each in names}, name=self.name) for row in self.runs]

    def file(self, part: str) -> str:
        """Where the runs' rows in the table `part` lie in the store."""
        return next(_part_name(part, self.name, row, ".parquet") for row in self.runs)

    @cached_property
    def policies(self) -> dict[str, str]:
        """Run -> where its policy lies in the store, if it was kept."""
        return {
            row["run"]: _part_name("policies", row["run"], row, ".safetensors")
            for row in self.runs
            if row["parts"] is None or "policies" in json.loads(row["parts"])
        }

    @property
    def files(self) -> set[str]:
        """Where all lies that the mark commits."""
        return {*map(self.file, PARTS), *self.policies.values()}


def _part_name(part: str, name: str, row: Mapping[str, Any], ending: str) -> str:
    # Runs of the first edition name no checksums.
    checksum = "" if row["parts"] is None else f".{json.loads(row['parts'])[part]}"
    return f"{part}/{name}{checksum}{ending}"


def check_rows(table: pa.Table, mark: Mark, part: str) -> None:
    """Raise UnreadableError where the rows of a table are not those of the mark's runs."""
    counted = {row["values"]: row["counts"] for row in pc.value_counts(table["run"]).to_pylist()}
    for row in mark.runs:
        found = counted.pop(row["run"], 0)
        # Of updates that are many, not each has a row.
        if found != row["episodes"] if part == "episodes" else bool(found) != bool(row["updates"]):
            raise UnreadableError(
                f"is not what run {row['run']} gave: it has {found} rows, of {row[part]}"
            )
    if counted:
        raise UnreadableError(f"holds rows of another run, {next(iter(counted))}")
