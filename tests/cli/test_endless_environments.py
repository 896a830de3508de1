"""Environments without a time limit: a limit can be given, and nothing waits for ever unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import run
from bench.cli.app import main
from bench.errors import InputError
from bench.plan.identity import Description
from bench.store import Store
from bench.store.evaluations import read_evaluations
from bench.tune.winner import winner_ablation
from tests.tune import tiny_study

IMPORT = ["--import", "tests.odd_environments"]
ENDLESS = "tests.odd_environments:Endless-v0"
SMALL = ("--seeds", "0", "--steps", "64", "--workers", "1", "--env", ENDLESS)
PPO = ("--algorithm", "clipped_ppo", "--set", "batch_steps=64")


@pytest.fixture(scope="module")
def trained_by_steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where clipped PPO was trained without a limit."""
    results = tmp_path_factory.mktemp("endless")
    assert main(["run", *PPO, *SMALL, "--results", str(results)]) == 0
    return results


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--algorithm", "reward_to_go"],
        ["run", "--algorithm", "clipped_ppo", "--algorithm", "cem"],
        ["run", *PPO, "--set", "staggered_start=true"],
        ["show", "--algorithm", "reward_to_go"],
        ["tune", "--algorithm", "clipped_ppo"],
    ],
)
def test_what_waits_for_the_end_of_episodes_needs_a_limit(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    assert main([*arguments, "--env", ENDLESS, "--results", str(results)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {ENDLESS} has no time limit, and ")
    assert "--time-limit N (time_limit in an ablation's file)" in line
    assert not results.exists()


def test_with_a_limit_it_is_trained_played_and_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    request = ["--algorithm", "vanilla_policy_gradient", *SMALL, "--time-limit", "9"]
    assert main(["run", *request, "--results", str(tmp_path)]) == 0
    store = Store(tmp_path)
    (row,) = store.runs().to_dict("records")
    assert Description.from_canonical(row["canonical"]).time_limit == 9
    assert set(store.episodes([row["run"]])["length"]) == {9}
    capsys.readouterr()
    # The limit of training holds for new episodes too, unless another one is given.
    for options, limit in (([], 9), (["--time-limit", "4"], 4)):
        command = ["evaluate", *IMPORT, "--results", str(tmp_path), "--episodes", "2", *options]
        assert main(command) == 0
        capsys.readouterr()
        lengths = read_evaluations(tmp_path, [row["run"]])[0]["length"]
        assert set(lengths) == {limit}
    assert main(["verify", row["run"], *IMPORT, "--results", str(tmp_path)]) == 0
    assert f"{row['run']} (" in (output := capsys.readouterr().out)
    assert "bit for bit" in output


def test_who_learns_by_steps_is_told_once(
    trained_by_steps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", *PPO, "--env", ENDLESS, "--results", str(trained_by_steps)]) == 0
    output = capsys.readouterr().out
    assert output.count(f"{ENDLESS} has no time limit, and an episode without an end has") == 1
    assert main(["show", *PPO, "--env", ENDLESS, "--time-limit", "9"]) == 0
    assert "has no time limit" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("verb", "option"),
    [
        (["evaluate"], "--time-limit N"),
        (["watch", "--output", "a.gif"], "--steps N cuts them after N steps"),
    ],
)
def test_its_policies_are_not_played_for_ever(
    verb: list[str], option: str, trained_by_steps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*verb, *IMPORT, "--results", str(trained_by_steps)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{ENDLESS} has no time limit, and episodes are played to their" in line
    assert option in line


def test_an_ablation_gives_a_limit_to_one_of_its_environments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "limited.py"
    file.write_text(
        f"""
from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="limited",
    title="Limited",
    question="Does it end?",
    environments=({ENDLESS!r}, "CartPole-v1"),
    variants=(Variant(name="only", algorithm="vanilla_policy_gradient"),),
    control="only",
    steps=32,
    time_limit={{{ENDLESS!r}: 2}},
    seeds=(0,),
)
"""
    )
    results = tmp_path / "results"
    assert main(["run", "--ablation", str(file), "--workers", "1", "--results", str(results)]) == 0
    store = Store(results)
    limits = {
        row["environment"]: Description.from_canonical(row["canonical"]).time_limit
        for row in store.runs().to_dict("records")
    }
    assert limits == {ENDLESS: 2, "CartPole-v1": None}
    endless = store.runs().set_index("environment").loc[ENDLESS]
    assert set(store.episodes([endless["run"]])["length"]) == {2}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--time-limit", "0"], "'--time-limit'"),
        (["--time-limit", "1000000001"], "'--time-limit'"),
        (
            ["--algorithm", "sequence_clipped_ppo", "--env", "Reviews-v0", "--time-limit", "9"],
            "no ",
        ),
    ],
)
def test_limits_that_can_not_be(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    request = ["--algorithm", "cem", "--env", "CartPole-v1"] if len(arguments) == 2 else []
    assert main(["show", *request, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_python_interface_refuses_them_too() -> None:
    with pytest.raises(InputError, match="time_limit = 0 is out of range"):
        run(algorithms=["cem"], environments=[ENDLESS], time_limit=0)


def test_a_tuned_ablation_has_the_limit_of_its_study() -> None:
    request = tiny_study.request(time_limit=50)
    assert request.name != tiny_study.request().name
    values = request.hyperparameters({"learning_rate": 0.5})
    text = winner_ablation(request, values, trial=1, trials=2, value=0.5)
    assert text is not None
    assert "    time_limit=50,\n" in text
    assert request.description("CartPole-v1", values).time_limit == 50
