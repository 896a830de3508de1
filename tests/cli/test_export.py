"""`export`: what other programs read is what is stored."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bench.evidence.export.booktabs import escaped
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import bench
from bench.cli.app import main
from bench.evidence.measures.scores import score_runs
from bench.store import NO_EPISODES, NO_UPDATES, Store
from tests.experiment_results import Made, untrained_score, write


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two policies that don't learn, two seeds each. Not to be changed."""
    folder = tmp_path_factory.mktemp("results")
    write(folder, "untrained", Made(of=untrained_score, seeds=2, episodes=20))
    return folder


def export(results: Path, to: str, *arguments: str) -> int:
    return main(
        ["export", "--ablation", "untrained", "--results", str(results), "--to", to, *arguments]
    )


def test_csv_holds_every_run_episode_and_update(results: Path, tmp_path: Path) -> None:
    assert export(results, "csv", "--output", str(tmp_path / "new" / "folder")) == 0
    tables = {path.stem: pd.read_csv(path) for path in (tmp_path / "new" / "folder").iterdir()}
    assert set(tables) == {"statistics", "scores", "episodes", "updates"}
    view = bench.load("untrained", results)
    scores = score_runs(view.runs, view.episodes, view.updates)
    pd.testing.assert_series_equal(tables["scores"]["score"], scores["score"])
    assert tables["scores"]["run"].tolist() == scores["run"].tolist()
    for name, stored in (("episodes", view.episodes), ("updates", view.updates)):
        assert len(tables[name]) == len(stored)
        keys = ["environment", "variant", "seed", "run"]
        assert tables[name].columns[:4].tolist() == keys
        assert set(tables[name]["run"]) == set(stored["run"])
    total = tables["episodes"].groupby("run")["return"].sum()
    pd.testing.assert_series_equal(total, view.episodes.groupby("run")["return"].sum())
    means = scores.groupby(["environment", "variant"])["score"].mean()
    found = tables["statistics"].set_index(["environment", "variant"])["mean"]
    pd.testing.assert_series_equal(found.sort_index(), means, check_names=False)


def test_tensorboard_opens_its_files(results: Path, tmp_path: Path) -> None:
    for _ in range(2):  # again: replaced, not added to
        assert export(results, "tensorboard", "--output", str(tmp_path)) == 0
    view = bench.load("untrained", results)
    assert len(list(tmp_path.rglob("events.out.tfevents*"))) == len(view.runs)
    assert len(list(tmp_path.rglob("*"))) == len(view.runs) * 2 + 8 + 16
    run = view.runs.iloc[0]
    place = tmp_path / run.environment / run.variant / f"seed_{run.seed}"
    accumulator = EventAccumulator(str(place), size_guidance={"scalars": 0})
    accumulator.Reload()
    episodes = view.episodes[
        (view.episodes["run"] == run.run) & (view.episodes["variant"] == run.variant)
    ]
    read = accumulator.Scalars("episode/return")
    assert [event.step for event in read] == episodes["step"].tolist()
    np.testing.assert_allclose([event.value for event in read], episodes["return"], rtol=1e-6)
    first = run.started.timestamp() + float(episodes["seconds"].iloc[0])
    assert read[0].wall_time == pytest.approx(first)
    updates = view.updates[(view.updates["run"] == run.run)]
    tags = {tag for tag in accumulator.Tags()["scalars"] if tag.startswith("update/")}
    held = updates.drop(columns=["update", "step", "seconds"]).select_dtypes("float32")
    assert tags == {f"update/{name}" for name in held if held[name].notna().any()}


def test_latex_is_a_booktabs_table_an_environment(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "tables.tex"
    assert export(results, "latex", "--output", str(path)) == 0
    text = path.read_text()
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 8
    assert text.isascii()
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 8 * 3
    assert all(len(re.findall(r"(?<!\\)&", row)) == 7 for row in rows)
    assert all(text.count(a) == text.count(b) for a, b in ("{}", ("\\begin", "\\end")))


def failed(results: Path, place: Path, keep: int) -> Path:
    """A copy of a store in which all runs but some failed."""
    store = Store(shutil.copytree(results, place))
    for row in store.runs().astype(object).to_dict("records")[keep:]:
        whole = {name: None if pd.isna(value) else value for name, value in row.items()}
        nothing = dict.fromkeys(("steps", "episodes", "updates"), 0)
        broken = {**whole, **nothing, "status": "failed", "reason": "it broke"}
        store.write_run(broken, NO_EPISODES, NO_UPDATES, None)
    return place


def test_failed_runs_are_counted_apart(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = failed(results, tmp_path / "broken", keep=24)
    for to in ("csv", "tensorboard", "latex"):
        output = tmp_path / (f"{to}.tex" if to == "latex" else to)
        capsys.readouterr()
        assert export(broken, to, "--output", str(output)) == 0
        told = capsys.readouterr().out
        assert "Left out: 8 runs that failed." in told
        assert ("24 runs in" in told) == (to == "tensorboard")
    assert len(pd.read_csv(tmp_path / "csv" / "scores.csv")) == 24
    statistics = pd.read_csv(tmp_path / "csv" / "statistics.csv")
    assert (statistics["n"].sum(), statistics["failed"].sum()) == (24, 8)
    assert (statistics["n"] + statistics["failed"] == 2).all()
    assert len(list((tmp_path / "tensorboard").rglob("events.out.tfevents*"))) == 24
    text = (tmp_path / "latex.tex").read_text()
    assert "runs failed (not counted)" in text


def test_without_a_result_there_is_nothing_to_export(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = failed(results, tmp_path / "broken", keep=0)
    for to in ("csv", "tensorboard", "latex"):
        assert export(broken, to) == 2
        told = "error: no run of untrained has a result to export; 32 runs failed\n"
        assert capsys.readouterr().err == told
    assert not (broken / "exports").exists()


def test_what_latex_would_read_as_a_command_is_escaped() -> None:
    assert escaped("50% of a_b & c#d {x} ~ ^ \\ $") == (
        r"50\% of a\_b \& c\#d \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$"
    )
    assert escaped("ε = 0.2, β ≤ −1 ± 3") == (r"$\varepsilon$ = 0.2, $\beta$ $\leq$ $-$1 $\pm$ 3")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("xlsx",), "unknown format 'xlsx'"),
        (("latex", "--output", "table.txt"), "its name must end in .tex"),
        (("csv", "--output", "/proc/nowhere"), "cannot write into '/proc/nowhere'"),
        (("latex", "--output", "/proc/nowhere/a.tex"), "cannot write '/proc/nowhere/a.tex'"),
        (("tensorboard", "--output", "/proc/nowhere"), "cannot write into '/proc/nowhere'"),
    ],
)
def test_bad_input_gets_one_line(
    results: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert export(results, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert told in error
