"""Trains the runs of a plan that are missing, in groups of seeds of one description.

Whoever trains only computes: this process alone writes to the store, as soon as a group ends. So
killing everything costs the groups in flight.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bench.plan.back_ends import back_end
from bench.plan.digest import code_digest
from bench.plan.identity import Description
from bench.plan.plan import Plan
from bench.store import Store
from bench.train.events import Ended, Event, Group, Planned, Progressed, Started, Summary, Waited
from bench.train.executors.protocol import Executor
from bench.train.grouping import GROUP_SIZE, grouped
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
        group_size: most seeds in a group; groups are smaller where the executor would idle.
        fresh_before: results that started before this moment are trained again.
        checkpoints: a folder from which groups that can be resumed go on, and in which they leave
            behind where they are.
        seconds_per_step: what a step of one seed costs; only for the order of work.
        on_event: told what happens, in this process.

    Returns:
        What became of it. A failed run is a row with its reason, unless a result would be lost.

    Raises:
        KeyboardInterrupt: the executor has ended by then, and what had finished is stored.
    """
    began = time.monotonic()
    runs = plan.runs()
    results = store.finished()
    done = _done(store, fresh_before)
    digests = {each.identifier: code_digest(each) for each, _ in runs.values()}
    kept = [name for name in runs if name in done]
    stale = sum(digests[runs[name][0].identifier] not in results[name] for name in kept)
    missing: dict[str, tuple[Description, list[int]]] = {}
    for name, (description, seed) in runs.items():
        if name not in done:
            missing.setdefault(description.identifier, (description, []))[1].append(seed)
    pending = deque(grouped(list(missing.values()), executor.places, group_size, seconds_per_step))
    summary = Summary(kept=len(kept), stale=stale)
    compiled_first = any(is_due(description) for description, _ in missing.values())
    on_event(
        Planned(groups=tuple(pending), kept=len(kept), stale=stale, compiled_first=compiled_first)
    )
    recorder = Recorder(store, summary, digests)
    kept_at = _Checkpoints(checkpoints, digests)

    def unfinished(group: Group) -> Group | None:
        """What of the group no other process has finished since the plan was made."""
        done = _done(store, fresh_before)
        elsewhere = {s: "elsewhere" for s in group.seeds if group.description.run(s) in done}
        if not elsewhere:
            return group
        summary.elsewhere += len(elsewhere)
        others = replace(group, seeds=tuple(elsewhere))
        on_event(Ended(group=others, seconds=0.0, outcomes=elsewhere, reasons=()))
        left = tuple(seed for seed in group.seeds if seed not in elsewhere)
        return replace(group, seeds=left) if left else None

    try:
        while pending or executor.busy:
            while pending and executor.free:
                group = unfinished(pending.popleft())
                if group is not None:
                    executor.give(group, kept_at.of(group))
                    on_event(Started(group=group))
            silent = executor.busy
            for message in executor.messages(HEARTBEAT):
                silent = False
                if message.kind == "progress":
                    on_event(Progressed(group=message.group, progress=message.content))
                else:
                    ended = recorder.write(message)
                    kept_at.drop_needless(ended)
                    on_event(ended)
            if silent:
                on_event(Waited())
    finally:
        executor.end()
        summary.seconds = time.monotonic() - began
    return summary


def _done(store: Store, fresh_before: datetime | None) -> set[str]:
    """The runs that need no training."""
    done = set(store.finished())
    if fresh_before is not None:
        table = store.runs()
        done -= set(table["run"][table["started"] < fresh_before])
    return done


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
        named = f"{description.identifier} {self.digests[description.identifier]} {group.seeds}"
        return self.folder / f"{hashlib.sha256(named.encode()).hexdigest()[:16]}.safetensors"

    def drop_needless(self, ended: Ended) -> None:
        """Remove the file of a group whose results are stored."""
        if set(ended.outcomes.values()) <= {"finished", "diverged"}:
            file = self.of(ended.group)
            if file is not None:
                file.unlink(missing_ok=True)
