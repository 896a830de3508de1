"""A folder of results that is whole at any moment, whoever is killed.

    DIR/runs/ episodes/ updates/ plans/   Parquet files of `bench.store.schema`, nothing else
    DIR/policies/                         final parameters, <run>.safetensors
    DIR/incoming/                         files being written, and the lock of the writers
    DIR/set_aside/                        torn and foreign files, moved out of the readers' way

A run's rows lie in files of one name in `runs`, `episodes` and `updates`: `<run>.parquet` in a
store that is trained into, `compacted.parquet` in one that was compacted for publication. The row
in `runs` is moved in last and is the commit mark: without it the other rows do not count, and
without whole files of that name beside it neither does the row.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from safetensors import numpy as safetensors

from bench.errors import InputError, unknown
from bench.store import parquet
from bench.store.schema import PLANS, RESULTS, RUNS, SCHEMAS, STATUSES

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / "results" / "local"
PUBLISHED = ROOT / "results" / "published"

COMPACTED = "compacted.parquet"
# The order in which a run's files are moved in.
RUN_TABLES = ("episodes", "updates", "runs")
DAY = 24 * 60 * 60

Result = TypeVar("Result")
Stamp = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A committed run, and the name its files have in each table."""

    run: str
    description: str
    status: str
    digest: str
    adopted: str | None
    file: str

    @property
    def digests(self) -> frozenset[str]:
        """Of the code that trained it, and of the code that has adopted it."""
        return frozenset({self.digest, self.adopted or self.digest})


NO_EPISODES = {name: np.empty(0) for name in ("step", "return", "length", "seconds")}
NO_UPDATES = {name: np.empty(0) for name in ("update", "step", "seconds")}
"""What `write_run` takes of a run that has none."""


