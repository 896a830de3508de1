"""The tests of workers: each has new ones."""

from __future__ import annotations

import pytest

from bench.train.executors import processes
from tests.warm_workers import NewWorker


@pytest.fixture(autouse=True)
def new_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_Worker", NewWorker)
