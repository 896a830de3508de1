"""Bad input: exit 2 and one clear line, before anything is trained or written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from refusals import assert_refused

from bench.cli.app import main

TUNED = ["--algorithm", "clipped_ppo", "--env", "InvertedPendulum-v5"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "3-1"], "seeds '3-1': the range 3-1 runs backwards"),
        (["--seeds", str(2**63)], f"{2**63} is too large. Allowed: 0 to {2**63 - 1}"),
        (["--seeds", f"0-{2**64}"], f"{2**64} is too large"),
        (["--seeds", "9" * 5000], "9… are too large. Allowed: 0 to 9223372036854775807"),
        (["--seeds", "-1"], "seeds '-1' not understood; write them like 0-9"),
        (["--steps", "many"], "steps 'many' not understood; allowed: a whole number like 200k"),
        (["--env", "Hoper-v5"], "unknown environment 'Hoper-v5'. Did you mean 'Hopper-v5'?"),
        (["--env", "nothing_here:X-v0"], "the module 'nothing_here'"),
        (["--variant", "vanila"], "Did you mean 'vanilla'? Allowed: vanilla, mean"),
        (["--set", "slotz=3"], "unknown field 'slotz'. Did you mean 'slots'?"),
        (["--set", "slots=three"], "unknown value of slots 'three'. Allowed: a whole number"),
        (["--set", "slots=0"], "value '0' of slots is out of range. Allowed: 2 to any"),
        (["--set", "hidden_sizes=0,64"], "value '0,64' of hidden_sizes is out of range"),
        (["--set", "slots"], "setting 'slots' not understood; write it as field=value"),
        (["--set", "baseline=learned"], "variant 'mean' is about baseline = batch_mean"),
        (["--set", "initialization=orth"], "Did you mean 'orthogonal'?"),
        (["--device", "gpu"], "unknown device 'gpu'. Did you mean 'cpu'? Allowed: auto, cpu, cuda"),
        (["--executor", "rai"], "unknown executor 'rai'. Did you mean 'ray'? Allowed: local, ray"),
        (["--address", "auto"], "--address goes with --executor ray"),
        (["--fresh-before", "2999-01-02"], "--fresh-before 2999-01-02T00:00:00 is in the future"),
        (["--fresh", "--fresh-before", "2020-01-02"], "give one of the two"),
        (["--workers", "0"], "'--workers'"),
        (["--workers", "two"], "'--workers'"),
        (["--sedes", "0"], "--sedes"),
        (["--results", "/proc/results"], "results folder /proc/results cannot be written"),
    ],
)
def test_run_refuses(
    arguments: list[str],
    message: str,
    ablation_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = tmp_path / "results"
    command = ["run", "--ablation", str(ablation_file), "--results", str(results), *arguments]
    assert_refused(command, message, capsys)
    assert not results.exists()


@pytest.mark.parametrize("verb", [["run", "--ablation", "baseline"], ["tune", *TUNED]])
def test_ray_where_it_is_not_installed(
    verb: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # What is None here can't be imported.
    monkeypatch.setitem(sys.modules, "ray", None)
    message = (
        "--executor ray needs Ray, which is not installed: "
        ".venv/bin/pip install -q -c constraints.txt -e '.[ray]'"
    )
    assert_refused([*verb, "--executor", "ray"], message, capsys)


def test_cuda_where_there_is_none(
    ablation_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for verb in (["run", "--ablation"], ["show"]):
        arguments = [*verb, str(ablation_file), "--device", "cuda", "--results", str(tmp_path)]
        assert_refused(arguments, "device 'cuda' is not available", capsys)


def test_hyperparameters_that_contradict(
    tmp_path: Path, ablation_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "contradicting.py"
    text = ablation_file.read_text().replace('"vanilla_policy_gradient"', '"clipped_ppo"')
    file.write_text(text.replace('{"baseline": "batch_mean"}', "{}"))
    arguments = ["run", "--ablation", str(file), "--results", str(tmp_path / "results")]
    message = "variant 'vanilla': batch_steps = 2048 is not a multiple of slots = 7"
    assert_refused([*arguments, "--set", "slots=7"], message, capsys)


@pytest.mark.parametrize(
    ("algorithm", "settings", "message"),
    [
        ("clipped_ppo", ["batch_steps=32"], "minibatch = 64 is more than batch_steps = 32"),
        ("advantage", ["batch_steps=64"], "critic_minibatch = 256 is more than batch_steps = 64"),
        ("trpo", ["critic_minibatch=1025"], "critic_minibatch = 1025 is more than batch_steps = 1"),
        ("trajectory_importance_sampling", ["slots=3"], "minibatch = 4 is more than slots = 3"),
        ("kl_ppo", ["kl_target=0"], "kl_target = 0 is a KL that no update makes. Allowed: more th"),
        ("adaptive_policy_gradient", ["kl_target=0"], "kl_target = 0 is a KL that no update makes"),
        ("sequence_kl_ppo", ["kl_target=0"], "more than 0, or adaptive = false"),
        ("reward_to_go", ["staggered_start=true"], "this algorithm learns from whole ones"),
        ("sequence_clipped_ppo", ["minibatch=33"], "minibatch = 33 is more than answers = 32"),
    ],
)
def test_settings_that_contradict(
    algorithm: str,
    settings: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = tmp_path / "results"
    environment = "Reviews-v0" if algorithm.startswith("sequence") else "CartPole-v1"
    arguments = ["run", "--algorithm", algorithm, "--env", environment]
    arguments += [word for setting in settings for word in ("--set", setting)]
    assert_refused([*arguments, "--results", str(results)], message, capsys)
    assert not results.exists()


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("clipped_ppo", ["batch_steps=64"]),
        ("reward_to_go", ["critic_minibatch=100000"]),
        ("kl_ppo", ["kl_target=0", "adaptive=false"]),
    ],
)
def test_settings_at_the_edge_are_allowed(algorithm: str, settings: list[str]) -> None:
    arguments = ["show", "--algorithm", algorithm, "--env", "CartPole-v1"]
    assert main([*arguments, *(word for s in settings for word in ("--set", s))]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--ablation", "baselin"], "unknown ablation 'baselin'. Did you mean 'baseline'?"),
        (["show", "baselin"], "unknown ablation or algorithm 'baselin'. Did you mean 'baseline'?"),
        (["run"], "--ablation"),
        (["run", "--ablation", "/nothing.py"], "ablation file /nothing.py can't be read: No such"),
        (["trian"], "unknown command 'trian'. Allowed: list, show, run, "),
        (["figure", "--ablation", "baseline", "--results", "/nothing"], "results folder /nothing"),
        (["figure", "--ablation", "x", "--output", "x.gif"], ".png, .pdf, .svg"),
        (["figure", "--ablation", "x", "--table", "x.csv"], "'x.csv': its name must end in .md"),
        (["figure", "--ablation", "x", "--caption", "x.pdf"], "must end in .txt or .md or .tex"),
        (["figure", "--ablation", "x", "--kind", "pie"], "unknown kind of figure 'pie'"),
        (["figure", "--ablation", "x", "--width", "colum"], "neither column nor page nor a number"),
    ],
)
def test_other_refusals(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(arguments, message, capsys)


def test_a_broken_ablation_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import math\nmath.sqrt(-1)\n")
    message = f"ablation file {file}, line 2: ValueError: math domain error"
    assert_refused(["run", "--ablation", str(file)], message, capsys)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("'learning_rate': 10**400", "variant 'mean': unknown value of learning_rate 1000"),
        ("'slots': 10**5000", "variant 'mean': unknown value of slots of type int. Allowed: a wh"),
        ("'learning_rate': float('nan')", "variant 'mean': unknown value of learning_rate nan"),
    ],
)
def test_numbers_that_no_run_can_hold(
    values: str,
    message: str,
    tmp_path: Path,
    ablation_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "large.py"
    file.write_text(ablation_file.read_text().replace('"baseline": "batch_mean"', values))
    assert_refused(
        ["run", "--ablation", str(file), "--results", str(tmp_path / "r")], message, capsys
    )


def test_an_environment_that_raises_whatever_it_may(
    tmp_path: Path,
    ablation_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "leaving_module.py").write_text("raise BaseException('gone')\n")
    monkeypatch.syspath_prepend(tmp_path)
    message = "environment 'leaving_module:X-v0' can't be made: BaseException: gone"
    arguments = ["run", "--ablation", str(ablation_file), "--env", "leaving_module:X-v0"]
    assert_refused([*arguments, "--results", str(tmp_path / "results")], message, capsys)


def test_a_broken_environment_of_a_user(
    tmp_path: Path,
    ablation_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "raising_module.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    arguments = ["run", "--ablation", str(ablation_file), "--env", "raising_module:X-v0"]
    message = "environment 'raising_module:X-v0' can't be made: ZeroDivisionError: division by zero"
    assert_refused([*arguments, "--results", str(tmp_path / "results")], message, capsys)


def test_figure_of_an_axis_that_is_not_there(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["figure", "--ablation", "small", "--results", str(trained), "--x", "hours"]
    assert_refused(arguments, "unknown x axis 'hours'. Allowed: steps, seconds", capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--algorithm", "clipped_pp0"], "unknown algorithm 'clipped_pp0'. Did you mean 'clipped_"),
        (["--env", "Hoper-v5"], "unknown environment 'Hoper-v5'. Did you mean 'Hopper-v5'?"),
        (["--seeds", "0"], "'--seeds'"),
        (["--rounds", "none"], "'--rounds'"),
        (["--output", "speed.gif"], "its name must end in one of .png, .pdf, .svg"),
        (["--results", "/proc/results"], "results folder /proc/results cannot be written"),
    ],
)
def test_throughput_refuses_before_anything_is_measured(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    assert_refused(["throughput", "--results", str(results), *arguments], message, capsys)
    assert not results.exists()
