"""A folder of results that is consistent at any moment, even if a writer is killed.

    DIR/runs/NAME.parquet                   rows of runs, and which files hold the rest of them
    DIR/episodes/ updates/NAME.SUM.parquet  their episodes and updates; SUM: the file's checksum
    DIR/policies/RUN.SUM.safetensors        final parameters
    DIR/plans/ABLATION.parquet              the plan last asked for
    DIR/incoming/                           files being written
    DIR/claims/                             names that processes hold (`bench.store.claims`)
    DIR/set_aside/                          torn and foreign files, out of the readers' way

In a store that is trained into, NAME is a run's id; in a published one, a file holds all runs of a
description and is named after it. A file in `runs` is moved in last and at once, and names the
others by their content: so it is the commit mark of all of them, a reader sees one version of a run
or another and never a mixture, and files left by a writer killed in between are ignored.

A store of one's own runs may hold copied published files as well: its own file of a run counts.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from bench.errors import InputError, unknown
from bench.files import refused_as
from bench.store import parquet
from bench.store.claims import Claims
from bench.store.marks import (
    OF_DESCRIPTION,
    PARTS,
    PLAIN,
    Entry,
    Mark,
    check_rows,
    parts_of,
    policy_file,
    read_mark,
)
from bench.store.places import PUBLISHED
from bench.store.plan_metadata import check_metadata
from bench.store.schema import PLANS, RESULTS, RUNS, SCHEMAS, STATUSES

RUN_TABLES = (*PARTS, "runs")
DAY = 24 * 60 * 60

Result = TypeVar("Result")


NO_EPISODES = {name: np.empty(0) for name in ("step", "return", "length", "seconds")}
NO_UPDATES = {name: np.empty(0) for name in ("update", "step", "seconds")}
"""The arguments of `write_run` for a run without episodes or updates."""


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
        self.claims = Claims(self.path)
        self._opened_read_only = read_only
        # Path -> the state of the file when it was read, and what was read or found out.
        self._cache: dict[Path, tuple[tuple[int, int, int], Any]] = {}

    @property
    def read_only(self) -> bool:
        """Whether writing is refused: the store is published, or was opened to be read only."""
        if self._opened_read_only or self.path.resolve() == PUBLISHED:
            return True
        paths = self._files("runs")
        published = [path for path in paths if path.stem.startswith(OF_DESCRIPTION)]
        # Beside runs of its own, a store may hold a copy of a published file.
        return bool(published) and not any(map(_is_run_mark, set(paths) - set(published)))

    # Writing

    def check_writable(self) -> None:
        """Try all that a write does, before anything is trained.

        Raises InputError with the reason. Also removes what writers killed over a day ago left.
        """
        self._refuse_read_only()
        with refused_as(f"results folder {self.path} cannot be written"):
            with self.staging() as staging, self.claims.held("probe"):
                for folder in (*SCHEMAS, "policies"):
                    # Readers of the folder, pandas among them, skip names that begin with a dot.
                    probe = self.path / folder / f".{staging.name}"
                    parquet.write_bytes(bytes(2**16), staging / folder)
                    os.replace(staging / folder, probe)
                    probe.unlink()
            self._sweep()

    def _sweep(self) -> None:
        """Remove what killed writers left a day ago: folders, and files that others replaced."""
        day_ago = time.time() - DAY
        for leftover in (
            *(self.path / "incoming").iterdir(),
            *(self.path / "claims").glob(".taking-*"),
        ):
            with suppress(FileNotFoundError):  # its writer has just ended
                if leftover.is_dir() and leftover.stat().st_mtime < day_ago:
                    shutil.rmtree(leftover, ignore_errors=True)
        marked_paths = {self.path / file for mark in self._marks() for file in mark.files}
        marked_names = {path.name.partition(".")[0] for path in marked_paths}
        for part in (*PARTS, "policies"):
            for path in (self.path / part).iterdir():
                if path not in marked_paths and path.name.partition(".")[0] in marked_names:
                    with suppress(FileNotFoundError):
                        if path.stat().st_mtime < day_ago:
                            path.unlink()

    def write_run(
        self,
        row: Mapping[str, object],
        episodes: Mapping[str, np.ndarray],
        updates: Mapping[str, np.ndarray],
        policy: Mapping[str, np.ndarray] | None,
        *,
        stamp: str | None = None,
    ) -> bool:
        """Store one run, in place of what was stored of it before.

        Arrays are [row], without the column `run`; a missing diagnostic becomes null. If the writer
        is killed or anything fails (a full disk, OSError), either the earlier version of the run is
        there or this one. `stamp` and the returned value are those of `adopt_run`.

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
        content = None if policy is None else safetensors.save(arrays)
        return self.adopt_run(run, tables, content, stamp=stamp)

    def adopt_run(
        self,
        run: str,
        tables: Mapping[str, pa.Table],
        policy: bytes | None,
        *,
        stamp: str | None = None,
    ) -> bool:
        """Store the rows of one run unchanged; otherwise like `write_run`.

        `tables` are those of RUN_TABLES, `policy` is the content of its file. `stamp` is the run's
        stamp when the caller decided to do this: if another writer has changed the run since,
        nothing is done and False is returned.
        """
        self._refuse_read_only()
        with self.claims.held(f"{_file_name(run)}-written"):
            if stamp is not None and stamp != self.stamp(run):
                return False
            rows = _with_parts(tables["runs"], [None])
            self.put(run, {**tables, "runs": rows}, {} if policy is None else {run: policy})
        return True

    def put(self, name: str, tables: Mapping[str, pa.Table], policies: Mapping[str, bytes]) -> int:
        """Replace the files of this name. The caller must hold the claim `NAME-written`.

        Args:
            name: the files' name: a run's id, or the name for all runs of a description.
            tables: those of RUN_TABLES. A run keeps the policy that its row names.
            policies: run -> content of its policy's file.

        Returns:
            Size of the tables' files [bytes].
        """
        with self.staging() as staging:
            checksums = {part: parquet.write(tables[part], staging / part) for part in PARTS}
            part_texts = []
            for row in tables["runs"].to_pylist():
                parts = parts_of(row) | checksums
                if (policy := policies.get(row["run"])) is not None:
                    staged = staging / _file_name(row["run"])
                    parts["policies"] = parquet.write_bytes(policy, staged)
                part_texts.append(json.dumps(parts))
            mark = Mark(name=name, rows=_with_parts(tables["runs"], part_texts))
            parquet.write(mark.rows, staging / "runs")
            size = sum((staging / table).stat().st_size for table in RUN_TABLES)
            path = self.path / "runs" / f"{name}.parquet"
            earlier = self._mark(path)
            for part in PARTS:
                os.replace(staging / part, self.path / mark.file(part))
            for run in policies:
                os.replace(staging / run, self.path / mark.policies[run])
            os.replace(staging / "runs", path)
        for file in (earlier.files if earlier is not None else set()) - mark.files:
            (self.path / file).unlink(missing_ok=True)
        return size

    def stamp(self, run: str) -> str:
        """Return a text that changes with every write of the run; empty if the run isn't stored."""
        path = self.path / "runs" / f"{run}.parquet"
        return parquet.checksum(path.read_bytes()) if path.exists() else ""

    def adopt_policy(self, run: str, policy: bytes) -> None:
        """Keep the policy of a stored run that has none; `policy` is the content of its file."""
        if not self.policy_path(run).exists():
            stamp = self.stamp(run)
            content = self.read(entry for entry in self.entries() if entry.run == run)
            self.adopt_run(run, content, policy, stamp=stamp)

    def adopt_code(self, adopted: Mapping[str, str]) -> None:
        """Record, for committed runs, the digest of later code that gives the same bits.

        Each file is replaced by one that differs in nothing else. A published store is written to
        as well: the results of its runs don't change.

        Args:
            adopted: run -> digest.

        Raises:
            InputError: the store was opened to be read only, or can't be written.
        """
        if self._opened_read_only:
            raise InputError(f"results folder {self.path} was opened to be read only")
        with refused_as(f"results folder {self.path} cannot be written"), self.staging() as staging:
            committed = self.committed()
            for name in {committed[run].name for run in adopted if run in committed}:
                with self.claims.held(f"{name}-written"):
                    path = self.path / "runs" / f"{name}.parquet"
                    remarks: list[str] = []
                    rows = parquet.read(path, RUNS, on_remark=remarks.append)
                    if remarks:  # columns that aren't known here would be lost
                        self._report(f"{path} {remarks[0]}; it is left as it is")
                        continue
                    pairs = zip(rows["run"].to_pylist(), rows["adopted"].to_pylist(), strict=True)
                    column = pa.array([adopted.get(*pair) for pair in pairs], pa.string())
                    parquet.write(parquet.with_column(rows, "adopted", column), staging / name)
                    os.replace(staging / name, path)

    def write_plan(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Store the rows of one ablation's plan, in place of its earlier plan.

        Raises ValueError for rows that do not fit the schema or are not of one ablation.
        """
        plan = parquet.from_rows(PLANS, rows)
        ablations = set(plan["ablation"].to_pylist())
        if len(ablations) != 1:
            raise ValueError(f"a plan is of one ablation, not of {sorted(ablations)}")
        _file_name(str(rows[0]["ablation"]), dots=True)
        self._refuse_read_only()
        self.put_plan(plan)

    def put_plan(self, plan: pa.Table) -> None:
        """Store the plan of one ablation, in place of its earlier plan."""
        name = f"{_file_name(plan['ablation'][0].as_py(), dots=True)}.parquet"
        with self.staging() as staging:
            parquet.write(plan, staging / "plans")
            os.replace(staging / "plans", self.path / "plans" / name)

    def planning(self, ablation: str) -> AbstractContextManager[None]:
        """Hold the plan of an ablation while it is read, changed and written."""
        return self.claims.held(f"{_file_name(ablation, dots=True)}-planned")

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a private folder on the store's file system, removed at the end."""
        for name in (*SCHEMAS, "policies", "incoming"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.path / "incoming"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _refuse_read_only(self) -> None:
        if self.read_only:
            raise InputError(
                f"results folder {self.path} holds published results and is read-only: "
                "choose another one"
            )

    # Reading

    def entries(self, descriptions: Collection[str] | None = None) -> list[Entry]:
        """Every run that a mark names; `read` leaves out those that aren't wholly stored.

        Args:
            descriptions: if given, runs of these alone. In a published store the others' files stay
                unopened.
        """
        marks = self._marks(descriptions)
        entries = self._entries_by_run(mark.entries for mark in marks).values()
        return [
            entry for entry in entries if descriptions is None or entry.description in descriptions
        ]

    def committed(self) -> dict[str, Entry]:
        """Every run that is wholly stored, by its id, whatever its status.

        Reads every file of the three tables that has changed since; reports and sets aside torn or
        foreign ones. If a run is stored twice, its own file counts, not that of its description.
        """
        with ThreadPoolExecutor() as threads:
            entry_lists = threads.map(
                lambda mark: self._use(mark.name, self._entries), self._marks()
            )
            return self._entries_by_run(entries or [] for entries in entry_lists)

    def _entries_by_run(self, entry_lists: Iterable[list[Entry]]) -> dict[str, Entry]:
        entries_by_run: dict[str, Entry] = {}
        for entry in (entry for entries in entry_lists for entry in entries):
            first = entries_by_run.setdefault(entry.run, entry)
            if first is not entry:
                runs = self.path / "runs"
                self._report(
                    f"run {entry.run} is stored twice: {runs / first.name}.parquet counts, and "
                    f"{runs / entry.name}.parquet does not"
                )
        return entries_by_run

    def _entries(self, mark: Mark) -> list[Entry] | None:
        """The runs of a mark, if its files hold what it says."""

        def is_whole(part: str) -> bool:
            path = self.path / mark.file(part)
            return self._cached(path, lambda: self._part(mark, part) is not None)

        return mark.entries if all(map(is_whole, PARTS)) else None

    def _use(self, name: str, use: Callable[[Mark], Result]) -> Result | None:
        """Return `use(mark)` for the mark of this name; None if there is no such mark.

        `use` is called again if a file is gone because another mark has replaced this one.
        """
        path = self.path / "runs" / f"{name}.parquet"
        mark = self._mark(path)
        while mark is not None:
            try:
                return use(mark)
            except FileNotFoundError as error:
                tried, mark = mark, self._mark(path)
                if mark is not None and mark.files == tried.files:
                    runs = f"its runs ({len(mark.runs)}) count as missing"
                    self._report(f"{error.filename} is missing: {runs}")
                    return None
        return None

    def _marks(self, descriptions: Collection[str] | None = None) -> list[Mark]:
        """Return the marks, those of single runs first, whether or not their files are whole.

        In a published store, only the files of the given descriptions are read.
        """
        paths = self._files("runs")
        if descriptions is not None:
            names = {OF_DESCRIPTION + description for description in descriptions}
            paths = [
                path
                for path in paths
                if path.stem in names or not path.stem.startswith(OF_DESCRIPTION)
            ]
        paths.sort(key=lambda path: path.stem.startswith(OF_DESCRIPTION))
        with ThreadPoolExecutor() as threads:
            return list(filter(None, threads.map(self._mark, paths)))

    def _files(self, table: str) -> list[Path]:
        """Return the files of a table by name, without the hidden ones that readers skip."""
        folder = self.path / table
        names = os.listdir(folder) if folder.is_dir() else []
        return [folder / name for name in sorted(names) if name[0] not in "._"]

    def _table(
        self,
        path: Path,
        schema: pa.Schema,
        expected: str | None = None,
        *,
        runs_encoded: bool = False,
    ) -> pa.Table:
        """The rows of a file; raises as `parquet.read` does."""
        return parquet.read(
            path,
            schema,
            expected=expected,
            on_remark=lambda text: self._report(f"{path} {text}"),
            runs_encoded=runs_encoded,
        )

    def _mark(self, path: Path) -> Mark | None:
        def read(current_path: Path) -> Mark:
            return read_mark(
                current_path, path.stem, lambda text: self._report(f"{current_path} {text}")
            )

        with suppress(FileNotFoundError):
            return self._cached(path, lambda: self._attempt(path, read))
        return None

    def _part(self, mark: Mark, part: str) -> pa.Table | None:
        """Return the rows of a mark's runs in a table; None if they don't match the mark."""
        path = self.path / mark.file(part)

        def read(path: Path) -> pa.Table:
            table = self._table(path, SCHEMAS[part], mark.checksum(part), runs_encoded=True)
            check_rows(table, mark, part)
            return table

        return self._attempt(path, read)

    def _cached(self, path: Path, make: Callable[[], Result]) -> Result:
        """Return `make()`, cached until the file changes; raises FileNotFoundError without one."""
        status = path.stat()
        state = status.st_ino, status.st_mtime_ns, status.st_size
        cached = self._cache.get(path)
        if cached is None or cached[0] != state:
            cached = self._cache[path] = state, make()
        result: Result = cached[1]
        return result

    def finished(self) -> dict[str, frozenset[str]]:
        """Return run -> digests of code that trained or adopted it, for the runs with a result."""
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
        names: dict[str, set[str]] = {}
        for entry in entries:
            names.setdefault(entry.name, set()).add(entry.run)

        def rows_of(mark: Mark) -> list[pa.Table] | None:
            parts = (mark.rows if table == "runs" else self._part(mark, table) for table in tables)
            readable = [part for part in parts if part is not None]
            return readable if len(readable) == len(tables) else None

        with ThreadPoolExecutor() as threads:
            mark_parts = list(threads.map(lambda name: self._use(name, rows_of), names))
        segments = [
            [list(parquet.segments(part, runs)) for part in parts]
            for parts, runs in zip(mark_parts, names.values(), strict=True)
            if parts is not None
        ]
        return {
            table: parquet.in_order(chain(*(parts[position] for parts in segments)), SCHEMAS[table])
            for position, table in enumerate(tables)
        }

    def runs(self) -> pd.DataFrame:
        """The committed runs, whatever their status; columns as in `schema.RUNS`."""
        return self._frame("runs", None)

    def marked_runs(self) -> pd.DataFrame:
        """The runs of all marks, without reading their episodes and updates, which may be torn."""
        rows = (mark.rows for mark in self._marks())
        return parquet.to_frame(pa.concat_tables([RUNS.empty_table(), *rows]))

    def episodes(self, runs: Iterable[str] | None = None) -> pd.DataFrame:
        """The episodes of committed runs (all, or those given) as in `schema.EPISODES`."""
        return self._frame("episodes", runs)

    def updates(self, runs: Iterable[str] | None = None) -> pd.DataFrame:
        """The updates of committed runs (all, or those given) as in `schema.UPDATES`."""
        return self._frame("updates", runs)

    def plans(self) -> pa.Table:
        """The latest plan of every ablation, in the order of ablation, environment, variant."""
        latest: dict[str, pa.Table] = {}
        for path in self._files("plans"):
            with suppress(FileNotFoundError):  # somebody else has set it aside meanwhile
                plans = by_ablation(self._attempt(path, self._plan) or PLANS.empty_table())
                for ablation, plan in plans.items():
                    if path.stem == ablation:
                        latest[ablation] = plan
                    else:
                        reason = f"it holds the plan of {ablation}: skipped"
                        self._report(f"{path} is a copy or was renamed: {reason}")
        return in_plan_order(pa.concat_tables([PLANS.empty_table(), *latest.values()]))

    def _plan(self, path: Path) -> pa.Table:
        """The rows of a file of plans; raises as `parquet.read` does."""
        table = self._table(path, PLANS)
        for text in table["metadata"].unique().to_pylist():
            check_metadata(json.loads(text))
        return table

    def plan(self, ablation: str) -> pd.DataFrame:
        """The plan of an ablation as last asked for; InputError when there is none."""
        plans = by_ablation(self.plans())
        if ablation not in plans:
            raise unknown(f"ablation in {self.path}", ablation, sorted(plans))
        return parquet.to_frame(plans[ablation])

    def policies(self) -> dict[str, Path]:
        """Run -> its policy's file, of the runs whose policies were kept."""
        files: dict[str, str | None] = {}
        for mark in self._marks():
            for row in mark.runs:
                files.setdefault(row["run"], policy_file(row))
        paths = {run: self.path / file for run, file in files.items() if file is not None}
        return {run: path for run, path in paths.items() if path.exists()}

    def policy_path(self, run: str) -> Path:
        """Return the path of a run's policy, whether or not it was kept."""
        row = self._row(run)
        file = policy_file(row) if row is not None else None
        return self.path / (file or f"policies/{run}.safetensors")

    def policy(self, run: str) -> dict[str, np.ndarray]:
        """The final parameters and normaliser of a run.

        Raises FileNotFoundError when they were not kept, InputError when the file is torn.
        """
        row = self._row(run)
        while row is not None:
            try:
                return dict(safetensors.load(self.policy_content(row)))
            except FileNotFoundError:
                tried, row = row, self._row(run)
                if row is not None and policy_file(row) == policy_file(tried):
                    break
        raise FileNotFoundError(f"the policy of run {run} was not kept in {self.path}")

    def policy_content(self, row: Mapping[str, Any]) -> bytes:
        """Return the content of the file of a run's policy.

        Args:
            row: the run's row of the table `runs`; the policy is the one of that training.

        Raises:
            FileNotFoundError: it was not kept, or the run has been stored anew since.
            InputError: the file is torn.
        """
        file = policy_file(row)
        if file is None:
            raise FileNotFoundError(f"the policy of run {row['run']} was not kept in {self.path}")
        path = self.path / file
        try:
            content = parquet.read_bytes(path, parts_of(row)["policies"])
            safetensors.load(content)
        except (parquet.UnreadableError, SafetensorError, KeyError) as error:
            # The library raises a bare KeyError for a type of numbers that it doesn't know.
            raise InputError(f"{path} is torn or no policy ({error})") from error
        return content

    def _row(self, run: str) -> dict[str, Any] | None:
        """A run's row in the table `runs`, as its mark has it."""
        run_mark = self._mark(self.path / "runs" / f"{run}.parquet")
        for mark in self._marks() if run_mark is None else (run_mark,):
            for row in mark.runs:
                if row["run"] == run:
                    return row
        return None

    def _frame(self, table: str, runs: Iterable[str] | None) -> pd.DataFrame:
        committed = self.committed()
        selected = committed.keys() if runs is None else committed.keys() & set(runs)
        entries = (committed[run] for run in selected)
        return parquet.to_frame(self.read(entries, (table,))[table])

    def _attempt(self, path: Path, read: Callable[[Path], Result]) -> Result | None:
        """Return `read(path)`, or None for an unusable file, which is reported and set aside.

        Raises FileNotFoundError if there is no file.
        """
        try:
            return read(path)
        except FileNotFoundError:
            raise
        except OSError as error:
            self._report(f"{path} cannot be read and is skipped: {error.strerror}")
            return None
        except parquet.UnreadableError as error:
            problem = f"{path} {error}"
            if self.read_only or error.intact:
                self._report(f"{problem}: skipped")
                return None
        try:
            destination = self._set_aside(path)
            # Another writer may have put a whole one there in the meantime.
            result = read(destination)
        except parquet.UnreadableError:
            self._report(f"{problem}: moved to {destination}")
        except OSError as error:
            self._report(f"{problem}: skipped, cannot be moved ({error.strerror})")
        else:
            os.replace(destination, path)
            return result
        return None

    def _set_aside(self, path: Path) -> Path:
        folder = self.path / "set_aside"
        folder.mkdir(exist_ok=True)
        name = f"{path.parent.name}-{path.name}"
        destination, number = folder / name, 1
        while destination.exists():
            number += 1
            destination = folder / f"{number}-{name}"
        os.replace(path, destination)
        return destination

    def _report(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def by_ablation(plans: pa.Table) -> dict[str, pa.Table]:
    """Ablation -> the rows of its plan."""
    names = dict.fromkeys(plans["ablation"].to_pylist())
    return {name: plans.filter(pc.equal(plans["ablation"], name)) for name in names}


def in_plan_order(table: pa.Table) -> pa.Table:
    """The rows sorted by ablation, environment and variant."""
    order = ("ablation", "environment_order", "variant_order")
    return table.sort_by([(name, "ascending") for name in order])


def _with_parts(runs: pa.Table, parts: Sequence[str | None]) -> pa.Table:
    return parquet.with_column(runs, "parts", pa.array(parts, pa.string()))


def _is_run_mark(path: Path) -> bool:
    """Whether a file in `runs` is the mark of a single run."""
    try:
        read_mark(path, path.stem)
    except (OSError, parquet.UnreadableError):
        return False
    return True


def _file_name(identifier: str, *, dots: bool = False) -> str:
    """Return the identifier if it can be the name of a file that readers see, else InputError."""
    reserved = not dots and identifier.startswith(OF_DESCRIPTION)
    if reserved or not re.fullmatch(PLAIN.replace("_-", "._-") if dots else PLAIN, identifier):
        punctuation = "'.', '_' and '-'" if dots else "'_' and '-'"
        raise InputError(
            f"{identifier[:200]!r} cannot name a file of results: allowed are up to 200 letters, "
            f"digits, {punctuation}, the first one a letter or digit"
        )
    return identifier
