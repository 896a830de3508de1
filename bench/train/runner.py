"""Trains the runs of a plan that are missing, in worker processes of one thread each.

Seeds of one description train together in groups; a group is one worker's task. Workers only
compute: this process alone writes to the store, as soon as a group ends. So a killed worker costs
its own group and nothing else, and killing everything costs the groups in flight.
"""

from __future__ import annotations

import hashlib
import heapq
import importlib
import itertools
import json
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bench.plan.digest import code_digest
from bench.plan.identity import Description, plain_json
from bench.plan.plan import Plan
from bench.plan.trainers import RESUMABLE, trainer_of
from bench.train.provenance import Provenance, on_device, provenance

if TYPE_CHECKING:
    import pandas as pd

    from bench.train.trainer import Progress, RunResult

GROUP_SIZE = 10
# What a group takes besides its seeds' share, in seeds: the work of a tick that doesn't grow.
# Fitted to clipped PPO's steps/s with 1 to 10 seeds on HalfCheetah-v5 (docs/performance.md).
GROUP_OVERHEAD = 2.8
HEARTBEAT = 1.0
REPORT_EVERY = 0.2
THREADS = 1
WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": str(THREADS),
    "MKL_NUM_THREADS": str(THREADS),
    "OPENBLAS_NUM_THREADS": str(THREADS),
    "NUMEXPR_NUM_THREADS": str(THREADS),
    "VECLIB_MAXIMUM_THREADS": str(THREADS),
    # MKL picks its kernels by how matrices happen to lie in memory unless told not to; at odd
    # batch sizes and widths a seed would then have other bits in a group than alone.
    "MKL_CBWR": "AUTO,STRICT",
}


class Results(Protocol):
    """What the runner needs of a store; `bench.store.Store` has it."""

    def finished(self) -> Mapping[str, str]:
        """Run -> digest, of the runs that have a result."""
        ...

    def runs(self) -> pd.DataFrame:
        """The table `runs`."""
        ...

    def write_run(
        self,
        row: Mapping[str, object],
        episodes: Mapping[str, np.ndarray],
        updates: Mapping[str, np.ndarray],
        policy: Mapping[str, np.ndarray] | None,
    ) -> None:
        """Store one run, in place of what was stored of it before."""
        ...


@dataclass(frozen=True, kw_only=True)
class Group:
    """Seeds of one description that train together."""

    description: Description
    seeds: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Budget of all its seeds [environment steps]."""
        return self.description.steps * len(self.seeds)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What there is to do: `kept` runs have results already, `stale` of them from other code."""

    groups: tuple[Group, ...]
    kept: int
    stale: int


