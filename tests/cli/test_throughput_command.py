"""`throughput`, interrupted in the middle of a round."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from refusals import assert_refused

from bench.cli.app import main
from bench.errors import InputError
from bench.store.throughput import read_latest
from bench.throughput import session

REQUEST = ["--algorithm", "vanilla_policy_gradient", "--env", "CartPole-v1", "--seeds", "1"]


def interrupted_at(
    measurement: int, results: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, list[str]]:
    """A session of 1,000 rounds, ended by Ctrl-C in place of a measurement: exit code, measured."""
    measured: list[str] = []
    measure = session._measure

    def watched(team: session.Team, rival: session.Rival, seconds: float) -> Any:
        if len(measured) == measurement:
            signal.raise_signal(signal.SIGINT)
        measured.append(rival.kind)
        return measure(team, rival, 0.05)

    monkeypatch.setattr(session, "_measure", watched)
    arguments = [*REQUEST, "--no-sweep", "--quick", "--rounds", "1000", "--results", str(results)]
    return main(["throughput", *arguments]), measured


def test_ctrl_c_keeps_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, measured = interrupted_at(3, tmp_path, monkeypatch)
    assert code == 130
    # The second round goes backwards, so its bare loop is missing.
    assert measured == ["bare", "training", "training"]
    rows, problems = read_latest(tmp_path)
    assert not problems
    measurements = [(row.round, row.kind, row.core) for row in rows.itertuples()]
    cores = range(rows["cores"].iloc[0])
    rivals = [(0, "bare"), (0, "training"), (1, "training")]
    assert measurements == [(*rival, core) for rival in rivals for core in cores]
    captured = capsys.readouterr()
    assert captured.err.strip() == "Interrupted."
    assert "Kept: 1 whole round of 1,000, and what was measured of the next." in captured.out
    assert "Medians over 1 to 2 rounds" in captured.out
    assert "Results: " in captured.out


def test_ctrl_c_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert interrupted_at(0, tmp_path, monkeypatch) == (130, [])
    assert "Nothing had been measured." in capsys.readouterr().out
    assert list((tmp_path / "throughput").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--device", "cuda", "--seeds", "3"], "--seeds"),
        (["--device", "cuda", "--no-sweep"], "--no-sweep"),
        (["--device", "cuda", "--output", "rates.png"], "--output"),
        (["--minutes", "3"], "--minutes"),
    ],
)
def test_options_of_the_other_device_are_refused(
    arguments: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(["throughput", *arguments], f"{option} has no effect with --device", capsys)


def test_what_can_not_be_measured_makes_it_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = session._measure

    def one_fails(team: session.Team, rival: session.Rival, seconds: float) -> Any:
        if rival.kind == "training":
            raise InputError("out of memory")
        return measure(team, rival, 0.05)

    monkeypatch.setattr(session, "_measure", one_fails)
    arguments = [*REQUEST, "--no-sweep", "--quick", "--results", str(tmp_path)]
    assert main(["throughput", *arguments]) == 1
    assert set(read_latest(tmp_path)[0]["kind"]) == {"bare"}
