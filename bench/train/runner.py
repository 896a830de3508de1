"""Trains the runs of a plan that are missing, in groups that train together.

Whoever trains only computes: this process alone writes to the store, as soon as a group ends. So
killing everything costs the groups in flight. Any number of processes, on machines that share a
folder, can train one plan into one store: each claims what it trains.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.errors import InputError
from bench.plan.back_ends import back_end
from bench.plan.digest import code_digest
from bench.plan.identity import Description
from bench.plan.plan import Plan
from bench.store import Store
from bench.store.schema import PRUNED, RESULTS
from bench.train.events import (
    Ended,
    Event,
    Group,
    Planned,
    Progressed,
    Row,
    Started,
    Summary,
    Waited,
)
from bench.train.executors.protocol import Executor
from bench.train.grouping import GROUP_SIZE, grouped, in_parts
from bench.train.recorder import Recorder
from bench.train.rehearsal import is_due

HEARTBEAT = 1.0


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
        executor: who trains; it has ended when this returns.
        group_size: most seeds in a group on a CPU; groups are smaller where workers would idle.
        fresh_before: results that started before this moment are trained again.
        checkpoints: a folder from which groups that can be resumed go on, and in which they leave
            behind where they are.
        seconds_per_step: what a step of one seed costs; only for the order of work.
        on_event: told what happens, in this process.

    Returns:
        What became of it. A failed run is a row with its reason, unless a result would be lost.

    Raises:
        InputError: the store's folder took no further claim; what trained was stored as far as it
            could be.
        KeyboardInterrupt: the executor has ended by then, and what had finished is stored.
    """
    began = time.monotonic()
    runs = plan.runs()
    digests = {each.identifier: code_digest(each) for each, _ in runs.values()}
    shared = _SharedPlan(
        runs,
        store,
        fresh_before,
        lambda missing, others: grouped(
            missing, executor.places + others, group_size, seconds_per_step
        ),
    )
    results = store.finished()
    kept = [name for name in runs if name not in shared.missing]
    stale = sum(digests[runs[name][0].identifier] not in results[name] for name in kept)
    summary = Summary(kept=len(kept), stale=stale)
    compiled_first = any(is_due(description) for description, _ in shared.missing.values())
    if shared.missing:
        store.claims.take_part(executor.places)
    planned = tuple(shared.groups())
    on_event(Planned(groups=planned, kept=len(kept), stale=stale, compiled_first=compiled_first))
    recorder = Recorder(store, summary, digests)
    kept_at = _Checkpoints(checkpoints, digests)

    def leave(group: Group) -> None:
        """Count runs that another process has trained."""
        outcomes = dict.fromkeys(group.rows, "elsewhere")
        summary.elsewhere += len(outcomes)
        on_event(Ended(group=group, seconds=0.0, outcomes=outcomes, reasons=()))

    try:
        while shared.missing or executor.busy:
            while executor.free and (group := shared.take(leave)) is not None:
                executor.give(group, kept_at.of(group))
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
                    ended = recorder.write(message, lost=shared.lost(message.group))
                    shared.give_back(message.group)
                    kept_at.drop_needless(ended)
                    on_event(ended)
            if silent:
                on_event(Waited())
    finally:
        executor.end()
        store.claims.end()
        summary.seconds = time.monotonic() - began
    if shared.broken:
        raise InputError(shared.broken)
    return summary


class _SharedPlan:
    """What a plan lacks, shared out among all processes that train into one store.

    `missing` has the runs that this process neither finds in the store nor has taken; `broken`
    says why it takes no more.
    """

    broken = ""

    def __init__(
        self,
        runs: Mapping[str, tuple[Description, int]],
        store: Store,
        fresh_before: datetime | None,
        grouped: Callable[[list[Row], int], list[Group]],
    ) -> None:
        self._store, self._fresh_before, self._grouped = store, fresh_before, grouped
        self._looked = -HEARTBEAT
        entries = store.committed().values()
        self._failed_before = {each.run for each in entries if each.status not in RESULTS}
        done = self._done()
        self.missing = {name: Row(*run) for name, run in runs.items() if name not in done}

    def groups(self) -> list[Group]:
        """Groups of the missing runs that keep all processes busy."""
        return self._grouped(list(self.missing.values()), self._store.claims.other_places())

    def take(self, leave: Callable[[Group], None]) -> Group | None:
        """A group of missing runs that nobody else trains; None where there is none.

        Args:
            leave: told of runs that others have stored meanwhile.
        """
        try:
            return self._take(leave)
        except OSError as error:
            # What trains goes on, and is stored if it can be.
            self.broken = f"results folder {self._store.path} takes no more: {error.strerror}"
            self.missing.clear()
            return None

    def _take(self, leave: Callable[[Group], None]) -> Group | None:
        if time.monotonic() - self._looked < HEARTBEAT:
            return None
        self._drop_stored(self.missing, leave)
        for group in self.groups():
            claimed = [row for row in group.rows if self._store.claims.take(row.run)]
            # Looked at behind the claim: whoever had it before has stored the run by then.
            if claimed:
                self._drop_stored([row.run for row in claimed], leave)
            if taken := tuple(row for row in claimed if row.run in self.missing):
                for row in taken:
                    del self.missing[row.run]
                return Group(taken)
        self._looked = time.monotonic()
        return None

    def _drop_stored(self, runs: Iterable[str], leave: Callable[[Group], None]) -> None:
        """Leave those of these runs to others that they have stored."""
        done = self._done()
        stored = [run for run in runs if run in done]
        for rows in in_parts(
            [self.missing[run] for run in stored], lambda row: row.description.identifier
        ):
            group = Group(tuple(rows))
            self.give_back(group)
            leave(group)
        for run in stored:
            del self.missing[run]

    def lost(self, group: Group) -> set[Row]:
        """Rows of a group that others have taken over, because this process was silent."""
        return {row for row in group.rows if not self._store.claims.holds(row.run)}

    def give_back(self, group: Group) -> None:
        """Let others look after the runs of a group."""
        for row in group.rows:
            self._store.claims.free(row.run)

    def _done(self) -> set[str]:
        """Runs that need no training: with a result, or failed since this process began."""
        return {
            run
            for run, each in self._store.committed().items()
            if (self._fresh_before is None or each.started >= self._fresh_before)
            and (
                each.status in RESULTS or (each.status != PRUNED and run not in self._failed_before)
            )
        }


@dataclass(frozen=True)
class _Checkpoints:
    """Where groups in the middle of their training are kept, if they can be."""

    folder: Path | None
    digests: Mapping[str, str]

    def of(self, group: Group) -> Path | None:
        """The file of this very group under this very code."""
        description = group.description
        if self.folder is None or not back_end(description.back_end).resumable:
            return None
        rows = [(row.description.identifier, row.seed) for row in group.rows]
        named = f"{rows} {self.digests[description.identifier]}"
        return self.folder / f"{hashlib.sha256(named.encode()).hexdigest()[:16]}.safetensors"

    def drop_needless(self, ended: Ended) -> None:
        """Remove the file of a group whose results are stored."""
        if set(ended.outcomes.values()) <= {"finished", "diverged"}:
            file = self.of(ended.group)
            if file is not None:
                file.unlink(missing_ok=True)
