"""A log of what was trained: one line per event, with its time, for `logging`'s handlers."""

from __future__ import annotations

import logging
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from bench.train.events import (
    Ended,
    Event,
    Group,
    Planned,
    Progressed,
    Row,
    Started,
    Stopped,
    Waited,
)
from bench.train.standing import Counter, group_text

LOGGER = logging.getLogger("bench.train")
FORMAT = "%(asctime)s %(message)s"
PROGRESS_EVERY = 60.0
"""Least number of seconds between two lines on a group's progress."""


class EventLog:
    """Logs the runner's events.

    Args:
        counter: counts groups' progress; it has to receive every event before this log does.
        logger: takes the lines.
    """

    def __init__(self, counter: Counter, logger: logging.Logger) -> None:
        self._counter, self._logger = counter, logger
        self._logged_at: dict[Group, float] = {}

    def __call__(self, event: Event) -> None:
        """Log one event."""
        for line in self._lines(event):
            self._logger.info(line)

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case Planned(groups=groups, kept=kept, stale=stale):
                runs = sum(len(group.rows) for group in groups)
                yield f"planned {runs} runs in {len(groups)} groups; kept {kept}, {stale} stale"
            case Started(group=group):
                self._logged_at[group] = time.monotonic()
                yield f"started {group_text(self._counter.standing_of(group))}"
            case Progressed(group=group):
                if time.monotonic() - self._logged_at[group] >= PROGRESS_EVERY:
                    self._logged_at[group] = time.monotonic()
                    standing = self._counter.flying[group]
                    suffix = (
                        ""
                        if standing.last_return is None
                        else f", last return {standing.last_return:.1f}"
                    )
                    yield f"{standing.done / standing.steps:.0%} of {group_text(standing)}{suffix}"
            case Ended(group=group, seconds=seconds, outcomes=outcomes, reasons=reasons):
                row_outcomes = ", ".join(
                    f"{self._named(row, group)} {outcome}" for row, outcome in outcomes.items()
                )
                label = group_text(self._counter.standing_of(group))
                yield f"ended {label} in {seconds:.0f} s: {row_outcomes}"
                yield from reasons
            case Stopped(reason=reason):
                yield f"stopped: {reason}"
            case Waited(elsewhere=elsewhere) if elsewhere:
                yield f"waiting for {elsewhere} runs that other processes train"

    def _named(self, row: Row, group: Group) -> str:
        """Return a row's seed, with its variant if the group has several."""
        standing = self._counter.standing_of(Group((row,)))
        variant = f"{standing.variants[0][0]} " if len(group.descriptions) > 1 else ""
        return f"{variant}{row.seed}"


class _File(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing of a full disk, each time: training doesn't depend on its log."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


@contextmanager
def logged(folder: Path, counter: Counter, *, verbose: bool = False) -> Iterator[EventLog]:
    """Give a log to a new file in this folder, and to the terminal if `verbose`.

    If nothing can be written there, there is no file: training doesn't depend on it. Trainings in
    threads of one process have logs of their own; handlers of `LOGGER` get the lines of all.

    Args:
        folder: made if it is missing.
        counter: as for `EventLog`.
        verbose: whether the lines are printed on standard error, too.
    """
    logger = logging.Logger(LOGGER.name, logging.INFO)
    logger.parent = LOGGER
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{os.getpid()}-{uuid.uuid4().hex[:6]}.log"
    handlers: list[logging.Handler] = [logging.StreamHandler()] if verbose else []
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(_File(folder / name, encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter(FORMAT))
        logger.addHandler(handler)
    try:
        yield EventLog(counter, logger)
    finally:
        for handler in handlers:
            with suppress(OSError):
                handler.close()
