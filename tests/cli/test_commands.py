"""The commands, from a plan to a figure, on real training."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

import bench.store
from ablations import ABLATIONS
from ablations.ladder import ABLATION as LADDER
from bench.cli import run as run_verb
from bench.cli.app import main
from bench.plan import digest
from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm
from bench.requests import other_code, training
from bench.store import PUBLISHED, Store
from bench.train.events import Summary

BROKEN = """
import gymnasium
from gymnasium.spaces import Box, Discrete

class Broken(gymnasium.Env):
    observation_space, action_space = Box(-1.0, 1.0, (2,)), Discrete(2)
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.low, {}
    def step(self, action):
        raise RuntimeError("the wheels came off")

gymnasium.register("Broken-v0", Broken, max_episode_steps=10)
"""


def test_list_names_every_ablation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    output = capsys.readouterr().out
    assert all(name in output for name in ABLATIONS)


@pytest.mark.parametrize("name", ABLATIONS)
def test_show_every_ablation(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", name, "--results", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert "(control)" in output
    assert list(tmp_path.iterdir()) == []


def test_show_before_and_after(
    ablation_file: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["show", str(ablation_file), "--results", str(tmp_path)])
    output = capsys.readouterr().out
    assert "Does a baseline help on CartPole?" in output
    assert "4 runs, 4 of them missing" in output
    assert "not known" in output
    main(["show", str(ablation_file), "--results", str(trained), "--seeds", "0-9"])
    output = capsys.readouterr().out
    assert "20 runs, 16 of them missing" in output
    assert "by what your runs took" in output


def test_show_tells_what_differs_from_the_reference(
    ablation_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rungs.py"
    rungs = """
        Variant(name="ppo", algorithm="clipped_ppo", hyperparameters={"epochs": 3}),
        Variant(
            name="more", algorithm="kl_ppo", hyperparameters={"epochs": 5}, compared_with="ppo"
        ),
    ),
    control"""
    file.write_text(ablation_file.read_text().replace("    ),\n    control", rungs, 1))
    arguments = ["show", str(file), "--results", str(tmp_path), "--set", "slots=4"]
    assert main([*arguments, "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (mean,) = (line for line in lines if line.startswith("  mean vs vanilla: "))
    assert mean.startswith("  mean vs vanilla: mean alone: baseline = batch_mean, ")
    (ppo,) = (line for line in lines if line.startswith("  ppo vs vanilla: "))
    assert "learning_rate = 0.003 -> 0.0003" in ppo
    assert "ppo alone: " in ppo and "epochs = 3" in ppo
    assert "vanilla alone" not in ppo and "slots" not in ppo
    (more,) = (line for line in lines if line.startswith("  more vs ppo: "))
    assert "epochs = 3 -> 5" in more
    assert not any(line.startswith("  vanilla vs") for line in lines)
    assert main([*arguments, "--variant", "more"]) == 0
    assert " vs " not in capsys.readouterr().out


def test_show_tells_every_difference_between_the_rungs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "ladder", "--results", str(tmp_path), "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    values = {
        variant.name: vars(
            load_algorithm(variant.algorithm).hyperparameters(**variant.hyperparameters)
        )
        for variant in LADDER.variants
    }
    for variant in LADDER.variants[1:]:
        name, reference = variant.name, variant.compared_with
        later, earlier = values[name], values[reference]
        (line,) = (line for line in lines if line.startswith(f"  {name} vs {reference}: "))
        differences = dict(re.findall(r"(\w+) = ([^,;]+)", line))
        expected = {}
        for field in sorted({*later, *earlier}):
            if field not in earlier:
                expected[field] = f"{later[field]}"
            elif field not in later:
                expected[field] = f"{earlier[field]}"
            elif earlier[field] != later[field]:
                expected[field] = f"{earlier[field]} -> {later[field]}"
        assert differences == expected
        before, _, reference_alone = line.partition(f"{reference} alone: ")
        _, _, variant_alone = before.partition(f"{name} alone: ")
        assert set(re.findall(r"(\w+) = ", variant_alone)) == later.keys() - earlier.keys()
        assert set(re.findall(r"(\w+) = ", reference_alone)) == earlier.keys() - later.keys()


def test_a_run_that_hides_earlier_results_says_so(
    ablation_file: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    shutil.copytree(trained, results)
    note = "figure and bench.load now show this request; the results of earlier ones are kept"
    run = ["run", "--ablation", str(ablation_file), "--results", str(results), "--workers", "1"]
    for request, hides in [
        (["--seeds", "0"], False),
        (["--seeds", "0", "--variant", "mean"], True),
        (["--seeds", "0-1"], False),
        (["--seeds", "0", "--variant", "mean", "--steps", "300"], True),
        (["--seeds", "0", "--variant", "mean", "--steps", "300"], False),
    ]:
        assert main([*run, *request]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert (note in lines) == hides, request
        assert not hides or lines[-1] == note
    fresh = ["--results", str(tmp_path / "fresh"), "--seeds", "0", "--variant", "mean"]
    assert main(["run", "--ablation", str(ablation_file), *fresh, "--workers", "1"]) == 0
    assert note not in capsys.readouterr().out
    assert len(Store(results).runs()) == 5


def test_run_again_trains_nothing_and_tells_the_table(
    ablation_file: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    shutil.copytree(trained, results)
    before = sorted((results / "runs").iterdir())
    assert main(["run", "--ablation", str(ablation_file), "--results", str(results)]) == 0
    output = capsys.readouterr().out
    assert "Trained 0 runs" in output
    assert "4 runs kept from before" in output
    assert "no claim: n = 2 < 10" in output
    assert f"Results: {results}" in output
    assert f"python -m bench report small --results {results}" in output
    assert sorted((results / "runs").iterdir()) == before


def test_part_of_an_ablation_without_its_control(
    ablation_file: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    shutil.copytree(trained, results)
    arguments = ["--results", str(results), "--variant", "mean"]
    assert main(["run", "--ablation", str(ablation_file), *arguments]) == 0
    assert "The control vanilla has no results here" in capsys.readouterr().out
    assert main(["figure", "--ablation", "small", "--results", str(results)]) == 0


def test_a_failing_run_is_told_once_and_exits_with_1(
    ablation_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "broken_environment.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    results = tmp_path / "results"
    arguments = ["--env", "broken_environment:Broken-v0", "--results", str(results)]
    arguments += ["--variant", "mean", "--workers", "1"]
    assert main(["run", "--ablation", str(ablation_file), *arguments]) == 1
    output = capsys.readouterr().out
    summary = "2 runs of baseline in broken_environment:Broken-v0 FAILED: RuntimeError: the wheels"
    assert output.count(summary) == 1
    runs = Store(results).runs()
    assert set(runs["status"]) == {"failed"}
    (reason,) = set(runs["reason"])
    assert reason.startswith("RuntimeError: the wheels came off")
    assert reason.endswith("(broken_environment.py:11)")


@pytest.mark.parametrize("name", ["figure.png", "figure.pdf", "figure.svg"])
def test_figure_in_the_format_of_its_ending(trained: Path, tmp_path: Path, name: str) -> None:
    output = tmp_path / "new folder" / name
    arguments = ["--results", str(trained), "--output", str(output), "--x", "seconds"]
    assert main(["figure", "--ablation", "small", *arguments]) == 0
    starts = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}
    assert output.read_bytes().startswith(starts[output.suffix])


def test_figure_writes_the_tables_as_markdown(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "new folder" / "small.md"
    files = ["--output", str(tmp_path / "small.png"), "--table", str(table)]
    assert main(["figure", "--ablation", "small", "--results", str(trained), *files]) == 0
    assert f"Tables: {table}" in capsys.readouterr().out
    lines = table.read_text().splitlines()
    assert lines[:3] == ["## Small", "", "Does a baseline help on CartPole?"]
    assert "### CartPole-v1" in lines
    (mean,) = (line for line in lines if line.startswith("| mean | 2 | "))
    assert mean.endswith(" | no claim: n = 2 < 10 |")


def test_tables_that_cannot_be_written(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    files = ["--output", str(tmp_path / "x.png"), "--table", str(tmp_path / "file" / "x.md")]
    assert main(["figure", "--ablation", "small", "--results", str(trained), *files]) == 2
    assert "x.md': " in capsys.readouterr().err


def test_figure_says_when_the_results_are_of_other_code(
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["figure", "--ablation", "small", "--results", str(trained)]
    arguments += ["--output", str(tmp_path / "small.png")]
    note = "4 of 4 runs come from other code than this tree's"
    assert main(arguments) == 0
    assert note not in capsys.readouterr().out
    monkeypatch.setattr(digest, "version", lambda name: "99")
    assert main(arguments) == 0
    assert capsys.readouterr().out.count(note) == 1


def test_results_of_code_that_is_gone_are_passed_over(trained: Path) -> None:
    runs = Store(trained).runs()
    runs["digest"] = "0"
    first, second, third, fourth = runs.index
    runs.loc[first, "algorithm"] = "gone"
    runs.loc[second, "back_end"] = "gone"
    runs.loc[third, "status"] = "failed"
    assert list(other_code.of_other_code(runs)) == [
        "1 of 1 runs come from other code than this tree's"
    ]
    assert list(other_code.of_other_code(runs.drop(index=fourth))) == []


def test_figure_says_whose_results_it_draws(
    ablation_file: Path,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    local = tmp_path / "local"
    monkeypatch.setenv("PPO_LADDER_RESULTS", str(local))
    monkeypatch.setattr(bench.store.places, "PUBLISHED", trained)
    assert main(["figure", "--ablation", str(ablation_file)]) == 0
    assert f"Drawn from {trained}: {local / 'figures' / 'small.png'}" in capsys.readouterr().out
    shutil.copytree(trained, local, dirs_exist_ok=True)
    assert main(["figure", "--ablation", "small"]) == 0
    assert f"Drawn from {local}:" in capsys.readouterr().out


def test_files_about_published_results_lie_in_one_s_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PPO_LADDER_RESULTS", str(tmp_path))
    arguments = ["reward_to_go", "--results", str(PUBLISHED)]
    selection = ["--env", "InvertedPendulum-v5", "--variant", "undiscounted"]
    for command in (["figure", *arguments, *selection], ["export", *arguments, "--to", "csv"]):
        assert main(command) == 0
        assert str(tmp_path) in capsys.readouterr().out
    # A part of the picture doesn't take the whole one's name.
    (figure,) = (tmp_path / "figures").iterdir()
    assert figure.name == "reward_to_go_undiscounted_InvertedPendulum-v5.png"


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    output = capsys.readouterr().out
    assert "torch" in output
    assert output.count("works (one step of CartPole-v1, reward 1)") == 2
    assert "warp" in output
    assert "All is well." in output


def test_doctor_names_what_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "torn.parquet").write_bytes(b"PAR1")
    monkeypatch.setenv("PPO_LADDER_RESULTS", str(tmp_path))
    assert main(["doctor"]) == 1
    assert "warning: " in (output := capsys.readouterr().out)
    assert "torn.parquet" in output


def test_what_is_left_to_say_after_training(tmp_path: Path) -> None:
    description = Description(
        algorithm="baseline", hyperparameters={}, environment="E-v0", steps=1, back_end="envpool"
    )
    summary = Summary(
        kept=14,
        stale=12,
        finished=3,
        elsewhere=1,
        diverged={(description, "not finite"): 2},
        failures={(description, "it broke"): 5},
        seconds=61.0,
    )
    store = Store(tmp_path)
    store.problems.append("x.parquet is torn")
    assert list(training.summary_lines(summary, store)) == [
        "Trained 3 runs in 1 min 01 s; 14 runs kept from before.",
        "12 runs kept come from other code; --fresh trains them again.",
        "1 run finished meanwhile by another process.",
        "2 runs of baseline in E-v0 diverged: not finite",
        "5 runs of baseline in E-v0 FAILED: it broke",
        "x.parquet is torn",
    ]


def test_the_line_to_continue_with() -> None:
    arguments = ["run", "--ablation", "my file.py", "--fresh"]
    assert run_verb._continuing(arguments[:-1], None) == (
        "python -m bench run --ablation 'my file.py'"
    )
    before = datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    command = run_verb._continuing(arguments, before)
    assert command == (
        "python -m bench run --ablation 'my file.py' --fresh-before 2030-01-02T03:04:05"
    )
    assert run_verb._continuing(command.split()[3:], before).count("--fresh-before") == 1