class Store:
    """One folder of results. Reading creates nothing; the first write creates the folders.

    `problems` gathers one line for each file that could not be used. Torn and foreign files are
    moved to `set_aside/`; in a read-only store they are left and skipped.

    Args:
        path: the folder.
        read_only: leave the folder as it is, whatever is found in it.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.problems: list[str] = []
        self._left_alone = read_only

    @property
    def read_only(self) -> bool:
        """A published reference: compacted, and changed by compaction alone. Or asked for."""
        published = self.path.resolve() == PUBLISHED or (self.path / "runs" / COMPACTED).exists()
        return published or self._left_alone

    # Writing

    def check_writable(self) -> None:
        """Try every move that a write makes, before anything is trained.

        Raises InputError with the reason. Also removes what writers killed over a day ago left.
        """
        self._refuse_read_only()
        try:
            with self.staging() as staging:
                for folder in (*SCHEMAS, "policies"):
                    # Readers of the folder, pandas among them, pass over names with a dot.
                    probe = self.path / folder / f".{staging.name}"
                    _write_bytes(staging / folder, bytes(2**16))
                    os.replace(staging / folder, probe)
                    probe.unlink()
            for left in (self.path / "incoming").iterdir():
                if left.is_dir() and time.time() - left.stat().st_mtime > DAY:
                    shutil.rmtree(left, ignore_errors=True)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"results folder {self.path} cannot be written: {reason}") from error

    def write_run(
        self,
        row: Mapping[str, object],
        episodes: Mapping[str, np.ndarray],
        updates: Mapping[str, np.ndarray],
        policy: Mapping[str, np.ndarray] | None,
    ) -> None:
        """Store one run, in place of what was stored of it before.

        Arrays are [row], without the column `run`; a diagnostic that is missing is null. Everything
        is on the disk before the first file is moved in, so a full disk (OSError) changes nothing.
        Killed in between, an earlier version of the run is gone and the run counts as missing.
        Raises ValueError for rows that do not fit the schema, InputError in a read-only store.
        """
        run = str(row.get("run"))
        if row.get("status") not in STATUSES:
            raise ValueError(f"status {row.get('status')!r} of run {run} is none of {STATUSES}")
        tables = {
            "runs": parquet.from_rows(RUNS, [row]),
            "episodes": parquet.from_arrays(SCHEMAS["episodes"], run, episodes),
            "updates": parquet.from_arrays(SCHEMAS["updates"], run, updates),
        }
        arrays = {key: np.array(value, order="C") for key, value in (policy or {}).items()}
        self.adopt_run(run, tables, None if policy is None else safetensors.save(arrays))

    def adopt_run(
        self,
        run: str,
        tables: Mapping[str, pa.Table],
        policy: bytes | None,
        *,
        stamp: Stamp | None = None,
    ) -> bool:
        """Store the rows of one run, as they are; otherwise as `write_run`.

        `tables` are those of RUN_TABLES, `policy` is the content of its file. `stamp` is the run's
        when it was decided to do this: where another writer has been there since, nothing is done
        and the answer is False.
        """
        name = f"{_file_name(run)}.parquet"
        with self.staging() as staging:
            for table, content in tables.items():
                parquet.write(content, staging / table)
            if policy is not None:
                _write_bytes(staging / "policy", policy)
            with self.lock():
                self._refuse_read_only()
                if stamp is not None and stamp != self.stamp(run):
                    return False
                commit = self.path / "runs" / name
                if commit.exists():
                    # A file without rows: removing it could fail somebody who reads the folder.
                    parquet.write(RUNS.empty_table(), staging / "withdrawn")
                    os.replace(staging / "withdrawn", commit)
                if policy is None:
                    self.policy_path(run).unlink(missing_ok=True)
                else:
                    os.replace(staging / "policy", self.policy_path(run))
                for table in RUN_TABLES:
                    os.replace(staging / table, self.path / table / name)
        return True

    def stamp(self, run: str) -> Stamp:
        """Other after every write of the run; (0, 0) where nothing is stored of it."""
        with suppress(FileNotFoundError):
            found = (self.path / "runs" / f"{run}.parquet").stat()
            return found.st_ino, found.st_mtime_ns
        return 0, 0

    def adopt_policy(self, run: str, policy: bytes) -> None:
        """Keep the policy of a stored run that has none; `policy` is the content of its file."""
        with self.staging() as staging:
            _write_bytes(staging / "policy", policy)
            with self.lock():
                self._refuse_read_only()
                if not self.policy_path(run).exists():
                    os.replace(staging / "policy", self.policy_path(run))

    def adopt_code(self, adopted: Mapping[str, str]) -> None:
        """Note for runs, committed all of them, the digest of later code that gives the same bits.

        Each file is replaced by one that differs in nothing else. A published store is written to
        as well: what its runs gave stays as it is.

        Args:
            adopted: run -> digest.

        Raises:
            InputError: the store was opened to be read only, or can't be written.
        """
        if self._left_alone:
            raise InputError(f"results folder {self.path} was opened to be read only")
        try:
            with self.staging() as staging, self.lock():
                found = self.committed()
                for name in {found[run].file for run in adopted if run in found}:
                    path = self.path / "runs" / name
                    rows = parquet.read(path, RUNS)
                    pairs = zip(rows["run"].to_pylist(), rows["adopted"].to_pylist(), strict=True)
                    column = pa.array([adopted.get(*pair) for pair in pairs], pa.string())
                    place = RUNS.get_field_index("adopted")
                    rows = rows.set_column(place, RUNS.field("adopted"), column)
                    parquet.write(rows, staging / name)
                    os.replace(staging / name, path)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"results folder {self.path} cannot be written: {reason}") from error

    def write_plan(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Store the rows of one ablation's plan, in place of its earlier plan.

        Raises ValueError for rows that do not fit the schema or are not of one ablation.
        """
        plan = parquet.from_rows(PLANS, rows)
        ablations = set(plan["ablation"].to_pylist())
        if len(ablations) != 1:
            raise ValueError(f"a plan is of one ablation, not of {sorted(ablations)}")
        name = f"{_file_name(ablations.pop())}.parquet"
        self._refuse_read_only()
        with self.staging() as staging:
            parquet.write(plan, staging / "plans")
            os.replace(staging / "plans", self.path / "plans" / name)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder of one's own on the store's file system, removed at the end."""
        for name in (*SCHEMAS, "policies", "incoming"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.path / "incoming"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One process at a time moves files; the system frees the lock of a killed one."""
        folder = self.path / "incoming"
        folder.mkdir(exist_ok=True)
        with (folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _refuse_read_only(self) -> None:
        if self.read_only:
            raise InputError(
                f"results folder {self.path} holds published results and is read-only: "
                "choose another one"
            )

    # Reading

    def committed(self) -> dict[str, Entry]:
        """Every run that is wholly stored, by its id, whatever its status.

        Looks at every file of the three tables; names and sets aside what is torn or foreign.
        Raises InputError, naming both files, when a run is stored twice.
        """
        columns = ["run", "description", "status", "digest", "adopted"]
        marks = self._read_each(
            "runs", lambda path: parquet.read(path, RUNS, columns=columns).to_pylist()
        )
        whole = {table: self._whole(table) for table in ("episodes", "updates")}
        found: dict[str, Entry] = {}
        for name, rows in marks.items():
            for row in rows:
                entry = Entry(**row, file=name)
                twice = found.setdefault(entry.run, entry)
                if twice is not entry:
                    runs = self.path / "runs"
                    raise InputError(
                        f"run {entry.run} is stored twice, in {runs / twice.file} "
                        f"and in {runs / name}: remove one of them"
                    )
            for table, names in whole.items():
                if rows and name not in names:
                    path = self.path / table / name
                    self._report(f"{path} is missing: its runs ({len(rows)}) count as missing")
        return {
            run: entry
            for run, entry in found.items()
            if all(entry.file in names for names in whole.values())
        }

    def finished(self) -> dict[str, frozenset[str]]:
        """Run -> digests of the code that it is of, for the runs that need no training."""
        return {
            entry.run: entry.digests
            for entry in self.committed().values()
            if entry.status in RESULTS
        }

    def read(
        self, entries: Iterable[Entry], tables: Sequence[str] = RUN_TABLES
    ) -> dict[str, pa.Table]:
        """The rows of these runs, sorted by run; within a run in the order of writing.

        Where a file turns out to be torn in one of the tables, its runs are left out of all.
        """
        files: dict[str, list[str]] = {}
        for entry in entries:
            files.setdefault(entry.file, []).append(entry.run)

        def rows_of(name: str) -> list[pa.Table] | None:
            parts = [self._read(table, name, files[name]) for table in tables]
            return None if any(part is None for part in parts) else parts

        with ThreadPoolExecutor() as threads:
            found = [parts for parts in threads.map(rows_of, sorted(files)) if parts is not None]
        return {
            table: in_order(
                pa.concat_tables([SCHEMAS[table].empty_table(), *(part[place] for part in found)])
            )
            for place, table in enumerate(tables)
        }

    def runs(self) -> pd.DataFrame:
        """The committed runs, whatever their status; columns as in `schema.RUNS`."""
        return self._frame("runs", None)

    def episodes(self, runs: Iterable[str] | None = None) -> pd.DataFrame:
        """The episodes of committed runs (all, or those given) as in `schema.EPISODES`."""
        return self._frame("episodes", runs)

    def updates(self, runs: Iterable[str] | None = None) -> pd.DataFrame:
        """The updates of committed runs (all, or those given) as in `schema.UPDATES`."""
        return self._frame("updates", runs)

    def plans(self) -> pa.Table:
        """The latest plan of every ablation, in the order of ablation, environment, variant."""
        tables = self._read_each("plans", lambda path: parquet.read(path, PLANS))
        rows = [row for table in tables.values() for row in table.to_pylist()]
        latest = {row["ablation"]: row for row in sorted(rows, key=lambda row: row["created"])}
        current = [row for row in rows if row["created"] == latest[row["ablation"]]["created"]]
        return in_plan_order(pa.Table.from_pylist(current, schema=PLANS))

    def plan(self, ablation: str) -> pd.DataFrame:
        """The plan of an ablation as last asked for; InputError when there is none."""
        plans = self.plans()
        known = sorted(set(plans["ablation"].to_pylist()))
        if ablation not in known:
            raise unknown(f"ablation in {self.path}", ablation, known)
        return parquet.to_frame(plans.filter(pc.equal(plans["ablation"], ablation)))

    def policy_path(self, run: str) -> Path:
        """Where the policy of a run lies, if it was kept."""
        return self.path / "policies" / f"{run}.safetensors"

    def policy(self, run: str) -> dict[str, np.ndarray]:
        """The final parameters and normaliser of a run; FileNotFoundError when not kept."""
        return dict(safetensors.load(self.policy_path(run).read_bytes()))

    def _frame(self, table: str, runs: Iterable[str] | None) -> pd.DataFrame:
        committed = self.committed()
        wanted = committed.keys() if runs is None else committed.keys() & set(runs)
        entries = (committed[run] for run in wanted)
        return parquet.to_frame(self.read(entries, (table,))[table])

    def _read(self, table: str, name: str, runs: list[str]) -> pa.Table | None:
        return self._attempt(
            self.path / table / name, lambda path: parquet.read(path, SCHEMAS[table], runs=runs)
        )

    def _whole(self, table: str) -> set[str]:
        return set(self._read_each(table, lambda path: parquet.verify(path, SCHEMAS[table])))

    def _read_each(self, table: str, read: Callable[[Path], Result]) -> dict[str, Result]:
        """File name -> what `read` makes of it, in the order of names; unusable files left out."""
        folder = self.path / table
        names = os.listdir(folder) if folder.is_dir() else []
        paths = [folder / name for name in sorted(names) if name[0] not in "._"]
        with ThreadPoolExecutor() as threads:
            results = threads.map(lambda path: self._attempt(path, read), paths)
            return {
                path.name: result
                for path, result in zip(paths, results, strict=True)
                if result is not None
            }

    def _attempt(self, path: Path, read: Callable[[Path], Result]) -> Result | None:
        """What `read` makes of the file, or None for one that is thereby named and set aside."""
        try:
            return read(path)
        except OSError as error:
            self._report(f"{path} cannot be read and is skipped: {error.strerror}")
            return None
        except parquet.UnreadableError as error:
            problem = f"{path} {error}"
        if self.read_only:
            self._report(f"{problem}: skipped")
            return None
        try:
            with self.lock():
                # Another writer may have replaced it in the meantime, or set it aside.
                try:
                    return read(path)
                except parquet.UnreadableError:
                    self._report(f"{problem}: moved to {self._set_aside(path)}")
        except OSError as error:
            self._report(f"{problem}: skipped, cannot be moved ({error.strerror})")
        return None

    def _set_aside(self, path: Path) -> Path:
        folder = self.path / "set_aside"
        folder.mkdir(exist_ok=True)
        name = f"{path.parent.name}-{path.name}"
        place, number = folder / name, 1
        while place.exists():
            number += 1
            place = folder / f"{number}-{name}"
        os.replace(path, place)
        return place

    def _report(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def in_order(table: pa.Table) -> pa.Table:
    """The rows sorted by run; the sort is stable, so each run keeps the order of its rows."""
    return table.take(pc.sort_indices(table, sort_keys=[("run", "ascending")]))


def in_plan_order(table: pa.Table) -> pa.Table:
    """The rows sorted by ablation, environment and variant."""
    order = ("ablation", "environment_order", "variant_order")
    return table.sort_by([(name, "ascending") for name in order])


def _file_name(identifier: str) -> str:
    """The identifier, if it can be a file's name that readers see; InputError otherwise."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", identifier) or (
        f"{identifier}.parquet" == COMPACTED
    ):
        raise InputError(
            f"{identifier!r} cannot name a file of results: allowed are letters, digits, "
            "'.', '_' and '-', the first one a letter or digit"
        )
    return identifier


def _write_bytes(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
