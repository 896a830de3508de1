"""Merge results made elsewhere into a store that is trained into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa

from bench.errors import InputError
from bench.files import written_whole
from bench.store import parquet
from bench.store.content import (
    Content,
    Difference,
    by_run,
    first_difference,
    row_of,
    same_code,
)
from bench.store.marks import policy_file
from bench.store.places import result_folders
from bench.store.schema import DEVICE_THROUGHPUT, RESULTS, THROUGHPUT
from bench.store.store import Store, by_ablation
from bench.store.united_plan import unite

SESSIONS: Final = {"throughput": THROUGHPUT, "device_throughput": DEVICE_THROUGHPUT}
"""Tables of measured speed, by folder: a file per session, or per measurement on a device."""


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A run of which the two stores have different results.

    `digests` are those of its code, here and there; `difference` is None if its numbers are the
    same.
    """

    run: str
    description: str
    algorithm: str
    environment: str
    seed: int
    digests: tuple[str, str]
    difference: Difference | None

    @property
    def reason(self) -> str:
        """The difference of the two results, in words."""
        code = "other code" if self.digests[0] != self.digests[1] else None
        numbers = "other numbers" if self.difference else None
        return " and ".join(filter(None, (code, numbers)))


@dataclass(kw_only=True)
class Merging:
    """What a merge did.

    Attributes:
        added: runs that are new here; `mended` are in place of failed ones, too.
        same: runs that were here already, or that failed there and were known here. Of those that
            were here as published, the source's unrounded copy is taken.
        conflicts: results that differ; `replaced` says whether the source's were taken.
        contested: (ablation, environment) where the plans can't be compared, likewise.
        sessions: throughput sessions, and measurements on devices, that are new here.
        problems: one line for each file that could not be used.
    """

    replaced: bool
    added: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    contested: list[tuple[str, str]] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def merge(
    source: str | Path,
    target: str | Path,
    *,
    replace: bool = False,
    declared: Callable[[str], Sequence[str]] = lambda ablation: (),
) -> Merging:
    """Merge the committed runs, the policies, plans and throughput sessions of `source`.

    The source, of single runs or published, is only read. A run that the target lacks is added,
    and one that failed here gives way to a result. Of two results that differ the target's is
    kept, or with `replace` the source's taken. Plans are united as `united_plan.unite` says;
    `declared` knows the order of an ablation's environments. Each run is moved in as a trained one
    is: killed at any moment, the target is readable, and merging again completes it.

    Raises InputError when there is no such source or it is the target, and when the target is
    published or can't be written. Where writing fails half-way, a problem says so, and what was
    merged until then is kept.
    """
    there, here = Store(source, read_only=True), Store(target)
    _check_source(there.path, here.path)
    here.check_writable()
    merging = Merging(replaced=replace)
    try:
        _merge_runs(there, here, merging)
        _merge_plans(there, here, merging, declared)
        _merge_sessions(there, here, merging)
    except OSError as error:
        reason = error.strerror or error
        merging.problems.append(f"merging {there.path} into {here.path} stopped: {reason}")
    merging.problems += [*there.problems, *here.problems]
    return merging


def _check_source(source: Path, target: Path) -> None:
    result_folders(source)  # refuses one that isn't there
    if source.resolve() == target.resolve():
        raise InputError(f"results folder {source} can't be merged into itself")
    if not any((source / table).is_dir() for table in ("runs", "plans", *SESSIONS)):
        inner = source / "results" / "local"
        hint = f" Did you mean {inner}?" if inner.is_dir() else ""
        raise InputError(f"{source} is no results folder: it has no runs/.{hint}")


def _merge_runs(there: Store, here: Store, merging: Merging) -> None:
    pending = there.committed()
    while pending:
        # Stamps are taken first, so that later writes are noticed.
        stamps = {run: here.stamp(run) for run in pending}
        stored = here.committed()
        theirs = by_run(there.read(pending.values()))
        ours = by_run(here.read(stored[run] for run in theirs if run in stored))
        changed = [
            run
            for run, content in theirs.items()
            if not _merge_run(there, here, merging, run, content, ours.get(run), stamps[run])
        ]
        pending = {run: pending[run] for run in changed}


