"""A small ablation of real training, as a user's own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.app import main

TEXT = """
from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="small",
    title="Small",
    question="Does a baseline help on CartPole?",
    environments=("CartPole-v1",),
    variants=(
        Variant(name="vanilla", algorithm="vanilla_policy_gradient"),
        Variant(name="mean", algorithm="baseline", hyperparameters={"baseline": "batch_mean"}),
    ),
    control="vanilla",
    steps=400,
    seeds=(0, 1),
)
"""


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are not folded, wherever the tests run."""
    monkeypatch.setenv("COLUMNS", "150")


@pytest.fixture(scope="session")
def ablation_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("ablations") / "small.py"
    file.write_text(TEXT)
    return file


@pytest.fixture(scope="session")
def trained(ablation_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the small ablation has been run. Not to be changed."""
    results = tmp_path_factory.mktemp("trained")
    arguments = ["--ablation", str(ablation_file), "--results", str(results), "--workers", "1"]
    assert main(["run", *arguments]) == 0
    return results
