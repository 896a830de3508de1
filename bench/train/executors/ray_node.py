"""Train a group on a cluster's node, by the node's own local executor.

A group there trains as it would here: in a process with one thread and the same environment
variables, and its end is reported in the same words.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bench.plan.digest import code_digest
from bench.train.events import Group
from bench.train.executors.processes import Processes
from bench.train.executors.protocol import Message
from bench.train.executors.worker import last_line
from bench.train.provenance import Provenance, on_device, provenance

REPORT_EVERY = 0.5
"""Least number of seconds between two reports of progress: many nodes report to one process."""
SETTLING = 5.0
"""Seconds between a failure and its report.

A machine that shuts down may kill the training before it kills the process that reports it. After
these seconds the node is lost, and the group trains elsewhere instead of failing.
"""

_executors: dict[tuple[str | None, str | None], Processes] = {}


@dataclass(frozen=True, kw_only=True)
class Task:
    """A group sent to a node.

    Attributes:
        train: "module:attribute" as `train_group` takes it.
        digest: `code_digest` of the group's description on the sending machine.
        home: provenance of the code and the machine there.
    """

    group: Group
    train: str | None
    digest: str
    home: Provenance

    def origin(self) -> Provenance:
        """Return the provenance of results: this machine's, with the sender's commit."""
        description = self.group.description
        origin = on_device(provenance(), description.back_end, description.device)
        return replace(origin, commit=self.home.commit, dirty=self.home.dirty)


def train_on_node(
    task: Task, node: str, origin: Provenance, report: Callable[[Message], None]
) -> Message:
    """Train a group to its end, if this node has the same code.

    Args:
        task: what to train.
        node: this node's name, for messages.
        origin: the task's provenance on this node.
        report: called with messages of progress.

    Returns:
        The message of the group's end.
    """
    problem = _code_difference(task, node, origin)
    if problem is not None:
        now = datetime.now(UTC)
        return Message(group=task.group, kind="failed", content=problem, started=now, origin=origin)
    executor = _executor(task.train)
    executor.give(task.group)
    reported_at = 0.0
    while True:
        for message in executor.messages(1.0):
            if message.kind == "failed":
                time.sleep(SETTLING)
            if message.kind != "progress":
                return replace(message, origin=origin)
            if time.monotonic() - reported_at >= REPORT_EVERY:
                reported_at = time.monotonic()
                report(replace(message, origin=origin))


def _executor(train: str | None) -> Processes:
    """Return an idle executor, with its old process if possible: importing torch takes seconds."""
    # A process sees the GPUs that it was started with.
    key = (train, os.environ.get("CUDA_VISIBLE_DEVICES"))
    executor = _executors.get(key)
    if executor is None or executor.busy:
        while _executors:
            _executors.popitem()[1].end()
        executor = _executors[key] = Processes(1, train)
    return executor


def _code_difference(task: Task, node: str, origin: Provenance) -> str | None:
    """Return why this node must not train the group; None if it may."""
    try:
        digest = code_digest(task.group.description)
    except (OSError, ValueError) as error:
        return f"node {node} lacks code: {last_line(error)}"
    if digest == task.digest:
        return None
    differing = [
        f"{name} {origin.versions.get(name) or 'is missing'} instead of {version or 'none'}"
        for name, version in task.home.versions.items()
        if origin.versions.get(name) != version
    ]
    return (
        f"node {node} has other code or libraries, so its digest is {digest} instead of "
        f"{task.digest}: {', '.join(differing) or 'an installed package differs'}"
    )
