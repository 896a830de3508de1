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

JsonOf = Callable[..., Any]


@pytest.fixture
def json_of(capsys: pytest.CaptureFixture[str]) -> JsonOf:
    def ask(*arguments: str) -> Any:
        assert main([*arguments, "--json"]) == 0
        captured = capsys.readouterr()
        assert captured.err
        return json.loads(captured.out)

    return ask


def test_lists(json_of: JsonOf) -> None:
    assert "question" in json_of("list")["ladder"]
    assert list(json_of("list", "--algorithms")) == list(ALGORITHMS)


def test_a_plan_and_an_algorithm(json_of: JsonOf, tmp_path: Path) -> None:
    plan = json_of("show", "clipping", "--results", str(tmp_path))
    assert plan["cells"][0]["seeds"] == list(range(10)) and plan["cells"][0]["missing"] == 10
    hyperparameters = json_of("show", "clipped_ppo")["hyperparameters"]
    clip_range = hyperparameters["clip_range"]
    assert (clip_range["default"], clip_range["low"]) == (0.2, 0)
    # What is switched off by infinity is not what has no default.
    assert hyperparameters["value_clip"]["default"] == "inf"
    assert hyperparameters["clip_range_above"]["default"] is None


def test_comparisons(json_of: JsonOf) -> None:
    answer = json_of("compare", "baseline", "--results", str(PUBLISHED))["baseline"]
    rows = answer["differences"]
    assert any("Holm" in note for note in answer["notes"])
    frame = bench.compare("baseline", PUBLISHED)
    assert [row["difference"] for row in rows] == [
        None if math.isnan(value) else value for value in frame["difference"]
    ]
    assert rows[1]["claim"] == frame["claim"][1]


def test_claims(json_of: JsonOf, tmp_path: Path) -> None:
    claims = json_of("claims", "k3_is_no_loss", "annealing_is_needed", "--results", str(tmp_path))
    verdicts = {name: claim["verdict"] for name, claim in claims.items()}
    assert verdicts == {"k3_is_no_loss": "supported", "annealing_is_needed": "not tested"}


def test_the_doctor(json_of: JsonOf) -> None:
    report = json_of("doctor")
    assert report["warnings"] == [] and "torch" in report["versions"]


def test_an_exit_code_goes_with_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def disagree() -> None:
        with answering(True) as answer:
            answer["agree"] = False
            print("they differ")
            raise typer.Exit(1)

    with pytest.raises(typer.Exit):
        disagree()
    captured = capsys.readouterr()
    assert (json.loads(captured.out), captured.err) == ({"agree": False}, "they differ\n")


@pytest.mark.parametrize("code", [130, 143])
def test_an_interrupted_command_gives_no_answer(
    code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def end() -> None:
        with answering(True) as answer:
            answer["agree"] = True
            raise typer.Exit(code)

    with pytest.raises(typer.Exit):
        end()
    assert capsys.readouterr().out == ""


def test_an_error_gives_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "nonsense", "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_plain_values() -> None:
    values = {1: np.float64("nan"), "a": (np.int64(2), Path("x")), "b": [True, None, -math.inf]}
    assert plain(values) == {"1": None, "a": [2, "x"], "b": [True, None, "-inf"]}
