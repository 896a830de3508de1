"""`import`: curves made elsewhere stand beside trained ones, say so, and are nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bench
from bench.cli.app import main
from bench.evidence.measures.scores import score_runs
from bench.importing import imported_rows
from bench.importing.place import page_of
from bench.requests.estimate import Estimate
from bench.store import Store, merge, publish
from tests.importing.files_of_others import evaluations, monitor, rising, table

ENVIRONMENT = "CartPole-v1"


@pytest.fixture
def results(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained store, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "results"))


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two seeds of 1,000 steps, which end at 19.5 and 39."""
    folder = tmp_path / "files"
    return [str(rising(folder / f"{seed}.csv", by=seed + 1.0)) for seed in range(2)]


def bring(results: Path, files: list[str], *options: str) -> int:
    """Import as sb3_ppo; a later option counts."""
    arguments = ["--algorithm", "sb3_ppo", "--env", ENVIRONMENT, "--results", str(results)]
    return main(["import", *files, *arguments, *options])


def scores(results: Path, ablation: str) -> pd.Series:
    view = bench.load(ablation, results)
    scored = score_runs(view.runs, view.episodes, view.updates)
    return scored.set_index(["variant", "environment", "seed"])["score"]


def test_alone_it_is_an_ablation_of_its_own_name(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "new"
    assert bring(results, files) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"seed 0: 1,000 steps, 20 rows, final return 19.5  ({files[0]})"
    assert lines[2] == (
        "sb3_ppo in CartPole-v1: 2 runs imported (seeds 0-1); mean final return 29.2 "
        "(last 10% of the steps)."
    )
    assert lines[-1] == f"Figure: python -m bench figure --ablation sb3_ppo --results {results}"
    view = bench.load("sb3_ppo", results)
    assert set(view.runs["status"]) == {"finished"}
    assert set(view.runs["back_end"]) == set(view.runs["digest"]) == {"imported"}
    assert list(view.runs["budget"]) == [1000, 1000]
    assert set(view.runs["variant_title"]) == {"sb3 ppo (imported)"}
    machine = json.loads(view.runs["machine"].iloc[0])
    assert machine["file"] == files[0] and len(machine["sha256"]) == 64
    (line,) = view.mixed
    assert "sb3 ppo (imported) in CartPole-v1 was not trained here: 2 runs read from files" in line
    assert "steps, seeds and scoring were not verified" in line
    assert main(["figure", "--ablation", "sb3_ppo", "--results", str(results)]) == 0
    assert line in capsys.readouterr().out


def test_beside_an_ablation_s_variants_in_every_output(
    results: Path, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring(results, files, "--ablation", "small") == 0
    assert scores(results, "small").loc["sb3_ppo"].tolist() == [19.5, 39.0]
    title, note = "sb3 ppo (imported)", "was not trained here"
    paths = {kind: str(tmp_path / f"out.{kind}") for kind in ("svg", "md", "html", "tex")}
    common = ["--ablation", "small", "--results", str(results)]
    assert main(["figure", *common, "--output", paths["svg"], "--table", paths["md"]]) == 0
    assert main(["report", *common, "--output", paths["html"]]) == 0
    assert main(["export", *common, "--to", "latex", "--output", paths["tex"]]) == 0
    for kind, path in paths.items():
        text = Path(path).read_text()
        assert title in text, kind
        if kind in ("md", "html"):  # a figure's caption is broken into lines
            assert note in text, kind
    assert capsys.readouterr().out.count(note) == 3
    html = Path(paths["html"]).read_text()
    assert "python -m bench run --ablation" in html and "python -m bench import" not in html
    assert main(["export", *common, "--to", "csv", "--output", str(tmp_path / "csv")]) == 0
    assert "sb3_ppo" in (tmp_path / "csv" / "statistics.csv").read_text()
    assert main(["export", *common, "--to", "tensorboard", "--output", str(tmp_path / "tb")]) == 0
    assert (tmp_path / "tb" / ENVIRONMENT / "sb3_ppo" / "seed_1").is_dir()


def test_seconds_that_no_file_tells_are_left_out_of_curves_against_them(
    results: Path, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring(results, files, "--ablation", "small") == 0
    path = tmp_path / "seconds.svg"
    command = ["figure", "--x", "seconds", "--output", str(path), "--results", str(results)]
    assert main([*command, "--ablation", "small"]) == 0
    drawing = path.read_text()
    assert ">mean</text>" in drawing and ">sb3 ppo (imported)</text>" not in drawing
    words = " ".join(re.sub("<[^>]*>", " ", drawing).split())
    assert "Left out, as no file tells their seconds: sb3 ppo (imported)." in words
    assert "CartPole-v1 (400 steps per seed)" in words
    assert bring(results, files) == 0
    capsys.readouterr()
    assert main([*command, "--ablation", "sb3_ppo"]) == 2
    assert "no run has wall times" in capsys.readouterr().err


def test_the_same_again_changes_nothing(
    results: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring(results, files, "--ablation", "small") == 0
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*.parquet")}
    # Called otherwise, it is the same curve.
    moved = str(Path(files[0]).rename(Path(files[0]).with_name("moved.csv")))
    capsys.readouterr()
    assert bring(results, [moved, files[1]], "--ablation", "small") == 0
    assert "2 runs already there, unchanged (seeds 0-1)" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*.parquet")} == before


def test_another_curve_of_a_seed_is_taken_with_replace_only(
    results: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring(results, files, "--ablation", "small") == 0
    rising(Path(files[1]), by=5.0, number=30)
    before = scores(results, "small")
    assert bring(results, files, "--ablation", "small") == 2
    assert "another curve of seed 1 already; --replace takes this" in capsys.readouterr().err
    pd.testing.assert_series_equal(scores(results, "small"), before)
    assert bring(results, files, "--ablation", "small", "--replace") == 0
    output = capsys.readouterr().out
    assert "1 run replaced (seeds 1), 1 run already there, unchanged (seeds 0)" in output
    assert "seed 0: ends at step 1,000, the longest seed at 1,500" in output
    assert scores(results, "small").loc["sb3_ppo"].tolist() == [19.5, 145.0]


def test_what_another_process_imports_meanwhile_stays(
    results: Path,
    files: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = str(rising(Path(files[1]).with_name("other.csv"), by=5.0, number=30))
    check_writable = Store.check_writable

    def interfere(store: Store) -> None:
        monkeypatch.setattr(Store, "check_writable", check_writable)
        check_writable(store)
        assert bring(results, [files[0], other], "--ablation", "small") == 0

    monkeypatch.setattr(Store, "check_writable", interfere)
    assert bring(results, files, "--ablation", "small") == 2
    assert "another process has imported seed 0 of sb3_ppo meanwhile" in capsys.readouterr().err
    assert scores(results, "small").loc["sb3_ppo"].tolist() == [19.5, 145.0]


def test_training_keeps_it_and_is_not_spared_by_it(
    results: Path, files: list[str], ablation_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring(results, files, "--ablation", str(ablation_file)) == 0
    estimates = dict(Estimate.of(Store(results)).step_seconds)
    assert ("sb3_ppo", ENVIRONMENT) not in estimates and estimates
    capsys.readouterr()
    options = ["--ablation", str(ablation_file), "--results", str(results), "--workers", "1"]
    assert main(["show", str(ablation_file), "--seeds", "0-2", "--results", str(results)]) == 0
    assert "6 runs, 2 of them missing" in capsys.readouterr().out
    assert main(["run", *options, "--seeds", "0-2"]) == 0
    output = capsys.readouterr().out
    assert "Trained 2 runs" in output and "figure and bench.load now show" not in output
    assert "sb3 ppo (imported)" in output and "was not trained here" in output
    view = bench.load("small", results)
    assert list(view.runs["variant"].unique()) == ["vanilla", "mean", "sb3_ppo"]
    # In an environment that is not asked for it has no place, and it is there again later.
    assert main(["run", *options, "--env", "Acrobot-v1", "--seeds", "0", "--steps", "50"]) == 0
    assert "sb3_ppo" not in set(bench.load("small", results).plan["variant"])
    assert main(["run", *options]) == 0
    assert set(bench.load("small", results).runs["variant"]) == {"vanilla", "mean", "sb3_ppo"}


def test_imported_before_anything_is_trained(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "new"
    options = ["--ablation", "baseline", "--env", "InvertedPendulum-v5"]
    assert bring(results, files, *options) == 0
    output = capsys.readouterr().out
    assert "To compare with the published runs of baseline: python -m bench merge" in output
    view = bench.load("baseline", results)
    assert view.plan["control"].tolist() == ["none"]
    assert view.plan["question"].iloc[0].startswith("What does subtracting a baseline")


def test_no_verb_trains_it_again_or_lets_it_play(
    results: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring(results, files) == 0
    run = bench.load("sb3_ppo", results).runs["run"].iloc[0]
    capsys.readouterr()
    options = ["--results", str(results)]
    for verb in ("verify", "evaluate", "watch"):
        assert main([verb, run, *options]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert f"run {run} was imported, not trained here: there is no policy of it" in error
    for verb in ("evaluate", "watch"):
        assert main([verb, "--ablation", "sb3_ppo", *options]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "were imported, not trained here" in error
    assert main(["verify", "--ablation", "sb3_ppo", *options]) == 2
    assert "no run in" in capsys.readouterr().err


def test_oddities_are_taken_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = [(step, 1.0) for step in (*range(10, 500, 10), *range(800, 1001, 10))]
    odd = table(tmp_path / "odd.csv", points)
    short = monitor(tmp_path / "m" / "monitor.csv", [10] * 60, [1.0] * 60, environment="Hopper-v4")
    results = tmp_path / "new"
    paths = [str(odd), str(short)]
    assert bring(results, paths, "--env", "Hopper-v5", "--kind", "episodes") == 0
    output = capsys.readouterr().out
    first = "nothing between steps 490 and 800"
    second = "ends at step 600, the longest seed at 1,000; its file says Hopper-v4"
    assert f"seed 0: {first}" in output and f"seed 1: {second}" in output
    view = bench.load("sb3_ppo", results)
    assert view.runs["reason"].tolist() == [first, second]
    assert any(line.endswith(f"seed 0: {first}") for line in view.mixed)
    assert "sb3 ppo (imported) in Hopper-v5 has seeds of 600 to 1,000 steps" in view.mixed


def test_steps_end_what_counts(tmp_path: Path, files: list[str]) -> None:
    results = tmp_path / "new"
    assert bring(results, files, "--steps", "500") == 0
    view = bench.load("sb3_ppo", results)
    assert view.runs["budget"].tolist() == view.plan["budget"].tolist() * 2 == [500, 500]
    assert view.episodes["step"].max() == 500
    assert scores(results, "sb3_ppo").tolist() == [10.0, 20.0]
    assert bring(tmp_path / "other", files, "--steps", "2k") == 0
    reason = bench.load("sb3_ppo", tmp_path / "other").runs["reason"].iloc[0]
    assert reason == "nothing between steps 1,000 and 2,000"


CASES = Path(__file__).parents[1] / "importing" / "cases"


def test_what_export_wrote_comes_back_the_same(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring(results, [str(CASES / "evals" / "*.npz")], "--ablation", "small") == 0
    folder = tmp_path / "csv"
    common = ["--ablation", "small", "--results", str(results)]
    assert main(["export", *common, "--to", "csv", "--output", str(folder)]) == 0
    for name, kind in (("mean", "training episodes"), ("sb3_ppo", "evaluations")):
        target = tmp_path / name
        capsys.readouterr()
        assert bring(target, [str(folder)]) == 2
        assert "its column 'variant' holds vanilla, mean, sb3_ppo" in capsys.readouterr().err
        assert bring(target, [str(folder)], "--where", f"variant={name}") == 0
        view, source = bench.load("sb3_ppo", target), bench.load("small", results)
        columns = ["seed", "step", "return", "length", "seconds"]
        exported = source.episodes[source.episodes["variant"] == name][columns]
        pd.testing.assert_frame_equal(
            view.episodes[columns].reset_index(drop=True), exported.reset_index(drop=True)
        )
        assert all(text.startswith(f"imported: {kind}, ") for text in view.runs["evaluation"])


def test_a_variant_has_one_kind_of_returns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "new"
    monitors, evaluations_ = str(CASES / "c_digit"), str(CASES / "evals" / "evaluations_0.npz")
    hopper = ["--env", "Hopper-v5"]
    assert bring(results, [monitors], *hopper) == 0
    output = capsys.readouterr().out
    assert "seed 0: 8,000 steps, 80 training episodes, final return" in output
    assert "its file says Hopper-v2" in output
    for options in (["--seeds", "1"], ["--env", "Swimmer-v5"]):
        assert bring(results, [evaluations_], *hopper, *options) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert (
            "its returns are evaluations, those of sb3_ppo in Hopper-v5 are training episodes; "
            "name another --variant"
        ) in error
    # Where nothing of the other kind is left, nothing is mixed.
    assert bring(results, [evaluations_], *hopper, "--replace") == 0
    assert set(bench.load("sb3_ppo", results).runs["evaluation"]) == {
        "imported: evaluations, episodes of Stable-Baselines3's EvalCallback, played between "
        "training"
    }


def test_a_file_of_another_environment_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring(tmp_path / "new", [str(CASES / "c_digit")]) == 2
    error = capsys.readouterr().err
    assert "its file says 'Hopper-v2', not CartPole-v1; name what it is of by --env" in error
    assert error.count("\n") == 1 and not (tmp_path / "new").exists()


def test_a_name_that_is_no_text_is_stored_and_printed(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(Path(files[0]).rename(os.fsdecode(bytes(tmp_path / "caf") + b"\xe9.csv")))
    assert bring(tmp_path / "new", [name]) == 0
    assert r"caf\udce9.csv" in capsys.readouterr().out
    (machine,) = Store(tmp_path / "new").runs()["machine"]
    assert json.loads(machine)["file"].endswith(r"caf\udce9.csv")


def test_one_variant_s_name_for_two_algorithms_stops_no_training(
    files: list[str], tmp_path: Path
) -> None:
    store = Store(tmp_path / "new")
    both = []
    environments = ("InvertedPendulum-v5", "InvertedDoublePendulum-v5")
    for algorithm, environment in zip(("sb3_ppo", "rllib_ppo"), environments, strict=True):
        options = ["--variant", "other", "--env", environment, "--algorithm", algorithm]
        assert bring(store.path, files, "--ablation", "baseline", *options) == 0
        (row,) = page_of(store, "baseline")
        both.append({**row, "variant": "none", "metadata": "{}"})
        next(store.path.glob("plans/*")).unlink()
    assert [row["algorithm"] for row in imported_rows(store, both)] == ["rllib_ppo"]


def test_what_lies_beside_a_run_s_files_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring(tmp_path / "new", [str(CASES / "d_train_eval")], "--env", "Hopper-v4") == 0
    output = capsys.readouterr().out
    assert "seed 0: not read, beside it: eval.monitor.csv" in output
    assert bench.load("sb3_ppo", tmp_path / "new").runs["reason"].isna().all()


def test_evaluations_are_not_called_episodes_of_training(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evals = [str(CASES / "evals" / "*.npz")]
    assert bring(results, evals, "--ablation", "small") == 0
    assert bring(results, evals) == 0
    output = capsys.readouterr().out
    assert "seed 9: 100,000 steps, 100 evaluations, final return" in output
    for ablation, phrase in (
        ("small", "Not training episodes but evaluations: sb3 ppo (imported)."),
        ("sb3_ppo", "(n = 10) of the return of evaluations, gathered between the points"),
    ):
        drawing, table_ = tmp_path / "out.svg", tmp_path / "out.md"
        common = ["--ablation", ablation, "--results", str(results)]
        assert main(["figure", *common, "--output", str(drawing), "--table", str(table_)]) == 0
        words = " ".join(re.sub("<[^>]*>", " ", drawing.read_text()).replace("\xa0", " ").split())
        assert phrase in words
        note = "Not training episodes but evaluations: sb3 ppo (imported)."
        assert note in table_.read_text()


def test_options_that_can_not_be_meant_are_refused(
    tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    monitor_ = [str(CASES / "a_space_header")]
    for paths, options, message in (
        (files, ["--kind", "evals"], "unknown kind 'evals'. Did you mean 'evaluations'?"),
        (files, ["--where", "seed"], "--where 'seed' is not understood; it is COLUMN=VALUE"),
        (files, ["--step-column", "steps"], "is of no known format; its columns are step, return"),
        (monitor_, ["--return-column", "r"], "--where are about columns of a table, and"),
        (monitor_, ["--kind", "means"], "its returns are training episodes, not means of train"),
    ):
        assert bring(tmp_path / "new", paths, *options) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1


def test_two_variants_and_two_environments_of_one_algorithm(
    tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "new"
    assert bring(results, files[:1]) == 0
    assert bring(results, files[1:], "--seeds", "7") == 0
    assert bring(results, files, "--env", "Acrobot-v1") == 0
    assert bring(results, files, "--variant", "tuned", "--ablation", "sb3_ppo") == 0
    view = bench.load("sb3_ppo", results)
    seeds = view.runs.groupby(["variant", "environment"], sort=False)["seed"].apply(list)
    assert seeds.to_dict() == {
        ("sb3_ppo", ENVIRONMENT): [0, 7],
        ("tuned", ENVIRONMENT): [0, 1],
        ("sb3_ppo", "Acrobot-v1"): [0, 1],
    }
    assert (
        bring(results, files, "--algorithm", "other", "--variant", "tuned", "--ablation", "sb3_ppo")
        == 2
    )
    assert "has a variant 'tuned' that was imported as sb3_ppo" in capsys.readouterr().err


def test_merging_and_publishing_carry_it_along(
    results: Path, trained: Path, files: list[str], tmp_path: Path
) -> None:
    assert bring(results, files, "--ablation", "small") == 0
    target = Path(shutil.copytree(trained, tmp_path / "target"))
    result = merge(results, target)
    assert len(result.added) == 2 and not result.contested and not result.problems
    pd.testing.assert_series_equal(scores(target, "small"), scores(results, "small"))
    publish(results, tmp_path / "published")
    published = scores(tmp_path / "published", "small")
    pd.testing.assert_series_equal(published, scores(results, "small"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--algorithm", "clipped_ppo"], "'clipped_ppo' is the suite's own, whose code did not"),
        (["--algorithm", "my ppo"], "may hold only letters, digits"),
        (["--variant", "mean", "--ablation", "small"], "has a variant 'mean' that is trained"),
        (["--ablation", "smal"], "unknown ablation 'smal'. Did you mean 'small'?"),
        (["--ablation", "small", "--env", "CartPole-v0"], "Did you mean 'CartPole-v1'?"),
        (["--seeds", "0-2"], "there are fewer curves, 2, than seeds, 3"),
        (["--seeds", "1,1"], "seed 1 is named 2 times"),
        (["--steps", "10"], "it begins at step 50, after 10"),
        (["--steps", "none"], "steps 'none' not understood"),
        (["--tag", "reward"], "--tag names a scalar of TensorBoard's event files"),
    ],
)
def test_nothing_is_stored_of_what_is_refused(
    results: Path,
    files: list[str],
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*")}
    assert bring(results, files, *options) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and message in captured.err
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*")} == before


def test_a_full_disk_is_told_and_the_same_command_completes_it(
    results: Path,
    files: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write_plan", full)
        assert bring(results, files, "--ablation", "small") == 2
    assert "stopped: No space left on device" in capsys.readouterr().err
    assert "sb3_ppo" not in set(bench.load("small", results).runs["variant"])
    assert bring(results, files, "--ablation", "small") == 0
    assert "2 runs already there" in capsys.readouterr().out
    assert scores(results, "small").loc["sb3_ppo"].tolist() == [19.5, 39.0]


def test_one_bad_file_keeps_all_out(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pickled = evaluations(tmp_path / "evaluations.npz", timesteps=[1], results=np.array([[None]]))
    assert bring(tmp_path / "new", [*files, str(pickled)]) == 2
    assert "holds pickled Python objects" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_published_results_are_left_alone(
    files: list[str], results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(results, tmp_path / "published")
    assert bring(tmp_path / "published", files) == 2
    assert "holds published results and is read-only" in capsys.readouterr().err
