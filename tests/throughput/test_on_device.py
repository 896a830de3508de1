"""Measuring where physics and learning share a device: here the CPU, at a size of no meaning."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.cli.device_throughput import measure_and_show, show
from bench.store.throughput import read_device_rows, write_device_row
from bench.throughput.on_device import Failed, Question, measure, questions


def test_every_size_of_worlds_and_seeds_is_asked_for() -> None:
    requested = questions(["Hopper-v5"], ["clipped_ppo", "a2c"], (256, 512), (1, 10))
    kinds = [
        (question.kind, question.name, question.worlds, question.seeds) for question in requested
    ]
    assert kinds == [
        ("physics", "", 256, 0),
        ("environment", "", 256, 0),
        ("physics", "", 512, 0),
        ("environment", "", 512, 0),
        ("training", "clipped_ppo", 8, 1),
        ("training", "clipped_ppo", 80, 10),
        ("training", "a2c", 16, 1),
        ("training", "a2c", 160, 10),
    ]


@pytest.mark.warp
def test_toy_measurements_are_stored_shown_and_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = [
        *questions(["InvertedPendulum-v5"], [], (2,), ()),
        Question(
            kind="training", name="a2c", environment="InvertedPendulum-v5", seeds=1, worlds=16
        ),
        Question(kind="physics", name="", environment="Humanoid-v5", seeds=0, worlds=1),
    ]
    _, whole = measure_and_show(requested, "cpu", tmp_path, seconds=0.05, minutes=5)
    assert not whole
    output = capsys.readouterr().out
    assert "Humanoid-v5: MuJoCo Warp doesn't step" in output
    rows, problems = read_device_rows(tmp_path)
    assert not problems
    assert rows["kind"].tolist() == ["physics", "environment", "training"]
    assert rows["worlds"].tolist() == [2, 2, 16]
    assert (rows["steps"] == rows["ticks"] * rows["worlds"]).all()
    assert (rows["substeps"] == 2).all()
    assert 0 < rows["update"].iloc[2] < 1
    assert rows["update"].iloc[:2].isna().all()
    assert '"warp-lang"' in rows["versions"].iloc[0]

    def fail(*_: Any, **__: Any) -> Any:
        raise AssertionError("measured again")

    monkeypatch.setattr("bench.throughput.on_device._stepping", fail)
    shown_rows, whole = measure_and_show(requested[:2], "cpu", tmp_path, seconds=0.05, minutes=5)
    assert whole and len(shown_rows) == 3
    assert "InvertedPendulum-v5 on cpu" in capsys.readouterr().out


@pytest.mark.warp
def test_what_can_not_be_measured_says_why() -> None:
    question = Question(kind="physics", name="", environment="Nowhere-v5", seeds=0, worlds=1)
    (answer,) = measure([question], "cpu", seconds=0.1)
    assert isinstance(answer, Failed)
    assert "Nowhere-v5" in answer.reason


def test_the_newest_of_equal_measurements_counts(tmp_path: Path) -> None:
    for seconds, hour in ((1.0, 1), (2.0, 2)):
        write_device_row(tmp_path, stored(seconds, hour))
    (tmp_path / "device_throughput" / "torn.parquet").write_bytes(b"PAR1")
    rows, problems = read_device_rows(tmp_path)
    assert rows["seconds"].tolist() == [2.0]
    assert len(problems) == 1
    console = Console(file=io.StringIO(), width=160)
    show(console, rows)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Hopper-v5 on NVIDIA Z1" in output
    assert "1,000" in output  # 2,000 steps in 2 s
    assert "4,000" in output  # of the physics
    assert "30%" in output  # of a tick without a kernel


def stored(seconds: float, hour: int) -> dict[str, object]:
    from datetime import UTC, datetime

    return {
        "measured": datetime(2026, 1, 2, hour, tzinfo=UTC),
        "device": "NVIDIA Z1",
        "kind": "environment",
        "name": "",
        "environment": "Hopper-v5",
        "seeds": 0,
        "worlds": 100,
        "ticks": 20,
        "steps": 2000,
        "substeps": 4,
        "seconds": seconds,
        "busy": 0.7,
        "commit": "c0ffee",
        "versions": "{}",
        "machine": "{}",
    }
