"""What runs on a cluster's node: a group, trained by the node's own local executor.

So a group there has what it has here: a process with one thread and the same surroundings, and the
same words for its end.
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
"""Seconds between two reports of progress: many nodes tell them to one process."""
SETTLING = 5.0
"""Seconds between a failure and its report.

A machine that is shut down may kill the training before it kills what tells of it. By then the node
is lost, and the group trains elsewhere.
"""

_executors: dict[tuple[str | None, str | None], Processes] = {}


@dataclass(frozen=True, kw_only=True)
class Task:
    """A group on its way to a node.

    Attributes:
        train: "module:attribute" as `train_group` takes it.
        digest: `code_digest` of the group's description where the group comes from.
        home: what is known of the code and the machine there.
    """

    group: Group
    train: str | None
    digest: str
    home: Provenance

    def origin(self) -> Provenance:
        """Of this machine, and of the code, which came from home."""
        description = self.group.description
        here = on_device(provenance(), description.back_end, description.device)
        return replace(here, commit=self.home.commit, dirty=self.home.dirty)


def train_on_node(
    task: Task, node: str, origin: Provenance, tell: Callable[[Message], None]
) -> Message:
    """Train a group to its end, if this node has the same code.

    Args:
        task: what to train.
        node: this one's name, for people.
        origin: the task's, on this node.
        tell: called with messages of progress.

    Returns:
        The message of the group's end.
    """
    problem = _other_code(task, node, origin)
    if problem is not None:
        now = datetime.now(UTC)
        return Message(group=task.group, kind="failed", content=problem, started=now, origin=origin)
    executor = _executor(task.train)
    executor.give(task.group)
    reported = 0.0
    while True:
        for message in executor.messages(1.0):
            if message.kind == "failed":
                time.sleep(SETTLING)
            if message.kind != "progress":
                return replace(message, origin=origin)
            if time.monotonic() - reported >= REPORT_EVERY:
                reported = time.monotonic()
                tell(replace(message, origin=origin))


def _executor(train: str | None) -> Processes:
    """One whose process may have trained before, as importing torch takes seconds."""
    # A process sees the GPUs that it was started with.
    key = (train, os.environ.get("CUDA_VISIBLE_DEVICES"))
    found = _executors.get(key)
    if found is None or found.busy:
        while _executors:
            _executors.popitem()[1].end()
        found = _executors[key] = Processes(1, train)
    return found


def _other_code(task: Task, node: str, origin: Provenance) -> str | None:
    """Why this node must not train the group; None where it may."""
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
