"""Train groups on the nodes of a Ray cluster: the executor of `--executor ray`.

A group is a task of Ray, which finds a node for it. Code is sent there from this machine, results
are sent back, and no disk is shared. A group whose node is lost begins again elsewhere.
"""

from __future__ import annotations

import itertools
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ray
from ray import exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.errors import InputError
from bench.plan.digest import code_digest
from bench.plan.identity import Description
from bench.train.events import Group
from bench.train.executors import ray_connection
from bench.train.executors.protocol import Message
from bench.train.executors.ray_code import gather
from bench.train.executors.ray_node import Task, train_on_node
from bench.train.executors.worker import last_line
from bench.train.provenance import Provenance, cores, provenance

GPU_SHARE = 0.25
"""Share of a GPU that a group with its networks there takes."""
NODES_LOST = 10
"""Nodes that a group may lose before it counts as failed."""
WORKERS_LOST = 1
"""Times that Ray's worker may die under a group on a live node before the group fails."""
POLL = 0.25
"""Seconds between two checks for progress."""
LOOK = 2.0
"""Seconds between two checks of the cluster's nodes."""
QUEUED = 30.0
"""Seconds without a place after which a group is reported as waiting."""
GOODBYE = 10.0
"""Seconds within which trainings have to end."""


@dataclass(frozen=True, kw_only=True)
class _Begun:
    """The message that a group has started on a node."""

    node: str
    name: str
    origin: Provenance


class _Inbox:
    """An actor on this machine that receives the nodes' messages about groups."""

    def __init__(self) -> None:
        self._items: list[tuple[int, _Begun | Message]] = []

    def put(self, attempt: int, item: _Begun | Message) -> None:
        self._items.append((attempt, item))

    def take(self) -> list[tuple[int, _Begun | Message]]:
        items, self._items = self._items, []
        return items


def _work(task: Task, attempt: int, inbox: Any) -> Message:
    """Train a group on the node where Ray runs this task."""
    node = ray.get_runtime_context().get_node_id()
    names = {node["NodeID"]: _name(node) for node in ray.nodes()}
    origin = task.origin()
    begun = _Begun(node=node, name=names.get(node, node), origin=origin)
    inbox.put.remote(attempt, begun)
    return train_on_node(
        task, begun.name, origin, lambda message: inbox.put.remote(attempt, message)
    )


@dataclass(kw_only=True, eq=False)
class _Flight:
    """A group given to the cluster: its Ray task, its node, and how often it was lost."""

    group: Group
    attempt: int = -1
    answer: Any = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    given: float = field(default_factory=time.monotonic)
    begun: _Begun | None = None
    nodes_lost: int = 0
    workers_lost: int = 0


