"""A million episodes to Parquet, run by run, and back into frames."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.store import Store, load
from tests.benchmarks.million_episodes import ABLATION, NUMBER, plan_rows, runs, write

pytestmark = pytest.mark.benchmarks


def test_write_a_million_episodes(benchmark: Any, tmp_path: Path) -> None:
    written, plan, folders = runs(), plan_rows(), itertools.count()

    def empty() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (tmp_path / str(next(folders)), written, plan), {}

    benchmark.pedantic(write, setup=empty, rounds=2)
    store = Store(tmp_path / "0")
    assert len(store.finished()) == len(written)
    assert not store.problems


def test_read_a_million_episodes(benchmark: Any, stored: Path) -> None:
    view = benchmark.pedantic(load, (ABLATION, stored), rounds=4)
    assert len(view.episodes) == NUMBER
    assert np.isfinite(view.episodes["return"]).all()
    assert not view.problems
