"""What the runner asks of whoever trains: processes of this machine, or other machines."""

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
    """What is heard of a group in training.

    Attributes:
        kind, content: "progress" and a `Progress`; at its end "done" and row -> `RunResult`, or
            "failed" and why.
        started: when the group was given.
        origin: of the code and the machine that train it.
        said: when the message came.
    """

    group: Group
    kind: Literal["progress", "done", "failed"]
    content: Any
    started: datetime
    origin: Provenance
    said: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def seconds(self) -> float:
        """Since the group was given."""
        return (self.said - self.started).total_seconds()


class Executor(Protocol):
    """Trains groups side by side. It only computes: what it is given leaves no trace behind it."""

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
            checkpoint: a file from which it goes on, and in which it leaves behind where it is.
        """
        ...

    def messages(self, timeout: float) -> Iterator[Message]:
        """What has been heard of groups since, waited for at most `timeout` seconds."""
        ...

    def stop(self, group: Group) -> None:
        """End a group's training; nothing more is heard of it."""
        ...

    def end(self) -> None:
        """End every training."""
        ...
