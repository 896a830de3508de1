"""Trains groups in processes of this machine, one thread each: the executor that is used unasked.

A killed worker costs its own group and nothing else. An environment may start processes: a worker
leads a process group of its own, and whoever ends the worker, or sees it dead, ends that group.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

from bench.train.events import Group
from bench.train.executors.protocol import Message
from bench.train.executors.worker import WORKER_ENVIRONMENT, train_group
from bench.train.provenance import on_device, provenance


class Processes:
    """An `Executor`.

    Args:
        workers: processes at the same time.
        train: "module:attribute" of the training function, imported by the workers; None: the
            trainer of a description's back end.
    """

    def __init__(self, workers: int, train: str | None = None) -> None:
        self._workers = workers
        self._train = train
        self._team: list[_Worker] = []
        self._origin = provenance()

    @property
    def places(self) -> int:
        """As `Executor`."""
        return self._workers

    @property
    def free(self) -> bool:
        """As `Executor`."""
        return len(self._busy()) < self._workers

    @property
    def busy(self) -> bool:
        """As `Executor`."""
        return bool(self._busy())

    def give(self, group: Group, checkpoint: Path | None = None) -> None:
        """As `Executor`; a new process trains it where none is idle."""
        idle = next((worker for worker in self._team if worker.group is None), None)
        if idle is None:
            idle = _Worker(self._train)
            self._team.append(idle)
        idle.give(group, checkpoint)

    def messages(self, timeout: float) -> Iterator[Message]:
        """As `Executor`."""
        wait([sign for worker in self._busy() for sign in worker.signs], timeout)
        for worker in self._busy():
            while worker.group is not None and (heard := worker.hear()) is not None:
                group, (kind, content) = worker.group, heard
                if kind != "progress":
                    worker.group = None
                if worker.dead:
                    self._team.remove(worker)
                yield Message(
                    group=group,
                    kind=kind,
                    content=content,
                    started=worker.started,
                    origin=on_device(
                        self._origin, group.description.back_end, group.description.device
                    ),
                )

    def stop(self, group: Group) -> None:
        """As `Executor`."""
        for worker in [worker for worker in self._team if worker.group is group]:
            worker.end()
            worker.group = None
            self._team.remove(worker)

    def end(self) -> None:
        """As `Executor`."""
        while self._team:
            self._team.pop().end()

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._team if worker.group is not None]


class _Worker:
    """A process that trains one group after the other."""

    def __init__(self, train: str | None) -> None:
        # Spawned, never forked: EnvPool and torch have threads.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe(duplex=True)
        # A daemon here, so that the end of this process doesn't wait for it; there it is none.
        self._process = context.Process(target=_work, args=(theirs, train), daemon=True)
        with worker_surroundings():
            self._process.start()
        # With this copy open, the end of the worker would not be the end of the pipe.
        theirs.close()
        self.group: Group | None = None
        self.started = datetime.now(UTC)
        self.dead = False

    @property
    def signs(self) -> tuple[Connection, int]:
        """What to wait for: a message, or the worker's end."""
        return self._connection, self._process.sentinel

    def give(self, group: Group, checkpoint: Path | None) -> None:
        """Let it train this group. If it has died meanwhile, `hear` says so."""
        self.group, self.started = group, datetime.now(UTC)
        with suppress(OSError):
            self._connection.send((group, checkpoint))

    def hear(self) -> tuple[Literal["progress", "done", "failed"], Any] | None:
        """Kind and content of its next message, None where there is none."""
        # What a dead worker has said is in the pipe by now. The pipe's end says nothing: a process
        # that was forked from the worker holds it open.
        ended = self._process.exitcode is not None
        try:
            if not self._connection.poll():
                if not ended:
                    return None
                raise EOFError
            message: tuple[Literal["progress", "done", "failed"], Any] = self._connection.recv()
            return message
        except (EOFError, OSError):
            self.dead = True
            self.end()
            return "failed", _epitaph(self._process.exitcode)

    def end(self) -> None:
        """End the process and those that it started. They hold nothing that could be lost."""
        self._process.join(timeout=1.0 if self.dead else 0.0)
        assert self._process.pid is not None
        # Nobody else has this number as long as one of the group is there.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        # Killed at its birth it may not lead a group yet.
        self._process.kill()
        self._process.join()
        self._connection.close()


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


def _work(connection: Connection, train: str | None) -> None:
    """A worker's life: groups in, progress and results out, until the pipe ends."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Daemons must not have children, and an environment may want some.
    multiprocessing.current_process().daemon = False
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _train_what_comes(connection, train)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # Returning would wait for the processes that environments have left behind.
    _end_group()


def _train_what_comes(connection: Connection, train: str | None) -> None:
    while True:
        try:
            group, checkpoint = connection.recv()
        except (EOFError, OSError):
            return
        try:
            result = train_group(
                group, train, checkpoint, lambda progress: connection.send(("progress", progress))
            )
            connection.send(result)
        except BrokenPipeError:
            return


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    _end_group()


def _end_group() -> None:
    """End this process and all of its group: those that its environments have started."""
    os.killpg(0, signal.SIGKILL)


def _epitaph(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"the worker process ended with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    hint = ", which is what happens when memory runs out" if name == "SIGKILL" else ""
    return f"the worker process was killed by {name}{hint}"
