"""Trains groups in processes of this machine, one thread each: the executor that is used unasked.

A killed worker costs its own group and nothing else. An environment may start processes: a worker
leads a process group of its own, and whoever ends the worker, or sees it dead, ends that group.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

from bench.train.events import Group
from bench.train.executors.child import Child
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
        wait([worker.connection for worker in self._busy()], timeout)
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
        self._child = Child(_train_what_comes, train, variables=WORKER_ENVIRONMENT)
        self.group: Group | None = None
        self.started = datetime.now(UTC)
        self.dead = False

    @property
    def connection(self) -> Connection:
        """What to wait for: it is readable when there is a message, and when the worker ends."""
        return self._child.connection

    def give(self, group: Group, checkpoint: Path | None) -> None:
        """Let it train this group. If it has died meanwhile, `hear` says so."""
        self.group, self.started = group, datetime.now(UTC)
        with suppress(OSError):
            self.connection.send((group, checkpoint))

    def hear(self) -> tuple[Literal["progress", "done", "failed"], Any] | None:
        """Kind and content of its next message, None where there is none."""
        # What a dead worker has said is in the pipe by now. The pipe's end says nothing: a process
        # that was forked from the worker holds it open.
        ended = self._child.exit_code is not None
        try:
            if not self.connection.poll():
                if not ended:
                    return None
                raise EOFError
            message: tuple[Literal["progress", "done", "failed"], Any] = self.connection.recv()
            return message
        except (EOFError, OSError):
            self.dead = True
            self.end()
            return "failed", _epitaph(self._child.exit_code)

    def end(self) -> None:
        """End the process and those that it started. They hold nothing that could be lost."""
        self._child.end(patience=1.0 if self.dead else 0.0)


def _train_what_comes(connection: Connection, train: str | None) -> None:
    """A worker's life: groups in, progress and results out, until the pipe ends."""
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


def _epitaph(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"the worker process ended with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    hint = ", which is what happens when memory runs out" if name == "SIGKILL" else ""
    return f"the worker process was killed by {name}{hint}"
