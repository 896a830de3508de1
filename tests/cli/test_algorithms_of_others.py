"""A user's own algorithm and environment, from the command line to the report's command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from refusals import assert_refused

from bench.cli.app import main
from bench.plan.digest import code_digest
from bench.store import Store, load

ALGORITHM = """
from dataclasses import dataclass, replace

from algorithms.hyperparameters import hyperparameter
from algorithms.ladder.vanilla_policy_gradient import ALGORITHM as NEIGHBOUR, Hyperparameters

@dataclass(frozen=True, kw_only=True)
class Own(Hyperparameters):
    slots: int = hyperparameter(3, "trajectories", low=2)

ALGORITHM = replace(NEIGHBOUR, name="mine", title="Mine", hyperparameters=Own)
"""
ENVIRONMENT = """
import gymnasium
gymnasium.register(
    "ShortPole-v0", "gymnasium.envs.classic_control:CartPoleEnv", max_episode_steps=20
)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with an algorithm and an environment."""
    folder = tmp_path / "site" / "extension_package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "algorithm.py").write_text(ALGORITHM)
    (folder / "environments.py").write_text(ENVIRONMENT)
    information = folder.parent / "extension_package-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: extension_package\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[ppo_ladder.algorithms]\nmine = extension_package.algorithm:ALGORITHM\n"
        "[ppo_ladder.environments]\nShortPole-v0 = extension_package.environments\n"
    )
    monkeypatch.syspath_prepend(folder.parent)
    return folder


def test_both_by_the_names_of_their_package(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    request = ["--algorithm", "mine", "--control", "baseline", "--env", "ShortPole-v0"]
    size = ["--steps", "100", "--seeds", "0-1", "--results", str(results)]
    assert main(["show", *request, *size]) == 0
    output = capsys.readouterr().out
    assert "What does Mine gain over Baseline?" in output
    assert "4 runs, 4 of them missing" in output
    assert main(["run", *request, *size]) == 0
    output = capsys.readouterr().out
    assert "Trained 4 runs" in output
    assert f"python -m bench report mine --results {results}" in output

    view = load("mine", results)
    assert set(view.runs["status"]) == {"finished"}
    assert list(view.runs["variant"].unique()) == ["baseline", "mine"]
    mine = view.runs[view.runs["variant"] == "mine"]
    assert set(mine["algorithm"]) == {"extension_package.algorithm:ALGORITHM"}
    assert set(mine["environment"]) == {"extension_package.environments:ShortPole-v0"}
    assert json.loads(mine["hyperparameters"].iloc[0])["slots"] == 3
    assert list(mine["digest"]) == [code_digest(mine.iloc[0])] * 2
    options = json.loads(view.plan["metadata"].iloc[0])["options"]
    assert options == "--algorithm mine --control baseline --env ShortPole-v0"

    # By its address it is the same run; as other code it is told to be.
    address = ["--algorithm", "extension_package.algorithm:ALGORITHM", *request[2:]]
    assert main(["run", *address, *size]) == 0
    assert "Trained 0 runs in 0 s; 4 runs kept from before." in capsys.readouterr().out
    (package / "algorithm.py").write_text(ALGORITHM + "MORE = 1\n")
    assert main(["show", *request, *size]) == 0
    assert "2 runs done by other code" in capsys.readouterr().out
    assert main(["figure", "--ablation", "mine", "--results", str(results)]) == 0
    assert "2 of 4 runs come from other code than this tree's" in capsys.readouterr().out


def test_an_ablation_s_file_finds_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "lying_beside.py").write_text(ALGORITHM)
    (tmp_path / "question.py").write_text(
        "from ablations.spec import Ablation, Variant\n"
        'variant = Variant(name="one", algorithm="lying_beside:ALGORITHM")\n'
        'ABLATION = Ablation(name="question", title="T", question="Why?", variants=(variant,),\n'
        '    environments=("CartPole-v1",), control="one", steps=50, seeds=(0,))\n'
    )
    arguments = ["--ablation", str(tmp_path / "question.py"), "--results", str(tmp_path / "r")]
    assert main(["run", *arguments, "--workers", "1"]) == 0
    (status,) = Store(tmp_path / "r").runs()["status"]
    assert status == "finished"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name an ablation with --ablation, or an algorithm with --algorithm"),
        (["--algorithm", "trpo"], "--algorithm needs an environment, like --env Hopper-v5"),
        (["--algorithm", "trp", "--env", "Hopper-v5"], "Did you mean 'trpo'?"),
        (["--algorithm", "trpo", "--ablation", "ladder"], "exclude each other"),
        (["--ablation", "ladder", "--control", "trpo"], "--control goes with --algorithm"),
        (
            ["--algorithm", "raising_plugin:ALGORITHM", "--env", "Hopper-v5"],
            "the algorithm plugin 'raising_plugin:ALGORITHM' can't be imported: "
            "ZeroDivisionError: division by zero (raising_plugin.py:1)",
        ),
        (
            ["--algorithm", "trpo", "--env", "Hopper-v5", "--control", "raising_plugin:ALGORITHM"],
            "the algorithm plugin 'raising_plugin:ALGORITHM' can't be imported",
        ),
    ],
)
def test_refusals(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "raising_plugin.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert_refused(["run", *arguments, "--results", str(tmp_path / "results")], message, capsys)
    assert not (tmp_path / "results").exists()
