"""Answers for programs: one JSON object on standard output, words on standard error."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

import bench
from algorithms import ALGORITHMS
from bench.cli.app import main
from bench.cli.json_output import answering, plain
from bench.store import PUBLISHED

Asked = Callable[..., Any]


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str]) -> Asked:
    def ask(*arguments: str) -> Any:
        assert main([*arguments, "--json"]) == 0
        told = capsys.readouterr()
        assert told.err
        return json.loads(told.out)

    return ask


def test_lists(asked: Asked) -> None:
    assert "question" in asked("list")["ladder"]
    assert list(asked("list", "--algorithms")) == list(ALGORITHMS)


def test_a_plan_and_an_algorithm(asked: Asked, tmp_path: Path) -> None:
    told = asked("show", "clipping", "--results", str(tmp_path))
    assert told["cells"][0]["seeds"] == list(range(10)) and told["cells"][0]["missing"] == 10
    clip = asked("show", "clipped_ppo")["hyperparameters"]["clip_range"]
    assert (clip["default"], clip["low"]) == (0.2, 0)


def test_comparisons(asked: Asked) -> None:
    told = asked("compare", "baseline", "--results", str(PUBLISHED))["baseline"]
    frame = bench.compare("baseline", PUBLISHED)
    assert [row["difference"] for row in told] == [
        None if math.isnan(value) else value for value in frame["difference"]
    ]
    assert told[1]["claim"] == frame["claim"][1]


def test_claims(asked: Asked, tmp_path: Path) -> None:
    told = asked("claims", "k3_is_no_loss", "annealing_is_needed", "--results", str(tmp_path))
    verdicts = {name: each["verdict"] for name, each in told.items()}
    assert verdicts == {"k3_is_no_loss": "supported", "annealing_is_needed": "not tested"}


def test_the_doctor(asked: Asked) -> None:
    told = asked("doctor")
    assert told["warnings"] == [] and "torch" in told["versions"]


def test_an_exit_code_goes_with_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def disagree() -> None:
        with answering(True) as answer:
            answer["agree"] = False
            print("they differ")
            raise typer.Exit(1)

    with pytest.raises(typer.Exit):
        disagree()
    told = capsys.readouterr()
    assert (json.loads(told.out), told.err) == ({"agree": False}, "they differ\n")


def test_an_error_gives_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "nonsense", "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_plain_values() -> None:
    given = {1: np.float64("nan"), "a": (np.int64(2), Path("x")), "b": [True, None, math.inf]}
    assert plain(given) == {"1": None, "a": [2, "x"], "b": [True, None, None]}
