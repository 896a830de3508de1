"""Token environments from the command line: run, drawn, and what is said of what doesn't fit."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from refusals import assert_refused

import bench
from bench.cli.app import main
from bench.store import Store

GUIDE = Path(__file__).parents[2] / "docs" / "sequence.md"
ABLATION = """
from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="coins",
    title="Coins",
    question="Does a penalty keep coins fair?",
    environments=("coins:Coins-v0",),
    variants=(
        Variant(name="free", algorithm="sequence_clipped_ppo",
                hyperparameters={"reference_penalty": 0.0}),
        Variant(name="held", algorithm="sequence_clipped_ppo",
                hyperparameters={"reference_penalty": 9.0}),
    ),
    control="free",
    steps=2_000,
    seeds=(0, 1),
)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ablation's file with its environment beside it: the one of the guide."""
    folder = tmp_path_factory.mktemp("coins")
    (task,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (folder / "coins.py").write_text(task)
    (folder / "question.py").write_text(ABLATION)
    return folder / "question.py"


@pytest.fixture(scope="module")
def results(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results")
    arguments = ["run", "--ablation", str(file), "--results", str(path), "--workers", "1"]
    assert main([*arguments, "--set", "learning_rate=0.05"]) == 0
    return path


def test_a_user_s_token_environment_is_trained_by_its_own_trainer(results: Path) -> None:
    view = bench.load("coins", results)
    assert set(view.runs["status"]) == {"finished"}
    assert set(view.runs["back_end"]) == {"sequence"}
    late = view.episodes[view.episodes["step"] > 1_000]
    means = late.groupby("variant", observed=True)["return"].mean()
    assert means["free"] > 3.5
    assert means["held"] < 2.5
    kl = view.updates.groupby("variant", observed=True)["reference_kl"].max()
    # Ten seeds: 0.69 or more without the penalty (ln 2 is all coins alike), 0.15 or less with it.
    assert kl["free"] > 0.5
    assert kl["held"] < 0.3
    assert view.updates["gold_reward"].isna().all()
    run = str(view.runs["run"].iloc[0])
    assert set(Store(results).policy(run)) == {"policy"}


def test_it_is_not_trained_twice(
    file: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--results", str(results), "--set", "learning_rate=0.05"]
    assert main(["run", "--ablation", str(file), *arguments]) == 0
    assert "Trained 0 runs" in capsys.readouterr().out


def test_rewards_are_drawn_against_kl_and_the_tables_tell_both(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, table = tmp_path / "coins.png", tmp_path / "coins.md"
    arguments = ["figure", "--ablation", "coins", "--results", str(results)]
    assert main([*arguments, "--x", "kl", "--output", str(picture), "--table", str(table)]) == 0
    assert picture.stat().st_size > 10_000
    assert "other code" not in capsys.readouterr().out
    text = table.read_text()
    assert "### coins:Coins-v0\n" in text
    assert "what the reward stands for, and what it cost" in text
    assert main([*arguments, "--x", "steps", "--output", str(picture)]) == 0


def test_what_has_no_reference_is_not_drawn_against_kl(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["figure", "--ablation", "small", "--results", str(trained), "--x", "kl"]
    assert main([*arguments, "--output", str(tmp_path / "x.png")]) == 2
    assert "token environments only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--algorithm", "clipped_ppo", "--env", "Reviews-v0"],
            "algorithm 'clipped_ppo' learns from actions, and 'Reviews-v0' takes whole answers. "
            "Allowed: sequence_policy_gradient,",
        ),
        (
            ["--algorithm", "sequence_clipped_ppo", "--env", "CartPole-v1"],
            "algorithm 'sequence_clipped_ppo' learns from whole answers, and 'CartPole-v1' takes "
            "actions. Allowed: vanilla_policy_gradient,",
        ),
        (
            ["--algorithm", "sequence_clipped_ppo", "--env", "Review-v0"],
            "unknown environment 'Review-v0'. Did you mean 'Reviews-v0'?",
        ),
        (
            ["--algorithm", "sequence_clipped_ppo", "--env", "Reviews-v0", "--set", "samples=1"],
            "value '1' of samples is out of range. Allowed: 2 to any",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(["run", *arguments, "--results", str(tmp_path / "results")], message, capsys)
    assert not (tmp_path / "results").exists()


def test_throughput_is_not_of_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["throughput", "--algorithm", "sequence_clipped_ppo", "--quick"]) == 2
    assert "sequence_clipped_ppo" in capsys.readouterr().err


def test_a_task_s_module_that_fails_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "failing_task.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    arguments = ["run", "--algorithm", "sequence_clipped_ppo", "--env", "failing_task:X-v0"]
    assert main([*arguments, "--results", str(tmp_path / "results")]) == 2
    message = "environment 'failing_task:X-v0' can't be made: ZeroDivisionError: division by zero"
    assert message in capsys.readouterr().err
    assert "failing_task" not in sys.modules


def test_a_policy_is_evaluated_and_read(
    file: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(results, tmp_path / "copy")
    options = ["--results", str(copy), "--ablation", str(file), "--seeds", "0"]
    assert main(["evaluate", *options, "--variant", "free", "--episodes", "50", "--json"]) == 0
    (evaluation,) = json.loads(capsys.readouterr().out).values()
    assert len(evaluation["sampled"]) == 50 and sum(evaluation["sampled"]) / 50 > 3.5
    assert main(["watch", *options, "--variant", "free", "--episodes", "3", "--sampled"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and "sequence_clipped_ppo in coins:Coins-v0" in lines[0]
    for line in lines[1:]:
        prompt, answer = line.split(" | ")
        assert prompt in ("heads", "tails")
        assert len(answer.split()) == 5 and answer.endswith(")")
    (copy / "runs" / "torn.parquet").write_bytes(b"")
    assert main(["watch", *options, "--variant", "free"]) == 0
    assert "torn.parquet" in capsys.readouterr().out.splitlines()[-1]
    assert main(["watch", *options, "--output", "coins.mp4"]) == 2
    assert "is read, not seen: leave out --output" in capsys.readouterr().err


def test_a_policy_that_diverged_is_not_played(
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Heads again and again would be worth 4, the most there is."""
    monkeypatch.syspath_prepend(file.parent)
    options = ["--results", str(tmp_path)]
    run = ["run", "--algorithm", "sequence_policy_gradient", "--env", "coins:Coins-v0", *options]
    for seed, rate in (("0", "1e-3"), ("1", "1e38")):
        settings = ["--seeds", seed, "--steps", "300", "--set", f"learning_rate={rate}"]
        assert main([*run, *settings, "--workers", "1"]) == 0
    assert "diverged" in capsys.readouterr().out
    options += ["--import", "coins"]
    for verb in ("evaluate", "watch"):
        assert main([verb, *options, "--seeds", "1"]) == 2
        error = capsys.readouterr().err
        assert "diverged after 128 steps, so its policy is not played: " in error
        assert error.count("\n") == 1
    assert main(["evaluate", *options]) == 0
    output = capsys.readouterr().out
    assert output.count("deterministic") == 1 and "1 run of" in output
    assert output.count("so its policy is not played") == 1
