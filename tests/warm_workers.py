"""Workers that live on from one command of a test to the next.

A worker takes three seconds to import torch and EnvPool, and a tenth of one to train what tests
train. It trains one group after the other anyway; here it does so for several commands. One that
has died, was stopped or was started in other surroundings (folder, module path, environment
variables) is not used again. The tests of workers themselves, tests/train, have new ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.train.executors import processes

NewWorker = processes._Worker
# Of the process that commands are run in alone: a worker makes nothing of them.
_ITS_OWN = ("COLUMNS", "PPO_LADDER_RESULTS", "PYTEST_CURRENT_TEST")


def _surroundings() -> tuple[object, ...]:
    variables = {name: text for name, text in os.environ.items() if name not in _ITS_OWN}
    return os.getcwd(), list(sys.path), list(sys.warnoptions), variables


class _Pool:
    def __init__(self) -> None:
        self.home = _surroundings()
        self.idle: list[_WarmWorker] = []

    def hire(self, train: str | None) -> processes._Worker:
        if train is not None or _surroundings() != self.home:
            return NewWorker(train)
        while self.idle:
            worker = self.idle.pop()
            if worker._child.exit_code is None:
                return worker
        return _WarmWorker(self)


class _WarmWorker(NewWorker):
    def __init__(self, pool: _Pool) -> None:
        super().__init__(None)
        self._pool = pool

    def end(self) -> None:
        if self.group is None and not self.dead:
            self._pool.idle.append(self)
        else:
            super().end()


@contextmanager
def shared() -> Iterator[None]:
    """Until the end of the block, workers live on."""
    pool = _Pool()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "_Worker", pool.hire)
        yield
    for worker in pool.idle:
        NewWorker.end(worker)
