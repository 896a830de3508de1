"""Train groups in processes of this machine: the default executor.

A killed worker costs its own groups and nothing else. An environment may start processes: a worker
leads its own process group, and ending the worker, or finding it dead, ends that group.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

from bench.child import Child
from bench.plan.back_ends import back_end
from bench.plan.identity import Description
from bench.train.events import Group
from bench.train.executors.protocol import Message
from bench.train.executors.worker import WORKER_ENVIRONMENT, train_group
from bench.train.provenance import cores, on_device, provenance
from bench.train.results import Progress

WorkerMessage = tuple[int, Literal["progress", "done", "failed"], Any]
"""A group's number, and the kind and content of a message about it."""


def processes_for(
    descriptions: Sequence[Description], workers: int | None, train: str | None = None
) -> Processes:
    """Make the executor for these descriptions, of `workers` groups at a time; None: one per core.

    Groups whose physics is on a GPU share a process, since processes would take turns on the GPU.
    """
    places = workers or cores()
    shared = bool(descriptions) and all(
        description.device != "cpu" and back_end(description.back_end).takes_rows
        for description in descriptions
    )
    return Processes(1, train, together=places) if shared else Processes(places, train)


class Processes:
    """An `Executor` that trains in processes of this machine.

    Args:
        workers: number of processes at the same time.
        train: "module:attribute" of the training function, imported by the workers; None: the
            trainer of a description's back end.
        together: number of groups that one process trains at once, in turns (`device.turns`).
    """

    keeps_code = False

    def __init__(self, workers: int, train: str | None = None, *, together: int = 1) -> None:
        self._workers = workers
        self._train = train
        self._together = together
        self._team: list[_Worker] = []
        self._origin = provenance()

    @property
    def places(self) -> int:
        """As `Executor`."""
        return self._workers * self._together

    @property
    def free(self) -> bool:
        """As `Executor`."""
        return sum(len(worker.groups) for worker in self._team) < self.places

    @property
    def busy(self) -> bool:
        """As `Executor`."""
        return any(worker.groups for worker in self._team)

    def give(self, group: Group, checkpoint: Path | None = None) -> None:
        """As `Executor`; starts a new process if none has a free place."""
        idle = next((worker for worker in self._team if len(worker.groups) < self._together), None)
        if idle is None:
            idle = _Worker(self._train, self._together)
            self._team.append(idle)
        idle.give(group, checkpoint)

    def messages(self, timeout: float) -> Iterator[Message]:
        """As `Executor`."""
        busy = [worker for worker in self._team if worker.groups]
        wait([worker.connection for worker in busy], timeout)
        for worker in busy:
            while worker.groups and (message := worker.hear()) is not None:
                number, kind, content = message
                group, started = worker.groups[number]
                if kind != "progress":
                    del worker.groups[number]
                if worker.dead and worker in self._team:
                    self._team.remove(worker)
                yield Message(
                    group=group,
                    kind=kind,
                    content=content,
                    started=started,
                    origin=on_device(
                        self._origin, group.description.back_end, group.description.device
                    ),
                )

    def stop(self, group: Group) -> None:
        """As `Executor`; if the group shares a process, it ends after its next batch."""
        for worker in [worker for worker in self._team if worker.drop(group)]:
            if self._together == 1:
                worker.end()
                self._team.remove(worker)

    def end(self) -> None:
        """As `Executor`."""
        while self._team:
            self._team.pop().end()


class _Worker:
    """A process that trains one group after the other, or several at a time.

    Attributes:
        groups: number -> group in training, and the time when it was given.
    """

    def __init__(self, train: str | None, together: int) -> None:
        self._child = Child(_train_what_comes, train, together, variables=WORKER_ENVIRONMENT)
        self._numbers = count()
        self.groups: dict[int, tuple[Group, datetime]] = {}
        self.dead = False

    @property
    def connection(self) -> Connection:
        """The pipe to wait for: readable when there is a message, and when the worker ends."""
        return self._child.connection

    def give(self, group: Group, checkpoint: Path | None) -> None:
        """Send the worker this group to train. If it has died meanwhile, `hear` reports it."""
        number = next(self._numbers)
        self.groups[number] = group, datetime.now(UTC)
        with suppress(OSError):
            self.connection.send((number, group, checkpoint))

    def drop(self, group: Group) -> bool:
        """Ignore this group from now on (by identity); return whether it was in training here."""
        numbers = [number for number, (current, _) in self.groups.items() if current is group]
        for number in numbers:
            del self.groups[number]
            with suppress(OSError):
                self.connection.send((number, None, None))
        return bool(numbers)

    def hear(self) -> WorkerMessage | None:
        """Return the worker's next message; None if there is none."""
        # A dead worker's messages are in the pipe by now. That the pipe is open proves nothing: a
        # process that was forked from the worker holds it open.
        ended = self._child.exit_code is not None
        try:
            while self.connection.poll():
                message: WorkerMessage = self.connection.recv()
                if message[0] in self.groups:
                    return message
            if not ended:
                return None
            raise EOFError
        except (EOFError, OSError):
            self.dead = True
            self.end()
            return next(iter(self.groups)), "failed", _epitaph(self._child.exit_code)

    def end(self) -> None:
        """End the process and those that it started; none of them holds anything of value."""
        self._child.end(patience=1.0 if self.dead else 0.0)


def _train_what_comes(connection: Connection, train: str | None, together: int) -> None:
    """Run a worker: receive groups, send progress and results, until the pipe closes."""
    if together > 1:
        _Lanes(connection, train).serve()
        return
    while True:
        try:
            number, group, checkpoint = connection.recv()
            result = train_group(
                group,
                train,
                checkpoint,
                lambda progress: connection.send((number, "progress", progress)),  # noqa: B023
            )
            connection.send((number, *result))
        except (EOFError, OSError):
            return


class _StoppedError(BaseException):
    """Raised to end the training of a group that was stopped."""


class _Lanes:
    """Trains groups in threads of one process, which take turns and share the device."""

    def __init__(self, connection: Connection, train: str | None) -> None:
        from bench.train.device.turns import Turns

        self._connection = connection
        self._train = train
        self._turns = Turns()
        self._sending = threading.Lock()
        self._stopped: set[int] = set()

    def serve(self) -> None:
        """Start a thread for every group received, until the pipe closes."""
        while True:
            try:
                number, group, checkpoint = self._connection.recv()
            except (EOFError, OSError):
                return
            if group is None:
                self._stopped.add(number)
            else:
                arguments = number, group, checkpoint
                threading.Thread(target=self._lane, args=arguments, daemon=True).start()

    def _lane(self, number: int, group: Group, checkpoint: Path | None) -> None:
        def report(progress: Progress) -> None:
            if number in self._stopped:
                raise _StoppedError
            self._send((number, "progress", progress))

        with suppress(_StoppedError, OSError), self._turns.taking_part():
            kind, content = train_group(group, self._train, checkpoint, report, alone=False)
            self._send((number, kind, content))

    def _send(self, message: WorkerMessage) -> None:
        with self._sending:
            self._connection.send(message)


def _epitaph(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"the worker process ended with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    hint = ", which is what happens when memory runs out" if name == "SIGKILL" else ""
    return f"the worker process was killed by {name}{hint}"