class Cluster:
    """An `Executor` that trains on the nodes of a Ray cluster.

    Args:
        address: HOST:PORT of the cluster's head node, "auto", or None, as for
            `ray_connection.join`.
        descriptions: descriptions that will be trained: their modules are sent to the nodes.
        max_groups: groups at the same time, None for as many as the cluster has room for.
        train: "module:attribute" as `train_group` takes it.
        report: called with one line for each change of the cluster.

    Raises:
        InputError: the cluster can't be joined, or no node has the GPU that descriptions need.
    """

    keeps_code = True

    def __init__(
        self,
        address: str | None,
        descriptions: Sequence[Description],
        *,
        max_groups: int | None = None,
        train: str | None = None,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._max_groups = max_groups
        self._train = train
        self._report = report
        self._home = provenance()
        self._flights: list[_Flight] = []
        self._attempts = itertools.count()
        self._share = (
            GPU_SHARE if any(description.device != "cpu" for description in descriptions) else 0.0
        )
        with tempfile.TemporaryDirectory() as folder:
            gather(Path(folder), descriptions)
            # Of the code that is sent: at home it may be edited meanwhile.
            self._digests = {_code(each): code_digest(each) for each in descriptions}
            existed = ray_connection.join(address, Path(folder), cpus=max_groups or cores())
        try:
            self._inbox = _inbox_here()
            self._nodes = _nodes()
            self._looked = time.monotonic()
            self._waiting_reported = -math.inf
            if not self._slots() and self._share:
                raise InputError("device 'cuda' is not available: no node of the cluster has a GPU")
            report(f"{'Joined' if existed else 'Started'} a Ray cluster: {self._size()}.")
        except BaseException:
            ray_connection.leave()
            raise

    @property
    def places(self) -> int:
        """As `Executor`; at least one, so that the first group can wait for a node."""
        self._look()
        return max(1, min(self._slots(), self._max_groups or self._slots()))

    @property
    def free(self) -> bool:
        """As `Executor`."""
        return len(self._flights) < self.places

    @property
    def busy(self) -> bool:
        """As `Executor`."""
        return bool(self._flights)

    def give(self, group: Group, checkpoint: Path | None = None) -> None:
        """As `Executor`, but without the checkpoint, because nodes don't see this disk."""
        self._flights.append(self._sent(_Flight(group=group)))

    def messages(self, timeout: float) -> Iterator[Message]:
        """As `Executor`."""
        deadline = time.monotonic() + timeout
        received = False
        while self._flights and not received:
            for attempt, item in ray.get(self._inbox.take.remote()):
                flight = next(
                    (flight for flight in self._flights if flight.attempt == attempt), None
                )
                if flight is None:
                    continue
                if isinstance(item, _Begun):
                    flight.begun = item
                else:
                    received = True
                    yield self._translated(flight, item)
            remaining = max(0.0, deadline - time.monotonic())
            answers = [flight.answer for flight in self._flights]
            # One message is enough to return, but all that have arrived are taken.
            ended, _ = ray.wait(answers, timeout=0.0 if received else min(POLL, remaining))
            for flight in [flight for flight in self._flights if flight.answer in ended]:
                message = self._answer(flight)
                if message is not None:
                    received = True
                    self._flights.remove(flight)
                    yield self._translated(flight, message)
            if not remaining:
                break
        self._look()
        self._report_waiting()

    def stop(self, group: Group) -> None:
        """As `Executor`."""
        for flight in [flight for flight in self._flights if flight.group is group]:
            self._flights.remove(flight)
            ray.cancel(flight.answer, force=True)

    def end(self) -> None:
        """As `Executor`; a cluster that this process did not start keeps running."""
        if not ray.is_initialized():
            return
        answers = [flight.answer for flight in self._flights]
        self._flights.clear()
        try:
            for answer in answers:
                ray.cancel(answer, force=True)
            if answers:
                ray.wait(answers, num_returns=len(answers), timeout=GOODBYE)
        finally:
            ray_connection.leave()

    def _sent(self, flight: _Flight) -> _Flight:
        """Submit the flight's group to Ray; return the flight."""
        task = Task(
            group=flight.group,
            train=self._train,
            digest=self._digests[_code(flight.group.description)],
            home=self._home,
        )
        flight.attempt, flight.begun = next(self._attempts), None
        flight.started, flight.given = datetime.now(UTC), time.monotonic()
        # Ray's retries don't tell a lost node from a crashed worker, so it retries nothing here.
        remote_work = ray.remote(_work).options(
            num_cpus=1, num_gpus=self._share, max_retries=0, scheduling_strategy="SPREAD"
        )
        flight.answer = remote_work.remote(task, flight.attempt, self._inbox)
        return flight

    def _translated(self, flight: _Flight, message: Message) -> Message:
        """Translate a node's message: with this process's group object, by this clock."""
        now = datetime.now(UTC)
        return replace(message, group=flight.group, started=flight.started, received=now)

    def _answer(self, flight: _Flight) -> Message | None:
        """Return the message of a group's end; None if the group begins again."""
        try:
            message: Message = ray.get(flight.answer)
            return message
        except exceptions.RayTaskError as error:
            return self._failed(flight, last_line(error.cause or error))
        except (exceptions.NodeDiedError, exceptions.ObjectLostError):
            node_lost = True
        except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError) as error:
            reason = "of memory" if isinstance(error, exceptions.OutOfMemoryError) else ""
            begun = flight.begun
            node_lost = begun is not None and begun.node not in _nodes()
        except exceptions.RayError as error:
            return self._failed(flight, last_line(error))
        name = flight.begun.name if flight.begun else "a node"
        if node_lost:
            flight.nodes_lost += 1
            is_final, event = flight.nodes_lost > NODES_LOST, f"{name} is lost"
        else:
            flight.workers_lost += 1
            is_final = flight.workers_lost > WORKERS_LOST
            event = f"the worker of Ray on {name} died{' for want ' if reason else ''}{reason}"
        if is_final:
            return self._failed(flight, event)
        self._report(f"{event}; what it trained begins again: {_words(flight.group)}")
        self._sent(flight)
        return None

    def _failed(self, flight: _Flight, reason: str) -> Message:
        origin = flight.begun.origin if flight.begun else self._home
        return Message(
            group=flight.group,
            kind="failed",
            content=reason,
            started=flight.started,
            origin=origin,
        )

    def _look(self) -> None:
        """Check which nodes have come and gone."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        old_nodes, self._nodes = self._nodes, _nodes()
        if self._nodes.keys() != old_nodes.keys():
            self._report(f"The Ray cluster has changed: {self._size()}.")

    def _report_waiting(self) -> None:
        """Report that groups wait, after `QUEUED` seconds and then every minute."""
        now = time.monotonic()
        waiting = [
            flight
            for flight in self._flights
            if flight.begun is None and now - flight.given >= QUEUED
        ]
        if waiting and now - self._waiting_reported >= 2 * QUEUED:
            self._waiting_reported = now
            processor = "GPU" if self._share else "CPU"
            self._report(
                f"Waiting for a free {processor} of the Ray cluster ({self._size()}): "
                f"{len(waiting)} group{'' if len(waiting) == 1 else 's'}."
            )

    def _slots(self) -> int:
        """Number of groups that the nodes have room for."""
        return sum(_slots(node, self._share) for node in self._nodes.values())

    def _size(self) -> str:
        slots, nodes = self._slots(), len(self._nodes)
        places = f"{slots} place{'' if slots == 1 else 's'}"
        return f"{places} on {nodes} node{'' if nodes == 1 else 's'}"


def _code(description: Description) -> tuple[str, str, str]:
    """Return what the digest of a description's code depends on; all trials of a study share it."""
    return description.algorithm, description.environment, description.back_end


def _inbox_here() -> Any:
    """Start the inbox on this machine's node, so that it is lost only with this process."""
    node = ray.get_runtime_context().get_node_id()
    inbox: Any = ray.remote(_Inbox)
    return inbox.options(
        num_cpus=0,
        max_restarts=-1,
        max_task_retries=-1,
        scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
    ).remote()


def _nodes() -> dict[str, Mapping[str, Any]]:
    """Identifier -> live node."""
    return {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}


def _slots(node: Mapping[str, Any], share: float) -> int:
    resources = node["Resources"]
    cpus = int(resources.get("CPU", 0))
    return min(cpus, int(resources.get("GPU", 0) / share)) if share else cpus


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"


def _words(group: Group) -> str:
    description = group.description
    seeds = ", ".join(map(str, sorted(set(group.seeds))))
    return f"{description.algorithm} in {description.environment}, seeds {seeds}"
