"""The log of a training: every event with its time, in a file of its own."""

from __future__ import annotations

import logging
import re
from functools import partial
from pathlib import Path

import pytest

from bench.train import event_log
from bench.train.event_log import logged
from bench.train.standing import Counter
from tests.terminal.test_progress import EVENTS, PLAN


def test_every_event_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "PROGRESS_EVERY", 0.0)
    count = Counter(PLAN)
    with logged(tmp_path / "logs", count) as log:
        for event in EVENTS:
            count(event)
            log(event)
    (file,) = (tmp_path / "logs").iterdir()
    lines = file.read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line) for line in lines)
    assert [line.split(" ", 2)[2] for line in lines] == [
        "planned 5 runs in 2 groups; kept 0, 0 stale",
        "started one = same, Hopper-v5, seeds 0-2",
        "started one = same, Hopper-v5, seeds 3,5",
        "57% of one = same, Hopper-v5, seeds 0-2, last return 12.3",
        "ended one = same, Hopper-v5, seeds 0-2 in 65 s: 0 finished, 1 finished, 2 diverged",
        "numbers [stopped] being finite",
        "ended one = same, Hopper-v5, seeds 3,5 in 0 s: 3 elsewhere, 5 elsewhere",
    ]
    assert not logging.getLogger("bench.train").handlers


def test_two_trainings_at_a_time_have_a_log_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with logged(tmp_path, Counter(PLAN)) as first, logged(tmp_path, Counter(PLAN)) as second:
        first(EVENTS[0])
        second(EVENTS[0])
        first(EVENTS[0])
    assert sorted(len(file.read_text().splitlines()) for file in tmp_path.iterdir()) == [1, 2]
    assert len(caplog.records) == 3


def test_it_is_shown_where_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logged(tmp_path, Counter(PLAN), verbose=True) as log:
        log(EVENTS[0])
    assert "planned 5 runs" in capsys.readouterr().err


def test_training_goes_on_if_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(event_log._File, "_open", partial(open, "/dev/full", "w"))
    with logged(tmp_path, Counter(PLAN)) as log:
        log(EVENTS[0])
    assert capsys.readouterr().err == ""
    assert not logging.getLogger("bench.train").handlers


def test_training_goes_on_without_a_log(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with logged(tmp_path / "logs", Counter(PLAN)) as log:
        log(EVENTS[0])