@dataclass(frozen=True, kw_only=True)
class Started:
    """A worker has been given the group."""

    group: Group


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """How far a group is."""

    group: Group
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A group has ended, whatever became of it.

    Attributes:
        seconds: since it started; 0 where other processes had finished it before.
        outcomes: seed -> "finished", "diverged", "failed", "not stored", or "elsewhere" for a
            seed that another process finished meanwhile.
        reasons: what went wrong, each once.
    """

    group: Group
    seconds: float
    outcomes: Mapping[int, str]
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Waited:
    """Nothing happened for a while."""


Event = Planned | Started | Progressed | Ended | Waited


@dataclass(kw_only=True)
class Summary:
    """What became of a plan.

    Attributes:
        kept: runs that had a result already; `stale` of them from other code.
        finished: runs trained and stored, `diverged` ones among them.
        elsewhere: runs that another process finished meanwhile.
        diverged: description and reason -> number of runs; a result.
        failures: description and reason -> number of runs; no result.
    """

    kept: int = 0
    stale: int = 0
    finished: int = 0
    elsewhere: int = 0
    diverged: dict[tuple[Description, str], int] = field(default_factory=dict)
    failures: dict[tuple[Description, str], int] = field(default_factory=dict)
    seconds: float = 0.0


def run(
    plan: Plan,
    store: Results,
    *,
    workers: int,
    group_size: int = GROUP_SIZE,
    fresh_before: datetime | None = None,
    train: str | None = None,
    checkpoints: Path | None = None,
    seconds_per_step: Callable[[Description], float] = lambda description: 1.0,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Summary:
    """Train and store the runs of `plan` that `store` has no result of.

    Args:
        workers: processes at the same time.
        group_size: most seeds in a group; groups are smaller where workers would idle.
        fresh_before: results that started before this moment are trained again.
        train: "module:attribute" of the training function, imported by the workers; None: what
            `trainer_of` a description's back end says.
        checkpoints: a folder from which groups that can be resumed go on, and in which they leave
            behind where they are.
        seconds_per_step: what a step of one seed costs; only for the order of work.
        on_event: told what happens, in this process.

    Returns:
        What became of it. A failed run is a row with its reason, unless a result would be lost.

    Raises:
        KeyboardInterrupt: workers have ended by then, and what had finished is stored.
    """
    began = time.monotonic()
    runs = plan.runs()
    results = store.finished()
    done = _done(store, fresh_before)
    digests = {each.identifier: code_digest(each) for each, _ in runs.values()}
    kept = [name for name in runs if name in done]
    stale = sum(results[name] != digests[runs[name][0].identifier] for name in kept)
    missing: dict[str, tuple[Description, list[int]]] = {}
    for name, (description, seed) in runs.items():
        if name not in done:
            missing.setdefault(description.identifier, (description, []))[1].append(seed)
    pending = deque(_grouped(list(missing.values()), workers, group_size, seconds_per_step))
    summary = Summary(kept=len(kept), stale=stale)
    on_event(Planned(groups=tuple(pending), kept=len(kept), stale=stale))
    scribe = _Scribe(store, summary, provenance(), digests, frozenset(results))
    team: list[_Worker] = []
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
        while pending or any(worker.group for worker in team):
            while pending and (free := _free_worker(team, workers, train)):
                group = unfinished(pending.popleft())
                if group is not None:
                    free.give(group, kept_at.of(group))
                    on_event(Started(group=group))
            busy = [worker for worker in team if worker.group]
            if busy and not wait([each for worker in busy for each in worker.signs], HEARTBEAT):
                on_event(Waited())
            for worker in busy:
                for event in worker.events(scribe):
                    kept_at.drop_needless(event)
                    on_event(event)
                if worker.dead:
                    team.remove(worker)
    finally:
        for worker in team:
            worker.end()
        summary.seconds = time.monotonic() - began
    return summary


def _done(store: Results, fresh_before: datetime | None) -> set[str]:
    """The runs that need no training."""
    done = set(store.finished())
    if fresh_before is not None:
        table = store.runs()
        done -= set(table["run"][table["started"] < fresh_before])
    return done


def _grouped(
    missing: Sequence[tuple[Description, Sequence[int]]],
    workers: int,
    group_size: int,
    seconds_per_step: Callable[[Description], float],
) -> list[Group]:
    """Groups of at most `group_size` seeds, costly ones first, that keep the workers busy.

    Large groups train more steps a second; so a group is halved only where the whole ends earlier
    by it.
    """
    rates = {description.identifier: seconds_per_step(description) for description, _ in missing}

    def cost(group: Group) -> float:
        steps = group.description.steps * (len(group.seeds) + GROUP_OVERHEAD)
        return steps * rates[group.description.identifier]

    def duration(groups: Sequence[Group]) -> float:
        busy_until = [0.0] * workers
        for group in groups:
            heapq.heapreplace(busy_until, busy_until[0] + cost(group))
        return max(busy_until)

    groups = [
        Group(description=description, seeds=tuple(seeds))
        for description, all_seeds in missing
        for seeds in _parts(all_seeds, math.ceil(len(all_seeds) / group_size))
    ]
    best = trial = sorted(groups, key=cost, reverse=True)
    while len(trial) < len(groups) + 2 * workers:
        large = next((group for group in trial if len(group.seeds) > 1), None)
        if large is None:
            break
        halves = [replace(large, seeds=tuple(part)) for part in _parts(large.seeds, 2)]
        trial = sorted([*(g for g in trial if g is not large), *halves], key=cost, reverse=True)
        if duration(trial) < 0.95 * duration(best):
            best = trial
    return best


def _parts(seeds: Sequence[int], count: int) -> Iterator[Sequence[int]]:
    bounds = [len(seeds) * part // count for part in range(count + 1)]
    for first, last in itertools.pairwise(bounds):
        yield seeds[first:last]


def _free_worker(team: list[_Worker], workers: int, train: str | None) -> _Worker | None:
    """A worker with nothing to do; a new one as long as there are fewer than `workers`."""
    idle = next((worker for worker in team if not worker.group), None)
    if idle is None and len(team) < workers:
        idle = _Worker(train)
        team.append(idle)
    return idle


@dataclass(frozen=True)
class _Checkpoints:
    """Where groups in the middle of their training are kept, if they can be."""

    folder: Path | None
    digests: Mapping[str, str]

    def of(self, group: Group) -> Path | None:
        """The file of this very group under this very code."""
        description = group.description
        if self.folder is None or description.back_end not in RESUMABLE:
            return None
        named = f"{description.identifier} {self.digests[description.identifier]} {group.seeds}"
        return self.folder / f"{hashlib.sha256(named.encode()).hexdigest()[:16]}.safetensors"

    def drop_needless(self, event: Event) -> None:
        """Remove the file of a group whose results are stored."""
        if isinstance(event, Ended) and set(event.outcomes.values()) <= {"finished", "diverged"}:
            file = self.of(event.group)
            if file is not None:
                file.unlink(missing_ok=True)


class _Scribe:
    """Turns what a worker hands over into rows of the store, and counts them."""

    def __init__(
        self,
        store: Results,
        summary: Summary,
        origin: Provenance,
        digests: Mapping[str, str],
        results: frozenset[str],
    ) -> None:
        self.store = store
        self.summary = summary
        self.origin = origin
        self.digests = digests
        self.results = results

    def write(self, group: Group, started: datetime, kind: str, content: Any) -> Ended:
        """Store a group's results, or its failure; a store that can't write costs only its run."""
        seconds = (datetime.now(UTC) - started).total_seconds()
        results: dict[int, RunResult] = {}
        if kind == "done":
            results = {result.seed: result for result in content}
            content = "the trainer returned no result of this seed"
        outcomes: dict[int, str] = {}
        reasons: list[str] = []
        for seed in group.seeds:
            result = results.get(seed)
            outcomes[seed], reason = "failed", str(content)
            if result is not None:
                outcomes[seed], reason = result.status, result.reason or ""
            row = self._row(group, seed, result, started, seconds)
            row["status"], row["reason"] = outcomes[seed], reason or None
            # What failed when trained again still has its earlier result.
            if result is not None or row["run"] not in self.results:
                try:
                    self.store.write_run(
                        row,
                        result.episodes if result else _NO_EPISODES,
                        result.updates if result else _NO_UPDATES,
                        result.policy if result else None,
                    )
                except (OSError, ValueError) as error:
                    unwritten = f"can't be stored: {_last_line(error)}"
                    reason = f"{reason}; {unwritten}" if reason else unwritten
                    outcomes[seed] = "not stored"
            self._count(group.description, outcomes[seed], reason)
            if reason and reason not in reasons:
                reasons.append(reason)
        return Ended(group=group, seconds=seconds, outcomes=outcomes, reasons=tuple(reasons))

    def _count(self, description: Description, outcome: str, reason: str) -> None:
        key = (description, reason)
        if outcome in ("failed", "not stored"):
            self.summary.failures[key] = self.summary.failures.get(key, 0) + 1
        else:
            self.summary.finished += 1
        if outcome == "diverged":
            self.summary.diverged[key] = self.summary.diverged.get(key, 0) + 1

    def _row(
        self,
        group: Group,
        seed: int,
        result: RunResult | None,
        started: datetime,
        seconds: float,
    ) -> dict[str, object]:
        description = group.description
        origin = on_device(self.origin, description.back_end, description.device)
        return {
            "run": description.run(seed),
            "description": description.identifier,
            "algorithm": description.algorithm,
            "environment": description.environment,
            "seed": seed,
            "budget": description.steps,
            "hyperparameters": plain_json(description.hyperparameters),
            "canonical": description.canonical(),
            "back_end": description.back_end,
            "device": description.device,
            "evaluation": description.evaluation,
            "diverged_at": result.diverged_at if result else None,
            "steps": result.steps if result else 0,
            "episodes": len(result.episodes["step"]) if result else 0,
            "updates": _updates(result) if result else 0,
            "seconds": result.seconds if result else seconds,
            "group_size": len(group.seeds),
            "threads": THREADS,
            "started": started,
            "digest": self.digests[description.identifier],
            "commit": origin.commit,
            "dirty": origin.dirty,
            "versions": json.dumps(origin.versions),
            "machine": json.dumps(origin.machine),
        }


_NO_EPISODES = {name: np.empty(0) for name in ("step", "return", "length", "seconds")}
_NO_UPDATES = {name: np.empty(0) for name in ("update", "step", "seconds")}


class _Worker:
    """A process that trains one group after the other."""

    def __init__(self, train: str | None) -> None:
        # Spawned, never forked: EnvPool and torch have threads.
        context = multiprocessing.get_context("spawn")
        self.train = train
        self.connection, theirs = context.Pipe(duplex=True)
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        with worker_surroundings():
            self.process.start()
        # With this copy open, the end of the worker would not be the end of the pipe.
        theirs.close()
        self.group: Group | None = None
        self.started = datetime.now(UTC)
        self.dead = False

    @property
    def signs(self) -> tuple[Connection, int]:
        """What to wait for: a message, or the worker's end."""
        return self.connection, self.process.sentinel

    def give(self, group: Group, checkpoint: Path | None) -> None:
        """Let it train this group. If it has died meanwhile, `events` says so."""
        self.group, self.started = group, datetime.now(UTC)
        train = self.train or f"{trainer_of(group.description.back_end)}:train"
        with suppress(OSError):
            self.connection.send((train, group.description, group.seeds, checkpoint))

    def events(self, scribe: _Scribe) -> Iterator[Event]:
        """What has become of its group since it was last asked."""
        while self.group:
            try:
                if not self.connection.poll():
                    return
                kind, content = self.connection.recv()
            except (EOFError, OSError):
                self.dead = True
                self.end()
                kind, content = "failed", _epitaph(self.process.exitcode)
            if kind == "progress":
                yield Progressed(group=self.group, progress=content)
            else:
                group, self.group = self.group, None
                yield scribe.write(group, self.started, kind, content)

    def end(self) -> None:
        """End the process. It holds nothing that could be lost."""
        self.process.join(timeout=1.0 if self.dead else 0.0)
        self.process.kill()
        self.process.join()
        self.connection.close()


