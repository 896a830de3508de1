"""Train the missing runs of a plan, in groups that train together.

An executor only computes: this process alone writes to the store, as soon as a group ends. So
killing everything costs only the groups in flight. Any number of processes, on machines that share
a folder, can train one plan into one store: each claims the runs that it trains.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.errors import InputError
from bench.plan.back_ends import back_end
from bench.plan.digest import code_digest, is_edited
from bench.plan.identity import Description
from bench.plan.plan import Plan
from bench.store import Store
from bench.store.marks import Entry
from bench.store.schema import PRUNED, RESULTS
from bench.train.events import (
    Ended,
    Event,
    Group,
    Planned,
    Progressed,
    Row,
    Started,
    Stopped,
    Summary,
    Waited,
)
from bench.train.executors.protocol import Executor, Message
from bench.train.grouping import GROUP_SIZE, grouped, in_parts
from bench.train.recorder import Recorder, refusal
from bench.train.rehearsal import is_due

HEARTBEAT = 1.0

Leave = Callable[[Group, Mapping[str, Entry]], None]


def run(
    plan: Plan,
    store: Store,
    *,
    executor: Executor,
    group_size: int = GROUP_SIZE,
    fresh_before: datetime | None = None,
    checkpoints: Path | None = None,
    seconds_per_step: Callable[[Description], float] = lambda description: 1.0,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Summary:
    """Train and store the runs of `plan` that `store` has no result of.

    Args:
        executor: trains the groups; it has ended when this returns.
        group_size: most seeds in a group on a CPU; groups are smaller if workers would idle.
        fresh_before: runs that started before this moment are trained again.
        checkpoints: a folder from which resumable groups go on, and to which they save their
            state.
        seconds_per_step: estimated time of one seed's step; only for the order of work.
        on_event: called with every event, in this process.

    Results that a full disk doesn't take are kept until the groups in training have ended, or until
    an interruption, and tried once more then.

    Returns:
        The runs' outcomes. A failed run is a row with its reason, unless a result would be lost.

    Raises:
        InputError: the store's folder took no further claim or result, or the code of a group to
            come has been edited; groups in training were still stored as far as possible.
        KeyboardInterrupt: raised after the executor has ended; finished groups are stored.
    """
    began = time.monotonic()
    runs = plan.runs()
    digests = {description.identifier: code_digest(description) for description, _ in runs.values()}
    shared = _SharedPlan(
        runs,
        store,
        fresh_before,
        lambda missing, other_places: grouped(
            missing, executor.places + other_places, group_size, seconds_per_step
        ),
        lambda group: None if executor.keeps_code else _edited(group, digests),
        on_event,
    )
    kept = shared.kept
    stale = sum(
        digests[runs[name][0].identifier] not in entry.digests for name, entry in kept.items()
    )
    summary = Summary(kept=len(kept), stale=stale)
    compiled_first = any(is_due(description) for description, _ in shared.missing.values())
    if shared.missing:
        store.claims.take_part(executor.places)
    planned = tuple(shared.groups())
    on_event(Planned(groups=planned, kept=len(kept), stale=stale, compiled_first=compiled_first))
    recorder = Recorder(store, summary, digests)
    checkpoint_files = _Checkpoints(checkpoints, digests, fresh_before)
    results = _Results(recorder, shared, checkpoint_files, on_event)

    def leave(group: Group, entries: Mapping[str, Entry]) -> None:
        """Count runs that another process has stored."""
        on_event(recorder.count_others(group, entries))

    try:
        while shared.missing or executor.busy:
            while executor.free and (group := shared.take(leave)) is not None:
                executor.give(group, checkpoint_files.of(group))
                on_event(Started(group=group))
            if not executor.busy:
                if shared.missing:
                    on_event(Waited(elsewhere=len(shared.missing)))
                    time.sleep(HEARTBEAT)
                continue
            silent = True
            for message in executor.messages(HEARTBEAT):
                silent = False
                if message.kind == "progress":
                    on_event(Progressed(group=message.group, progress=message.content))
                else:
                    results.store(message)
            if silent:
                on_event(Waited())
    finally:
        executor.end()
        results.try_again()
        store.claims.end()
        summary.seconds = time.monotonic() - began
    if shared.broken:
        raise InputError(shared.broken)
    return summary


def _edited(group: Group, digests: Mapping[str, str]) -> str | None:
    """Return an algorithm of the group whose code is no longer that of its digest, else None."""
    for description in group.descriptions:
        if is_edited(description, digests[description.identifier]):
            return description.algorithm
    return None


class _SharedPlan:
    """The missing runs of a plan, shared out among all processes that train into one store.

    `missing` holds the runs that are not in the store and that this process has not taken;
    `kept` those that had a result at the beginning; `broken` is the reason why it takes no more.
    """

    broken = ""

    def __init__(
        self,
        runs: Mapping[str, tuple[Description, int]],
        store: Store,
        fresh_before: datetime | None,
        grouped: Callable[[list[Row], int], list[Group]],
        edited: Callable[[Group], str | None],
        on_event: Callable[[Event], None],
    ) -> None:
        self._store, self._fresh_before = store, fresh_before
        self._grouped, self._edited, self._on_event = grouped, edited, on_event
        self._looked = -HEARTBEAT
        # Everything is derived from one look: another process may store meanwhile.
        entries = store.committed()
        self._failed_before = {
            entry.run for entry in entries.values() if entry.status not in RESULTS
        }
        settled = self._settled(entries)
        self.kept = {name: settled[name] for name in runs if name in settled}
        self.missing = {name: Row(*run) for name, run in runs.items() if name not in settled}

    def groups(self) -> list[Group]:
        """Form groups of the missing runs that keep all processes busy."""
        return self._grouped(list(self.missing.values()), self._store.claims.other_places())

    def take(self, leave: Leave) -> Group | None:
        """Claim a group of missing runs that no other process trains; None if there is none.

        Args:
            leave: called with groups of runs that others have stored meanwhile, and the entries.
        """
        try:
            group = self._take(leave)
        except OSError as error:
            self.stop_for(error)
            return None
        if group is None or not (edited := self._edited(group)):
            return group
        self.give_back(group)
        self._stop(
            f"the code of {edited} has changed since this training began, so it takes no more; "
            "call it again to train the rest with the code as it is now"
        )
        return None

    def stop_for(self, error: OSError) -> None:
        """Take no more, because the store's folder can't be written."""
        self._stop(refusal(self._store, error))

    def _stop(self, reason: str) -> None:
        """Take no more. Groups in training go on, and are stored if possible."""
        if not self.broken:
            self._on_event(Stopped(reason=reason))
        self.broken = reason
        self.missing.clear()

    def _take(self, leave: Leave) -> Group | None:
        if time.monotonic() - self._looked < HEARTBEAT:
            return None
        self._drop_stored(self.missing, leave)
        for group in self.groups():
            claimed = [row for row in group.rows if self._store.claims.take(row.run)]
            # Check the store after claiming: an earlier holder of the claim has stored by then.
            if claimed:
                self._drop_stored([row.run for row in claimed], leave)
            if rows := tuple(row for row in claimed if row.run in self.missing):
                for row in rows:
                    del self.missing[row.run]
                return Group(rows)
        self._looked = time.monotonic()
        return None

    def _drop_stored(self, runs: Iterable[str], leave: Leave) -> None:
        """Drop from `missing` those of these runs that other processes have stored."""
        settled = self._settled(self._store.committed())
        stored = [run for run in runs if run in settled]
        for rows in in_parts(
            [self.missing[run] for run in stored], lambda row: row.description.identifier
        ):
            group = Group(tuple(rows))
            self.give_back(group)
            leave(group, settled)
        for run in stored:
            del self.missing[run]

    def lost(self, group: Group) -> set[Row]:
        """Rows of a group that other processes took over, because this one had been silent."""
        return {row for row in group.rows if not self._store.claims.holds(row.run)}

    def wait_for(self, lost: Iterable[Row]) -> None:
        """Count rows that others train as missing again: they may fail to, as anybody."""
        if not self.broken:
            self.missing |= {row.run: row for row in lost}

    def give_back(self, group: Group) -> None:
        """Release the claims on the runs of a group."""
        for row in group.rows:
            self._store.claims.free(row.run)

    def _settled(self, entries: Mapping[str, Entry]) -> dict[str, Entry]:
        """The runs that need no training: they have a result, or failed since this began."""
        return {
            run: entry
            for run, entry in entries.items()
            if (self._fresh_before is None or entry.started >= self._fresh_before)
            and (
                entry.status in RESULTS
                or (entry.status != PRUNED and run not in self._failed_before)
            )
        }


class _Results:
    """The results of groups that have ended, on their way into the store."""

    def __init__(
        self,
        recorder: Recorder,
        shared: _SharedPlan,
        checkpoints: _Checkpoints,
        on_event: Callable[[Event], None],
    ) -> None:
        self._recorder, self._shared = recorder, shared
        self._checkpoints, self._on_event = checkpoints, on_event
        self._unstored: list[Message] = []

    def store(self, message: Message, *, last_try: bool = False) -> None:
        """Store a group's results; keep them if a full disk takes none and it isn't the last try.

        Once a disk has been full, no further group begins.
        """
        lost = self._shared.lost(message.group)
        try:
            ended = self._recorder.write(message, lost, last_try=last_try)
        except OSError as error:
            self._unstored.append(message)
            self._shared.stop_for(error)
            return
        self._shared.give_back(message.group)
        self._shared.wait_for(lost)
        self._checkpoints.drop_needless(ended)
        self._on_event(ended)

    def try_again(self) -> None:
        """Try for the last time to store what a full disk did not take."""
        while self._unstored:
            self.store(self._unstored.pop(0), last_try=True)


@dataclass(frozen=True)
class _Checkpoints:
    """The checkpoint files of groups, for back ends that can resume."""

    folder: Path | None
    digests: Mapping[str, str]
    fresh_before: datetime | None

    def of(self, group: Group) -> Path | None:
        """Return the file for exactly this group and this code; None if it can't be resumed.

        A file from before `fresh_before` is removed, as its training is to be made again.
        """
        description = group.description
        if self.folder is None or not back_end(description.back_end).resumable:
            return None
        rows = [(row.description.identifier, row.seed) for row in group.rows]
        identity = f"{rows} {self.digests[description.identifier]}"
        file = self.folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:16]}.safetensors"
        if self.fresh_before is not None:
            with suppress(OSError):
                if file.stat().st_mtime < self.fresh_before.timestamp():
                    file.unlink()
        return file

    def drop_needless(self, ended: Ended) -> None:
        """Remove the file of a group whose results are stored."""
        if set(ended.outcomes.values()) <= {"finished", "diverged"}:
            file = self.of(ended.group)
            if file is not None:
                file.unlink(missing_ok=True)
