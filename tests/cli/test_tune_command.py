"""`tune` from the command line: to its end, killed, shared, and what it doesn't take."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pandas as pd
import pytest

from bench.cli.app import main
from bench.plan.lookup import load_ablation
from bench.store import NO_EPISODES, NO_UPDATES, Store, load
from tests.processes import until

ROOT = Path(__file__).parents[2]
SMALL = ("batch_steps=64", "slots=4", "minibatch=32", "epochs=1", "hidden_sizes=8")
ABOUT = [
    *("tune", "--algorithm", "clipped_ppo", "--env", "CartPole-v1", "--seeds", "2"),
    *(part for setting in SMALL for part in ("--set", setting)),
]


def command(*arguments: str, results: Path) -> list[str]:
    return [*ABOUT, *arguments, "--results", str(results)]


def begin(*arguments: str, results: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *command(*arguments, results=results)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def folder_of(results: Path) -> Path:
    (folder,) = (results / "studies").iterdir()
    return folder


def study_of(results: Path) -> optuna.Study:
    folder = folder_of(results)
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    return optuna.load_study(
        study_name=folder.name, storage=optuna.storages.JournalStorage(backend)
    )


def states(study: optuna.Study) -> list[str]:
    return [trial.state.name for trial in study.get_trials(deepcopy=False)]


def in_flight(results: Path) -> bool:
    if not list(results.glob("studies/*/journal.log")):
        return False
    try:
        trials = study_of(results).get_trials(deepcopy=False)
    except KeyError:  # the journal is there, and the study not yet in it
        return False
    return any(trial.state.name == "RUNNING" and trial.user_attrs for trial in trials)


def test_from_a_search_to_its_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = command("--steps", "256", "--trials", "4", "--jobs", "1", results=tmp_path)
    assert main([*arguments, "--search", "learning_rate=1e-3:1e-1"]) == 0
    output = capsys.readouterr().out
    folder = folder_of(tmp_path)
    # Whatever wins is something else than the defaults.
    assert "learning_rate  0.001 to 0.1, log" in output
    assert "leaves out the default of learning_rate, so no trial has the defaults" in output
    assert "[4/4] trial 3: " in output
    assert "4 trials: 4 complete." in output
    with (folder / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == ["complete"] * 4
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(study_of(tmp_path).best_value, rel=1e-5)
    assert (folder / "plots.html").read_text().count('<div id="plot-') == 3
    assert f"python -m bench run --ablation {folder / 'tuned.py'} --results {tmp_path}" in output

    ablation = load_ablation(str(folder / "tuned.py"))
    options = ["--ablation", str(folder / "tuned.py"), "--results", str(tmp_path)]
    assert main(["run", *options, "--workers", "1"]) == 0
    assert "Trained 20 runs" in capsys.readouterr().out
    view = load(ablation.name, tmp_path)
    assert sorted(set(view.runs["seed"])) == list(range(100, 110))

    assert main([*arguments, "--search", "learning_rate=1e-3:1e-1"]) == 0
    output = capsys.readouterr().out
    assert "Going on after 4 trials; best so far " in output
    # Two seeds a setting, and now and then one is drawn twice.
    assert len(Store(tmp_path).runs()) == 20 + 2 * len({row["learning_rate"] for row in rows})


def test_a_killed_study_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--steps", "8k", "--trials", "2", "--search", "learning_rate", "--jobs", "1"]
    process = begin(*arguments, results=tmp_path)
    until(lambda: in_flight(tmp_path), patience=120)
    process.kill()
    process.communicate()
    assert main(command(*arguments, results=tmp_path)) == 0
    assert "1 trial cut off before: tried again." in capsys.readouterr().out
    assert sorted(states(study_of(tmp_path))) == ["COMPLETE", "COMPLETE", "FAIL"]
    assert len(Store(tmp_path).finished()) == 4
    trials = study_of(tmp_path).get_trials(deepcopy=False)
    assert trials[0].params == trials[1].params == {"learning_rate": 3e-4}


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    arguments = ["--steps", "20k", "--trials", "2", "--search", "learning_rate", "--jobs", "1"]
    process = begin(*arguments, results=tmp_path)
    until(lambda: in_flight(tmp_path), patience=120)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 130, output
    assert "Interrupted. The workers have ended; trials with an outcome are kept." in output
    assert "Continue with: python -m bench tune --algorithm clipped_ppo" in output
    assert "Traceback" not in output
    assert sorted(states(study_of(tmp_path))) == ["FAIL", "WAITING"]


def test_two_tuners_share_a_study(tmp_path: Path) -> None:
    arguments = ["--steps", "1k", "--trials", "5", "--search", "learning_rate", "--jobs", "1"]
    processes = [begin(*arguments, results=tmp_path) for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    study = study_of(tmp_path)
    # Two may begin the last one at the same moment: one trial more at most.
    assert len(study.trials) in (5, 6)
    assert set(states(study)) <= {"COMPLETE", "PRUNED"}
    owners = {trial.user_attrs["owner"]["process"] for trial in study.trials}
    assert owners == {process.pid for process in processes}
    complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    runs = [run for trial in complete for run in trial.user_attrs["runs"]["CartPole-v1"]]
    assert sorted(Store(tmp_path).finished()) == sorted(runs)


def test_a_study_in_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    arguments = command("--steps", "256", "--search", "learning_rate", results=tmp_path)
    arguments += ["--storage", url, "--jobs", "1", "--sampler", "cmaes", "--pruner", "halving"]
    assert main([*arguments, "--trials", "1"]) == 0
    assert "No trial did better than the defaults" in capsys.readouterr().out
    assert main([*arguments, "--trials", "2"]) == 0
    assert "Going on after 1 trial" in capsys.readouterr().out
    name = folder_of(tmp_path).name
    assert len(optuna.load_study(study_name=name, storage=url).trials) == 2
    assert not (folder_of(tmp_path) / "journal.log").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--algorithm", "clipped_pp"], "Did you mean 'clipped_ppo'"),
        (["--env", "Hoper-v5"], "Hopper-v5"),
        (["--steps", "many"], "many"),
        (["--search", "learning_rat"], "Did you mean 'learning_rate'"),
        (["--search", "epochs"], "field 'epochs' is both set and searched"),
        (["--sampler", "grid"], "unknown sampler 'grid'"),
        (["--pruner", "wilcoxon"], "unknown pruner 'wilcoxon'"),
        (["--storage", "study.db"], "storage 'study.db' is no URL"),
        (["--scale", "CartPole-v1=1"], "scale 'CartPole-v1=1' not understood"),
        (["--env", "Acrobot-v1"], "has no scale on which its returns could be averaged"),
        (["--trials", "0"], "'--trials'"),
    ],
)
def test_what_it_does_not_take_is_told_in_one_line(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command("--steps", "256", "--trials", "1", results=tmp_path)
    assert main([*arguments, *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Store(tmp_path).finished()


def test_scales_of_a_study_that_exists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = command("--steps", "256", "--trials", "1", "--jobs", "1", results=tmp_path)
    scale = "CartPole-v1=0.1234567:100"
    assert main([*arguments, "--scale", scale]) == 0
    capsys.readouterr()
    assert main([*arguments, "--scale", "CartPole-v1=garbage"]) == 2
    assert "not understood" in capsys.readouterr().err
    assert main([*arguments, "--scale", "CartPole-v1=0:50"]) == 2
    error = capsys.readouterr().err
    assert "CartPole-v1=0.1234567:100.0" in error and error.count("\n") == 1
    assert main([*arguments, "--scale", error.split("--scale ")[1].split()[0]]) == 0


def test_no_complete_trial_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = command("--steps", "256", "--trials", "1", "--jobs", "1", results=tmp_path)
    assert main([*arguments, "--env", "HalfCheetah-v5", "--scale", "CartPole-v1=0:500"]) == 1
    output = capsys.readouterr().out
    assert "trial 0: failed: no episode ended" in output
    assert "is complete." in output.splitlines()[-1]


def test_a_results_folder_that_can_not_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(command("--trials", "1", results=tmp_path / "file")) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_a_pruned_run_is_not_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command("--steps", "256", "--trials", "1", "--jobs", "1", results=tmp_path)) == 0
    store = Store(tmp_path)
    (row, _) = store.runs().to_dict("records")
    written = {column: value for column, value in row.items() if not pd.isna(value)}
    pruned = {**written, "status": "pruned", "reason": "below the median"}
    pruned |= {"episodes": 0, "updates": 0}
    store.write_run(pruned, NO_EPISODES, NO_UPDATES, None)
    capsys.readouterr()
    assert main(["evaluate", row["run"], "--results", str(tmp_path)]) == 2
    assert f"run {row['run']} was pruned, so there is no result of it" in capsys.readouterr().err
