"""`merge`: what was trained in parts is what was trained in one place."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from changed_store import change

from bench.cli.app import main
from bench.evidence.measures.scores import score_runs
from bench.evidence.tables import make_tables
from bench.evidence.verdicts import judge_plan
from bench.store import Store, View, load, merge, publish

ROOT = Path(__file__).parents[2]


@pytest.fixture
def halves(trained: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The trained store's runs in two stores, by seed; each has the whole plan."""
    parts = []
    for seed in (0, 1):
        part = tmp_path / f"machine {seed}"
        shutil.copytree(trained, part)
        for run in Store(part).runs().query("seed != @seed")["run"]:
            for path in part.glob(f"*/{run}.*"):
                path.unlink()
        parts.append(part)
    return parts[0], parts[1]


def change_all(store: Path, **changes: object) -> None:
    for run in Store(store).runs()["run"]:
        change(store, run, **changes)


def tables(view: View) -> list[str]:
    scores = score_runs(view.runs, view.episodes, view.updates)
    verdicts, _ = judge_plan(view.plan, scores)
    return [table.section.markdown() for table in make_tables(scores, verdicts)]


def test_two_parts_trained_elsewhere_give_what_one_machine_gives(
    ablation_file: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = [tmp_path / name for name in ("first", "second")]
    # One part has a variant and a seed, the other the rest: no part has the whole plan's runs.
    command = ["run", "--ablation", str(ablation_file), "--workers", "1", "--variant", "mean"]
    assert main([*command, "--results", str(parts[0]), "--seeds", "1"]) == 0
    trained_runs = Store(trained).runs().set_index("run")
    shutil.copytree(trained, parts[1])
    (run,) = Store(parts[0]).runs()["run"]
    assert trained_runs.loc[run, "seed"] == 1
    (parts[1] / "runs" / f"{run}.parquet").unlink()
    capsys.readouterr()

    into = tmp_path / "merged"
    assert main(["merge", *map(str, parts), "--into", str(into)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{parts[0]}: 1 run added, 0 already there, 0 conflicts",
        f"{parts[1]}: 3 runs added, 0 already there, 0 conflicts",
        f"Results: {into}",
    ]
    merged, expected = load("small", into), load("small", trained)
    assert tables(merged) == tables(expected)
    for name in ("episodes", "updates"):
        left, right = (getattr(view, name).drop(columns="seconds") for view in (merged, expected))
        pd.testing.assert_frame_equal(left, right)
    pd.testing.assert_frame_equal(
        merged.plan.drop(columns="created"), expected.plan.drop(columns="created")
    )
    assert len(list((into / "policies").iterdir())) == 4
    output = ["--output", str(tmp_path / "small.png")]
    assert main(["figure", "--ablation", "small", "--results", str(into), *output]) == 0
    assert main(["show", str(ablation_file), "--results", str(into)]) == 0
    assert "4 runs, 0 of them missing" in capsys.readouterr().out


def test_a_source_a_line_and_again_nothing_is_new(
    halves: tuple[Path, Path], trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = tmp_path / "published"
    publish(trained, published)
    into = ["--into", str(tmp_path / "merged")]
    assert main(["merge", str(halves[0]), str(published), *into]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        f"{halves[0]}: 2 runs added, 0 already there, 0 conflicts",
        f"{published}: 2 runs added, 2 already there, 0 conflicts",
    ]
    assert main(["merge", str(halves[1]), *into]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line == f"{halves[1]}: 0 runs added, 2 already there, 0 conflicts"


def test_by_default_it_merges_into_your_own_results(
    halves: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PPO_LADDER_RESULTS", str(tmp_path / "local"))
    assert main(["merge", str(halves[0])]) == 0
    assert f"Results: {tmp_path / 'local'}" in capsys.readouterr().out
    assert len(Store(tmp_path / "local").runs()) == 2


def test_conflicts_are_told_and_kept_unless_they_are_to_be_replaced(
    halves: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = halves
    into = tmp_path / "merged"
    merge(first, into)
    change_all(first, digest="0" * 16)
    before = Store(into).finished()
    assert main(["merge", str(first), "--into", str(into)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{first}: 0 runs added, 0 already there, 2 conflicts"
    assert sorted(line.split(" (")[0] for line in lines[1:3]) == [
        "    baseline in CartPole-v1",
        "    vanilla_policy_gradient in CartPole-v1",
    ]
    assert all(line.endswith("), seeds 0: other code, kept") for line in lines[1:3])
    assert lines[3] == "    what was there is kept; --replace takes this folder's"
    assert Store(into).finished() == before
    assert main(["merge", str(first), "--into", str(into), "--replace"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.endswith("), seeds 0: other code, replaced") for line in lines[1:3])
    assert set(Store(into).finished().values()) == {frozenset({"0" * 16})}


def test_a_plan_of_other_runs_is_told(
    ablation_file: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, into = tmp_path / "source", tmp_path / "merged"
    merge(trained, into)
    shutil.copytree(trained / "plans", source / "plans")
    rows = Store(source).plans().to_pylist()
    Store(source).write_plan([{**row, "budget": 500, "description": "d"} for row in rows])
    assert main(["merge", str(source), "--into", str(into)]) == 1
    output = capsys.readouterr().out
    assert "plan of small, CartPole-v1: asks for other runs, kept" in output
    assert set(Store(into).plan("small")["budget"]) == {400}
    assert main(["merge", str(source), "--into", str(into), "--replace"]) == 0
    assert set(Store(into).plan("small")["budget"]) == {500}


def test_failed_runs_give_way(
    halves: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = halves
    into = tmp_path / "merged"
    shutil.copytree(first, into)
    change_all(into, status="failed")
    assert main(["merge", str(first), "--into", str(into)]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.endswith(": 2 runs added (2 in place of failed ones), 0 already there, 0 conflicts")
    assert set(Store(into).runs()["status"]) == {"finished"}


def test_what_is_wrong_is_told_in_a_line_and_the_rest_goes_on(
    halves: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = halves
    torn = next((first / "episodes").iterdir())
    torn.write_bytes(b"PAR1")
    missing = tmp_path / "nowhere"
    into = tmp_path / "merged"
    assert main(["merge", str(missing), str(first), str(second), "--into", str(into)]) == 1
    captured = capsys.readouterr()
    assert captured.err == f"error: results folder {missing} does not exist\n"
    lines = captured.out.splitlines()
    assert lines[0] == f"{first}: 1 run added, 0 already there, 0 conflicts"
    assert lines[1].startswith(f"    {torn} is torn")
    assert lines[-2] == f"{second}: 2 runs added, 0 already there, 0 conflicts"
    assert torn.read_bytes() == b"PAR1"
    assert len(Store(into).runs()) == 3


def test_a_published_store_is_not_merged_into(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(trained, tmp_path / "published")
    assert main(["merge", str(trained), "--into", str(tmp_path / "published")]) == 2
    captured = capsys.readouterr()
    error = captured.err
    assert error.startswith("error: ") and error.count("\n") == 1 and not captured.out
    assert "holds published results and is read-only" in error


def test_environments_come_in_the_order_of_the_suite_s_ablation(
    trained: Path, tmp_path: Path
) -> None:
    into = tmp_path / "merged"
    names = ("InvertedPendulum-v5", "InvertedDoublePendulum-v5")
    rows = Store(trained).plans().to_pylist()
    for name in reversed(names):
        part = tmp_path / name
        shutil.copytree(trained, part)
        Store(part).write_plan(
            [{**row, "ablation": "baseline", "environment": name} for row in rows]
        )
        assert main(["merge", str(part), "--into", str(into)]) == 0
    assert tuple(Store(into).plan("baseline")["environment"].unique()) == names


SLOW = """
import sys, time
from bench.cli.app import main
from bench.store import Store
adopt = Store.adopt_run
def adopt_run(*arguments, **options):
    done = adopt(*arguments, **options)
    print("moved", flush=True)
    time.sleep(60)
    return done
Store.adopt_run = adopt_run
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_killed_in_the_middle_it_is_completed_by_the_same_command(
    signal_number: signal.Signals, trained: Path, tmp_path: Path
) -> None:
    arguments = ["merge", str(trained), "--into", str(tmp_path / "merged")]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert "moved\n" in iter(process.stdout.readline, "")
    os.kill(process.pid, signal_number)
    _, error = process.communicate()
    if signal_number == signal.SIGTERM:
        assert process.returncode == 143
        assert error == "\nInterrupted. What was merged is kept; the same command continues.\n"
    assert len(Store(tmp_path / "merged").runs()) == 1
    assert main(arguments) == 0
    assert len(load("small", tmp_path / "merged").runs) == 4


def test_the_machine_that_a_run_was_made_on_stays_with_it(
    halves: tuple[Path, Path], tmp_path: Path
) -> None:
    for number, part in enumerate(halves):
        change_all(part, machine=json.dumps({"processor": f"P{number}"}))
    assert main(["merge", *map(str, halves), "--into", str(tmp_path / "merged")]) == 0
    runs = Store(tmp_path / "merged").runs()
    assert [json.loads(text)["processor"] for text in runs["machine"]] == [
        f"P{seed}" for seed in runs["seed"]
    ]
