"""Environments that draw from a process's shared generators: reproducible, and told."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.cli.app import main
from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm
from bench.store import Store
from bench.train.events import Group, Row
from bench.train.executors.worker import train_group
from bench.train.trainer import RunResult

SIZES = {"slots": 2, "hidden_sizes": (4,)}


def trained(environment: str, seeds: tuple[int, ...], algorithm: str = "cem") -> list[RunResult]:
    chosen = load_algorithm(algorithm)
    values = vars(chosen.hyperparameters(**SIZES))
    description = Description(
        algorithm=algorithm,
        hyperparameters=values,
        environment=environment,
        steps=90,
        back_end="gymnasium",
    )
    kind, results = train_group(Group.of(description, seeds), None, None, print)
    assert kind == "done", results
    by_row: dict[Row, RunResult] = results
    return list(by_row.values())


@pytest.mark.parametrize(
    ("environment", "generator"),
    [("GlobalRandom", "random"), ("GlobalNumpy", "numpy.random"), ("GlobalTorch", "torch")],
)
def test_a_group_is_reproducible_and_says_who_draws(environment: str, generator: str) -> None:
    name = f"tests.odd_environments:{environment}-v0"
    first = trained(name, (0, 1))
    random.random(), np.random.random(), torch.rand(())
    repeated = trained(name, (0, 1))
    for result, other in zip(first, repeated, strict=True):
        assert len(result.episodes["return"])
        np.testing.assert_array_equal(result.episodes["return"], other.episodes["return"])
        assert result.status == "finished"
        assert result.reason is not None
        assert f"draws from generators that a whole process shares ({generator})" in result.reason
    (alone,) = trained(name, (0,))
    assert alone.episodes["return"].tolist() != first[0].episodes["return"].tolist()


@pytest.mark.parametrize("algorithm", ["clipped_ppo", "reward_to_go", "cem", "trpo", "a2c"])
def test_nothing_of_the_suite_draws_from_them(algorithm: str) -> None:
    for result in trained("tests.odd_environments:OneStep-v0", (0, 1), algorithm):
        assert (result.status, result.reason) == ("finished", None)


def test_it_is_told_by_run_and_explained_by_verify(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--algorithm", "cem", "--env", "tests.odd_environments:GlobalNumpy-v0"]
    arguments += ["--seeds", "0-1", "--steps", "100", "--set", "slots=2", "--workers", "1"]
    assert main(["run", *arguments, "--results", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert (
        "2 runs of cem in tests.odd_environments:GlobalNumpy-v0 finished: the environment" in output
    )
    runs = Store(tmp_path).runs().set_index("seed")
    assert runs["status"].tolist() == ["finished"] * 2
    assert runs["reason"].str.contains("numpy.random").all()
    # Seed 0 alone is another run than seed 0 beside seed 1.
    arguments = ["--import", "tests.odd_environments", "--results", str(tmp_path)]
    assert main(["verify", runs.loc[0, "run"], *arguments]) == 0
    output = capsys.readouterr().out
    assert "bits may differ (the environment or the algorithm draws from generators" in output
