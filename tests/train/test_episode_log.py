"""A log of episodes gives back what it was given, in memory that doesn't grow with their number."""

from __future__ import annotations

import os
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from bench.train.episode_log import ROW, EpisodeLog

TYPES = {"step": np.int64, "return": np.float64, "length": np.int32, "seconds": np.float64}


def episode(number: int) -> tuple[int, float, int, float]:
    return 10**10 + number, number / 3, number % 1000, number / 64


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 16, 100])
def test_it_gives_back_every_episode_in_order(count: int) -> None:
    log = EpisodeLog(held=8)
    for number in range(count):
        log.append(*episode(number))
        if number % 5 == 0:
            # Looked at in between, as a checkpoint does.
            assert len(log.columns()["step"]) == number + 1
    columns = log.columns()
    assert {name: column.dtype for name, column in columns.items()} == TYPES
    expected = [np.array(values) for values in zip(*map(episode, range(count)), strict=True)]
    for column, values in zip(columns.values(), expected, strict=False):
        np.testing.assert_array_equal(column, values)
    assert {len(column) for column in columns.values()} == {count}
    assert log.last_return == (episode(count - 1)[1] if count else None)


def test_columns_stay_as_they_were() -> None:
    log = EpisodeLog(held=2)
    for number in range(2):
        log.append(*episode(number))
    few = log.columns()
    for number in range(2, 9):
        log.append(*episode(number))
    assert few["step"].tolist() == [episode(0)[0], episode(1)[0]]


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    count, held = 100_000, 256
    tracemalloc.start()
    log = EpisodeLog(held=held)
    for number in range(count):
        log.append(*episode(number))
    columns = log.columns()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * held * ROW.itemsize < count * ROW.itemsize / 10
    assert columns["step"][-1] == episode(count - 1)[0]
    # Nothing is left behind, however the process ends.
    assert os.listdir(tmp_path) == []