def _merge_run(
    there: Store,
    here: Store,
    merging: Merging,
    run: str,
    theirs: Content,
    ours: Content | None,
    stamp: str,
) -> bool:
    """Merge one run; do nothing and return False if another writer has changed it meanwhile."""
    verdict = _verdict(ours, theirs)
    taken: Content | None = theirs
    if verdict == "same":
        assert ours is not None
        taken = _fuller(ours, theirs)
    elif verdict == "known" or (verdict == "other" and not merging.replaced):
        taken = None
    try:
        policy = None if verdict == "known" else _policy(there, row_of(theirs), merging)
        if verdict == "same" and ours is not None and taken is not None and policy is None:
            policy = _policy(here, row_of(ours), merging)
    except FileNotFoundError:  # it has been trained anew since its rows were read
        return False
    if taken is not None:
        if not here.adopt_run(run, taken, policy, stamp=stamp):
            return False
    elif verdict == "same" and policy is not None:
        here.adopt_policy(run, policy)
    match verdict:
        case "missing":
            merging.added.append(run)
        case "failed":
            merging.mended.append(run)
        case "known" | "same":
            merging.same.append(run)
        case "other":
            assert ours is not None
            merging.conflicts.append(_conflict(run, ours, theirs))
    return True


def _verdict(
    ours: Content | None, theirs: Content
) -> Literal["missing", "failed", "known", "same", "other"]:
    """Judge a run: missing or failed in the target, failed in the source, or compared."""
    if ours is None:
        return "missing"
    our_row, their_row = row_of(ours), row_of(theirs)
    if their_row["status"] not in RESULTS:
        return "known"
    if our_row["status"] not in RESULTS:
        return "failed"
    equal = same_code(our_row, their_row) and first_difference(ours, theirs) is None
    return "same" if equal else "other"


def _fuller(ours: Content, theirs: Content) -> Content | None:
    """Return the more complete of two copies of one result; None if that is ours as it is.

    A published copy is rounded and has few diagnostics. Code that has adopted one copy's training
    has adopted the other's as well.
    """
    our_row, their_row = row_of(ours), row_of(theirs)
    is_theirs = our_row["rounding"] is not None and their_row["rounding"] is None
    content, row, other_row = (
        (theirs, their_row, our_row) if is_theirs else (ours, our_row, their_row)
    )
    if row["adopted"] is None and row["digest"] == other_row["digest"] and other_row["adopted"]:
        adopted = pa.array([other_row["adopted"]], pa.string())
        return {**content, "runs": parquet.with_column(content["runs"], "adopted", adopted)}
    return theirs if is_theirs else None


def _conflict(run: str, ours: Content, theirs: Content) -> Conflict:
    row = row_of(theirs)
    columns = ("description", "algorithm", "environment", "seed")
    return Conflict(
        run=run,
        **{column: row[column] for column in columns},
        digests=(row_of(ours)["digest"], row["digest"]),
        difference=first_difference(ours, theirs),
    )


def _policy(store: Store, row: Mapping[str, Any], merging: Merging) -> bytes | None:
    """Return the content of the policy's file, if it was kept and is whole.

    Raises FileNotFoundError if the run has been stored anew since its row was read.
    """
    try:
        return store.policy_content(row)
    except FileNotFoundError:
        # Otherwise its file was deleted, perhaps to save space.
        if (file := policy_file(row)) and store.policy_path(row["run"]) != store.path / file:
            raise
        return None
    except InputError as error:
        merging.problems.append(f"{error}: skipped")
        return None


def _merge_plans(
    there: Store, here: Store, merging: Merging, declared: Callable[[str], Sequence[str]]
) -> None:
    runs = here.marked_runs()
    finished = runs[runs["status"].isin(RESULTS)].groupby("description")["seed"]
    results = {str(description): {*map(int, seeds)} for description, seeds in finished}
    for ablation, plan in by_ablation(there.plans()).items():
        with here.planning(ablation):
            ours = by_ablation(here.plans())
            earlier = ours[ablation].to_pylist() if ablation in ours else []
            united, contested = unite(
                earlier,
                plan.to_pylist(),
                replace=merging.replaced,
                declared=declared(ablation),
                results=results,
            )
            merging.contested += [(ablation, environment) for environment in contested]
            if united != earlier:
                here.write_plan(united)


def _merge_sessions(there: Store, here: Store, merging: Merging) -> None:
    paths = (path for table in SESSIONS for path in sorted((there.path / table).glob("[!.]*")))
    for path in paths:
        target = here.path / path.parent.name / path.name
        session = _session(path, merging)
        if session is None:
            continue
        if target.exists():
            earlier = _session(target, merging)
            if earlier is not None and earlier.equals(session):
                continue
            if earlier is not None and not merging.replaced:
                merging.problems.append(f"{path} differs from {target}, which is kept")
                continue
        with written_whole(target) as part:
            parquet.write(session, part)
        merging.sessions.append(path.stem)


def _session(path: Path, merging: Merging) -> pa.Table | None:
    try:
        return parquet.read(path, SESSIONS[path.parent.name])
    except parquet.UnreadableError as error:
        merging.problems.append(f"{path} {error}: skipped")
        return None