@contextmanager
def worker_surroundings() -> Iterator[None]:
    """Worker processes start with one thread and deaf to Ctrl-C, from their first instruction."""
    # The tracker unblocks signals when it starts, so it has to be there before.
    resource_tracker.ensure_running()
    before = {name: os.environ.get(name) for name in WORKER_ENVIRONMENT}
    os.environ.update(WORKER_ENVIRONMENT)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work(connection: Connection) -> None:
    """A worker's life: groups in, progress and results out, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    reported = -math.inf

    def report(progress: Progress) -> None:
        nonlocal reported
        if time.monotonic() - reported >= REPORT_EVERY:
            reported = time.monotonic()
            connection.send(("progress", progress))

    while True:
        try:
            address, description, seeds, checkpoint = connection.recv()
        except (EOFError, OSError):
            return
        try:
            module, _, name = address.partition(":")
            train = getattr(importlib.import_module(module), name)
            if "torch" in sys.modules:
                sys.modules["torch"].set_num_threads(THREADS)
            resumed = {} if checkpoint is None else {"checkpoint": checkpoint}
            with _made_on(description.device):
                results = train(description, seeds, report, **resumed)
            connection.send(("done", results))
        except BrokenPipeError:
            return
        except Exception as error:
            connection.send(("failed", _last_line(error)))


def _made_on(device: str) -> AbstractContextManager[object]:
    """What an algorithm makes without saying where is made on the device."""
    if device == "cpu":
        return nullcontext()
    import torch

    return torch.device(device)


def _updates(result: RunResult) -> int:
    """How many updates were made; not all of them have a row."""
    made = result.updates["update"]
    return int(made[-1]) + 1 if len(made) else 0


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _last_line(error: BaseException) -> str:
    """Type, message and place of an error in one line."""
    lines = "".join(traceback.format_exception_only(error)).splitlines()
    said = "; ".join(filter(None, map(str.strip, lines)))
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return said[:500] + place


def _epitaph(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"the worker process ended with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    hint = ", which is what happens when memory runs out" if name == "SIGKILL" else ""
    return f"the worker process was killed by {name}{hint}"
