"""Workers that live on from one command of a test to the next.

A worker takes three seconds to import torch and EnvPool, and a tenth of one to train what tests
train. It trains one group after the other anyway; here it does so for several commands, as long as
they are called in the surroundings (folder, module path, environment variables) that it was started
in. One that has died or was stopped is not used again. The tests of workers themselves,
tests/train, have new ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.train.events import Group
from bench.train.executors import processes

NewWorker = processes._Worker
# Of the process that commands are run in alone: a worker makes nothing of them.
_ITS_OWN = ("COLUMNS", "PPO_LADDER_RESULTS", "PYTEST_CURRENT_TEST")
_MOST_IDLE = 4
_idle: list[_WarmWorker] = []


def _surroundings() -> tuple[object, ...]:
    variables = {name: text for name, text in os.environ.items() if name not in _ITS_OWN}
    return os.getcwd(), list(sys.path), list(sys.warnoptions), variables


def _hire(train: str | None, together: int) -> processes._Worker:
    if train is not None or together > 1:
        return NewWorker(train, together)
    surroundings = _surroundings()
    for worker in _idle:
        if worker.surroundings == surroundings and worker._child.exit_code is None:
            _idle.remove(worker)
            return worker
    return _WarmWorker(surroundings)


class _WarmWorker(NewWorker):
    def __init__(self, surroundings: tuple[object, ...]) -> None:
        super().__init__(None, together=1)
        self.surroundings = surroundings
        self._stopped = False

    def drop(self, group: Group) -> bool:
        dropped = super().drop(group)
        self._stopped |= dropped
        return dropped

    def end(self) -> None:
        if self.groups or self.dead or self._stopped:
            super().end()
            return
        _idle.append(self)
        if len(_idle) > _MOST_IDLE:
            NewWorker.end(_idle.pop(0))


@contextmanager
def shared() -> Iterator[None]:
    """Until the end of the block, workers live on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "_Worker", _hire)
        yield
    while _idle:
        NewWorker.end(_idle.pop())
