"""An executor without processes: trains a group when it is asked what it has heard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.train.events import Group
from bench.train.executors.protocol import Message
from bench.train.executors.worker import by_row
from bench.train.provenance import provenance
from bench.tune.trial_training import train


class Inline:
    """One group at a time; every update is heard of.

    Args:
        interrupted_after: groups to train before Ctrl-C is pressed.
    """

    keeps_code = False

    def __init__(self, interrupted_after: int | None = None) -> None:
        self.groups: list[Group] = []
        self.ended = False
        self._remaining = interrupted_after
        self._group: Group | None = None
        self._origin = provenance()

    @property
    def places(self) -> int:
        return 1

    @property
    def free(self) -> bool:
        return self._group is None

    @property
    def busy(self) -> bool:
        return self._group is not None

    def give(self, group: Group, checkpoint: Path | None = None) -> None:
        self._group = group
        self.groups.append(group)

    def messages(self, timeout: float) -> Iterator[Message]:
        group = self._group
        assert group is not None
        if self._remaining == 0:
            raise KeyboardInterrupt
        self._remaining = None if self._remaining is None else self._remaining - 1
        heard: list[tuple[Any, Any]] = []
        results = train(
            group.description, group.seeds, [lambda progress: heard.append(("progress", progress))]
        )
        for kind, content in [*heard, ("done", by_row(group, results))]:
            if self._group is not group:
                return
            if kind == "done":
                self._group = None
            yield Message(
                group=group,
                kind=kind,
                content=content,
                started=datetime.now(UTC),
                origin=self._origin,
            )

    def stop(self, group: Group) -> None:
        if self._group is group:
            self._group = None

    def end(self) -> None:
        self.ended = True
