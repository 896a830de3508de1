"""Environments unlike those of the suite, trained as a user would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.store import Store

ROOT = Path(__file__).parents[2]
MODULE = "tests.odd_environments"
TRAINED = [
    "Strict-v0",
    "Child-v0",
    "IntReward-v0",
    "ListObservation-v0",
    "WideObservation-v0",
    "zoo/Slash-v0",
    "Unversioned",
    "OneStep-v0",
    "NoAxis-v0",
    "Unbounded-v0",
    "OneChoice-v0",
    "TupleOfThree-v0",
    "DictOfTwo-v0",
    "ConstantReward-v0",
    "Prints-v0",
    "Account-v0",
]
PPO = ["--algorithm", "clipped_ppo", "--set", "batch_steps=64", "--set", "epochs=1"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one command has trained all of them."""
    folder = tmp_path_factory.mktemp("odd")
    environments = [word for name in TRAINED for word in ("--env", f"{MODULE}:{name}")]
    command = ["-m", "bench", "run", *PPO, *environments, "--seeds", "0-1", "--steps", "400"]
    answer = subprocess.run(
        [sys.executable, *command, "--workers", "1", "--results", str(folder)],
        capture_output=True,
        check=False,
        text=True,
        cwd=ROOT,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    return folder


@pytest.mark.parametrize("name", TRAINED)
def test_it_is_trained(name: str, results: Path) -> None:
    store = Store(results)
    runs = store.runs()
    runs = runs[runs["environment"] == f"{MODULE}:{name}"]
    assert runs["status"].tolist() == ["finished"] * 2
    assert runs["reason"].isna().all()
    lengths = set(store.episodes(runs["run"].tolist())["length"])
    assert lengths == ({1} if name == "OneStep-v0" else {20})


def test_what_they_pay_is_what_is_stored(results: Path) -> None:
    store = Store(results)
    runs = store.runs().set_index("environment")

    def returns(name: str) -> list[float]:
        paid: list[float] = store.episodes(runs.loc[f"{MODULE}:{name}", "run"].tolist())[
            "return"
        ].tolist()
        return paid

    assert set(returns("ConstantReward-v0")) == {20.0}
    assert set(returns("OneChoice-v0")) == {0.0}
    assert set(returns("OneStep-v0")) == {0.0, 1.0}
    assert all(abs(total) <= 20 * 2 * 0.1 for total in returns("Strict-v0"))
    # Twenty days of 50,000, of an action's 2 at most, and of noise.
    assert all(1e6 - 500 < total < 1e6 + 500 for total in returns("Account-v0"))


@pytest.mark.parametrize("verb", ["figure", "evaluate"])
def test_what_comes_after_training_works_on_them(
    verb: str, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = ["--ablation", "clipped_ppo", "--output", str(tmp_path / "a.png")]
    evaluate = ["--episodes", "1", "--seeds", "0", "--env", f"{MODULE}:Strict-v0"]
    options = {"figure": figure, "evaluate": [*evaluate, "--env", f"{MODULE}:Child-v0"]}[verb]
    assert main([verb, *options, "--results", str(results)]) == 0
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Keywords-v0", "missing 1 required positional argument: 'difficulty'"),
        ("Missing-v0", "unknown environment"),
        ("ManyChoices-v0", "allowed are Discrete and a Box of real numbers"),
        ("Switches-v0", "allowed are Discrete and a Box of real numbers"),
    ],
)
def test_what_can_not_be_made_is_refused(
    name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "results"
    arguments = ["run", *PPO, "--env", f"{MODULE}:{name}", "--results", str(folder)]
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("OldReset-v0", "raised by the environment"),
        ("WrongShape-v0", "raised by the environment"),
        ("NoOptions-v0", "reset() got an unexpected keyword argument 'options'; raised by the env"),
        ("ArrayReward-v0", "arrays can be converted to Python scalars; raised by the environment"),
        ("Exits-v0", "SystemExit: no licence"),
    ],
)
def test_what_fails_in_training_is_told(
    name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", *PPO, "--env", f"{MODULE}:{name}", "--seeds", "0", "--steps", "64"]
    assert main([*arguments, "--workers", "1", "--results", str(tmp_path)]) == 1
    assert f"1 run of clipped_ppo in {MODULE}:{name} FAILED: " in capsys.readouterr().out
    (reason,) = Store(tmp_path).runs()["reason"]
    assert message in reason
