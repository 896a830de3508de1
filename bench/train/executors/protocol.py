"""The interface between the runner and an executor: processes of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from bench.train.events import Group
from bench.train.provenance import Provenance


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message about a group in training.

    Attributes:
        kind, content: "progress" and a `Progress`; at the end "done" and row -> `RunResult`, or
            "failed" and the reason.
        started: time when the group was given to the executor.
        origin: provenance of the code and the machine that train it.
        received: time when the message came.
    """

    group: Group
    kind: Literal["progress", "done", "failed"]
    content: Any
    started: datetime
    origin: Provenance
    received: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def seconds(self) -> float:
        """Seconds since the group was given to the executor."""
        return (self.received - self.started).total_seconds()


class Executor(Protocol):
    """Trains groups side by side. It only computes: storing results is the runner's task."""

    @property
    def keeps_code(self) -> bool:
        """Whether groups train by a copy of the code that was made before the first one began."""
        ...

    @property
    def places(self) -> int:
        """Groups that can train at the same time."""
        ...

    @property
    def free(self) -> bool:
        """Whether there is a place for another group."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a group is in training."""
        ...

    def give(self, group: Group, checkpoint: Path | None = None) -> None:
        """Train this group.

        Args:
            group: equal to no other in training.
            checkpoint: a file from which the group resumes, and to which it saves its state.
        """
        ...

    def messages(self, timeout: float) -> Iterator[Message]:
        """Yield new messages about groups, after waiting for them at most `timeout` seconds."""
        ...

    def stop(self, group: Group) -> None:
        """End a group's training; no further messages about it follow."""
        ...

    def end(self) -> None:
        """End every training."""
        ...
