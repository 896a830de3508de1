"""Algorithms for people: listed with their objectives, shown with every hyperparameter."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from refusals import assert_refused

from algorithms import ALGORITHMS
from bench.cli.algorithm_page import allowed_text
from bench.cli.app import main
from bench.plan.lookup import load_algorithm


def test_the_list_has_every_algorithm(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--algorithms"]) == 0
    output = capsys.readouterr().out
    assert all(f"\n{name} " in output for name in ALGORITHMS)
    assert "E_θ'[ min(ρ A^θ', clip(ρ, 1−ε, 1+ε) A^θ') ]" in output


@pytest.mark.parametrize("arguments", [["clipped_ppo"], ["--algorithm", "baseline"], ["cem"]])
def test_a_page_has_every_hyperparameter(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", *arguments]) == 0
    output = capsys.readouterr().out
    algorithm = load_algorithm(arguments[-1])
    assert output.startswith(algorithm.title) and algorithm.equation in output
    assert f"{algorithm.name}.py" in output
    joined = " ".join(output.split())
    for field in dataclasses.fields(algorithm.hyperparameters):
        assert f"\n  {field.name} = {field.default}" in output
        assert " ".join(field.metadata["meaning"].split()) in joined


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clipped_ppo", "--env", "Hopper-v5"], "--env is for an ablation"),
        (["--algorithm", "clipped_ppo", "--steps", "5k"], "--steps is for an ablation"),
        (["baseline", "--algorithm", "clipped_ppo"], "name an ablation or an algorithm"),
    ],
)
def test_an_algorithm_has_no_plan(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(["show", *arguments], message, capsys)


def test_the_command_that_it_ends_with_is_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "clipped_ppo"]) == 0
    command = capsys.readouterr().out.split("python -m bench run ")[1].splitlines()[0]
    arguments = command.replace("ENVIRONMENT", "CartPole-v1").split()
    assert main(["show", *arguments, "--results", str(tmp_path)]) == 0
    assert "10 runs, 10 of them missing" in capsys.readouterr().out


def test_an_ablation_comes_before_an_algorithm_of_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "baseline"]) == 0
    output = capsys.readouterr().out
    assert "variant" in output and "show --algorithm baseline" in output


@pytest.mark.parametrize(
    ("metadata", "text"),
    [
        ({"choices": ("tanh", "relu")}, "one of tanh, relu"),
        ({"low": 0.0, "high": 1.0}, "0 to 1"),
        ({"low": 1}, "at least 1"),
        ({"high": 3.0}, "at most 3"),
        ({"low": 1, "part_of": "batch_steps"}, "at least 1, at most batch_steps"),
        ({}, ""),
    ],
)
def test_the_allowed_values(metadata: dict[str, object], text: str) -> None:
    assert allowed_text(metadata) == text


def test_an_ablation_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "baseline", "--ablation", "clipping"]) == 2
    assert "name the ablation once" in capsys.readouterr().err
