"""`evaluate` and `watch` on saved policies."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageSequence
from refusals import assert_refused
from safetensors.numpy import save

from bench.cli.app import main
from bench.cli.choosing import policies
from bench.cli.options import view_of
from bench.errors import InputError
from bench.evidence.figures import strip
from bench.evidence.measures.scores import score_runs
from bench.kinds import ACTIONS
from bench.policies import offscreen_rendering, video
from bench.store import PUBLISHED, Store, load
from bench.store.evaluations import evaluation_view


@pytest.fixture
def store(trained: Path) -> Store:
    return Store(trained)


Evaluate = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def evaluate(capsys: pytest.CaptureFixture[str]) -> Evaluate:
    """Evaluates in a store; gives the answer for programs."""

    def ask(store: Store, *arguments: str) -> dict[str, dict[str, Any]]:
        command = ["evaluate", *arguments, "--results", str(store.path), "--json"]
        assert main(command) == 0
        answer: dict[str, dict[str, Any]] = json.loads(capsys.readouterr().out)
        return answer

    return ask


def test_evaluate_tells_both_ways_of_every_run(
    store: Store, tmp_path: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Store(shutil.copytree(store.path, tmp_path / "copy"))
    assert main(["evaluate", "--results", str(copy.path), "--episodes", "3"]) == 0
    output = capsys.readouterr().out
    assert "deterministic" in output and "sampled" in output
    assert "4 runs of" in output and "3 new episodes each way" in output
    evaluations = evaluate(copy, "--episodes", "3")
    # By what their ablation calls them, not by one algorithm's name.
    assert {(evaluation["variant"], evaluation["seed"]) for evaluation in evaluations.values()} == {
        (variant, seed) for variant in ("vanilla", "mean") for seed in (0, 1)
    }
    assert all(evaluation["variant"] in output for evaluation in evaluations.values())
    run = next(iter(evaluations))
    # The same episodes, whoever else plays them.
    assert evaluate(copy, run[:12], "--episodes", "3") == {run: evaluations[run]}
    other = evaluate(copy, run, "--episodes", "3", "--seed", "1")[run]
    assert other["sampled"] != evaluations[run]["sampled"]


def test_what_is_played_is_stored_and_shown_in_place_of_training(
    store: Store, tmp_path: Path, evaluate: Evaluate
) -> None:
    copy = Store(shutil.copytree(store.path, tmp_path / "copy"))
    view = load("small", copy.path)
    advice = f"sampled actions: python -m bench evaluate --ablation small --results {copy.path}"
    with pytest.raises(InputError, match=f"no policy of small has been evaluated with {advice}$"):
        evaluation_view(view, "sampled")
    answer = evaluate(copy, "--episodes", "3", "--seeds", "1")
    assert len(answer) == 2
    for actions in ACTIONS:
        played = evaluation_view(view, actions)
        assert set(played.runs["run"]) == set(answer)
        for run, evaluation in answer.items():
            episodes = played.episodes[played.episodes["run"] == run]
            assert episodes["return"].tolist() == evaluation[actions]
            assert set(episodes["step"]) == set(played.runs["budget"])
        scores = score_runs(played.runs, played.episodes, played.updates)
        assert set(scores["kind"]) == {"evaluations"}
        means = {run: np.mean(evaluation[actions]) for run, evaluation in answer.items()}
        assert dict(zip(scores["run"], scores["score"], strict=True)) == pytest.approx(means)
    with pytest.raises(InputError, match="Did you mean 'sampled'"):
        view_of("small", copy.path, "sample")
    # What is only read stays as it is.
    options = ["--ablation", "reference", "--env", "InvertedPendulum-v5", "--episodes", "1"]
    assert main(["evaluate", "--results", str(PUBLISHED), *options]) == 0
    assert not (PUBLISHED / "evaluations").exists()
    merge = re.escape(f"python -m bench merge {PUBLISHED}; then: python -m bench evaluate")
    with pytest.raises(InputError, match=f"{merge} --ablation reference$"):
        evaluation_view(load("reference", PUBLISHED), "sampled")


def test_evaluations_under_different_conditions_are_told(
    store: Store, tmp_path: Path, evaluate: Evaluate
) -> None:
    copy = Store(shutil.copytree(store.path, tmp_path / "copy"))
    evaluate(copy, "--episodes", "3")
    view = load("small", copy.path)
    assert evaluation_view(view, "sampled").problems == ()
    evaluate(copy, "--episodes", "2", "--seeds", "1", "--seed", "5", "--time-limit", "15")
    (line,) = evaluation_view(view, "sampled").problems
    assert line == (
        "CartPole-v1 compares evaluations under different conditions: 2 episodes of seed 5, cut "
        "off after 15 steps (2 runs); 3 episodes of seed 1000000 (2 runs)"
    )


def test_evaluations_of_an_earlier_policy_do_not_count(
    store: Store, ablation_file: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    copy = Store(shutil.copytree(store.path, tmp_path / "copy"))
    again = ["run", "--ablation", str(ablation_file), "--results", str(copy.path), "--fresh"]
    answer = evaluate(copy, "--episodes", "3")
    assert main([*again, "--seeds", "0", "--workers", "1"]) == 0
    view = evaluation_view(load("small", copy.path), "sampled")
    assert set(view.runs["run"]) == {run for run in answer if answer[run]["seed"] == 1}
    assert view.problems == (
        "2 runs left out: trained again since the evaluation, so it is of an earlier policy",
    )
    # Files that do not say which policy played count as they always have.
    for path in (copy.path / "evaluations").iterdir():
        pq.write_table(pq.read_table(path).drop_columns(["trained", "seal"]), path)
    view = evaluation_view(load("small", copy.path), "sampled")
    assert set(view.runs["run"]) == set(answer) and view.problems == ()


def test_runs_are_chosen_by_what_they_are(store: Store, evaluate: Evaluate) -> None:
    options = ("--ablation", "small", "--variant", "mean", "--seeds", "1", "--episodes", "1")
    (evaluation,) = evaluate(store, *options).values()
    assert (evaluation["variant"], evaluation["seed"], evaluation["environment"]) == (
        "mean",
        1,
        "CartPole-v1",
    )


@pytest.mark.parametrize(
    ("ablation", "title"), [("ladder_1m", "clipped PPO"), ("experiment", "PPO (Clip)")]
)
def test_a_policy_is_called_what_the_ablation_calls_its_variant(ablation: str, title: str) -> None:
    """Both ablations have the same run."""
    _, chosen = policies(
        PUBLISHED, None, ablation, ["clipped_ppo"], ["HalfCheetah-v5"], "0", modules=None
    )
    assert chosen["title"].tolist() == [title]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "zz"], "unknown run in"),
        (["evaluate", "--ablation", "smal"], "Did you mean 'small'?"),
        (["evaluate", "--ablation", "small", "--variant", "men"], "Did you mean 'mean'?"),
        (["evaluate", "--variant", "mean"], "--variant goes with --ablation"),
        (["evaluate", "--env", "CartPole-v0"], "Did you mean 'CartPole-v1'?"),
        (["evaluate", "--seeds", "7"], "unknown seed among these runs '7'. Allowed: 0, 1"),
        (["evaluate", "--episodes", "0"], "'--episodes'"),
        (
            ["watch", "--output", "x.avi"],
            "cannot write what a policy does as 'x.avi': its name must end in .mp4 or .gif or .png",
        ),
        (["watch", "--output", "x.png", "--episodes", "2"], "a strip shows one episode"),
        (["watch"], "there is no display to open a window on; write a video with --output"),
    ],
)
def test_refusals(
    arguments: list[str],
    message: str,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(offscreen_rendering, "has_display", lambda: False)
    assert_refused([*arguments, "--results", str(store.path)], message, capsys)


def test_a_run_without_its_policy_or_with_a_torn_one(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Store(shutil.copytree(store.path, tmp_path / "copy"))
    first, second, *_ = copy.runs()["run"]
    copy.policy_path(first).unlink()
    copy.policy_path(second).write_bytes(b"no safetensors")
    command = ["evaluate", "--results", str(copy.path)]
    assert_refused([*command, first], f"no policy of run {first} is kept in", capsys)
    assert_refused([*command, second], "safetensors is torn or no policy", capsys)
    shutil.rmtree(copy.path / "policies")
    assert_refused(command, "no policy is kept in", capsys)
    assert_refused([*command[:2], str(tmp_path / "nothing")], "nothing does not exist", capsys)


def keep(store: Store, run: str, policy: bytes) -> None:
    """Store a run again, with this as its policy's file."""
    tables = store.read([store.committed()[run]])
    store.adopt_run(run, tables, policy)


def test_a_policy_that_is_none_is_named_and_the_others_are_played(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Store(shutil.copytree(store.path, tmp_path / "copy"))
    torn, diverged, foreign, intact = sorted(copy.runs()["run"])
    copy.policy_path(torn).write_bytes(copy.policy_path(torn).read_bytes()[:-1])
    arrays = copy.policy(diverged)
    arrays["policy"][0] = np.nan
    keep(copy, diverged, save(arrays))
    header = b'{"policy":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    keep(copy, foreign, struct.pack("<Q", len(header)) + header + bytes(2))
    options = ["--results", str(copy.path)]
    assert main(["evaluate", *options, "--episodes", "1"]) == 1
    output = capsys.readouterr().out
    assert intact in output[: output.index("1 run of ")]
    lines = output[output.index("1 run of ") :].splitlines()
    reasons = {
        torn: "safetensors is torn or no policy",
        diverged: "is not played: 'policy' is not finite, as where training diverges",
        foreign: "is torn or no policy ('BF16')",
    }
    assert len(lines) == 4
    for run, reason in reasons.items():
        (line,) = (line for line in lines[1:] if line.startswith(f"{run}: "))
        assert reason in line
        for verb in (["evaluate"], ["watch", "--output", str(tmp_path / "x.mp4")]):
            assert_refused([*verb, run, *options], reason, capsys)
    assert not (tmp_path / "x.mp4").exists()
    assert main(["evaluate", *options, "--episodes", "1", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer.keys() == {*reasons, intact}
    assert all(reason in answer[run]["not_played"] for run, reason in reasons.items())


def test_watch_writes_videos_at_the_speed_of_the_world(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = store.runs()["run"].iloc[0]
    for name, rate in (("x.mp4", 50), ("x.gif", 25)):
        path = tmp_path / "new folder" / name
        command = ["watch", run, "--results", str(store.path), "--output", str(path)]
        assert main([*command, "--steps", "5", "--episodes", "2"]) == 0
        output = capsys.readouterr().out
        assert output.count("Episode") == 2 and "in 5 steps" in output
        assert f"at {rate} frames per second" in output
        assert [file.name for file in path.parent.iterdir()] == [name]
        # Two episodes of five steps and their beginnings, fifty steps a second.
        assert "0.2 s at" in output
        if name == "x.mp4":
            assert imageio_ffmpeg.count_frames_and_secs(path) == (12, pytest.approx(0.24))
        else:
            with Image.open(path) as gif:  # equal neighbours are one picture, shown longer
                durations = [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]
                assert (sum(durations), gif.size, gif.info["loop"]) == (240, (600, 400), 0)
        path.unlink()


def test_watch_draws_a_strip_with_a_row_for_each_policy(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def rows(*arguments: str) -> list[str]:
        output = ["--output", str(tmp_path / "x.png"), "--results", str(store.path)]
        assert main(["watch", *arguments, *output]) == 0
        *lines, last = capsys.readouterr().out.splitlines()
        assert "6 pictures per policy" in last
        return [line.split(": ")[0] for line in lines]

    options = ["--ablation", "small", "--steps", "10"]
    assert rows(*options, "--seeds", "1") == ["vanilla", "mean"]  # as the ablation lists them
    with Image.open(tmp_path / "x.png") as two:
        size = two.size
    assert rows(*options, "--variant", "mean") == ["mean, seed 0", "mean, seed 1"]
    runs = store.runs().set_index(["algorithm", "seed"])["run"]
    named = [runs["baseline", 1], runs["vanilla_policy_gradient", 0], runs["baseline", 0]]
    assert rows(*named, "--steps", "10") == ["mean, seed 1", "vanilla, seed 0", "mean, seed 0"]
    with Image.open(tmp_path / "x.png") as three:
        assert three.size[0] == size[0] and three.size[1] > size[1]


@pytest.mark.parametrize(("steps", "pictures"), [("3", 4), ("7", 6), ("8", 5)])
def test_a_strip_is_cut_off_where_it_is_asked_to_be(
    steps: str,
    pictures: int,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The spacing of its pictures is rounded, to one, one and two steps."""
    drawn: list[strip.Row] = []
    draw = strip.draw
    monkeypatch.setattr(
        strip, "draw", lambda rows, seconds: (drawn.extend(rows), draw(rows, seconds))[1]
    )
    output = ["--output", str(tmp_path / "x.png"), "--results", str(store.path)]
    assert main(["watch", store.runs()["run"].iloc[0], "--steps", steps, *output]) == 0
    assert f" in {steps} steps\n" in capsys.readouterr().out
    assert [len(row.pictures) for row in drawn] == [pictures]


@pytest.mark.parametrize("name", ["x.png", "x.mp4"])
def test_watch_tells_what_it_leaves_out(
    name: str, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(store.path, tmp_path / "copy")
    (copy / "runs" / "torn.parquet").write_bytes(b"")
    output = ["--steps", "2", "--seeds", "0", "--output", str(tmp_path / name)]
    assert main(["watch", *output, "--results", str(copy)]) == 0
    assert "torn.parquet" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("name", ["x.png", "x.mp4"])
def test_samples_that_training_never_took_are_not_shown(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", "--algorithm", "cem", "--env", "CartPole-v1", "--seeds", "0", "--steps", "300"]
    assert main([*run, "--workers", "1", "--results", str(tmp_path)]) == 0
    watch = ["watch", "--results", str(tmp_path), "--steps", "2", "--output", str(tmp_path / name)]
    message = "cem chose its actions in training by other means than sampling: leave out --sampled"
    assert_refused([*watch, "--sampled"], message, capsys)
    assert main(watch) == 0


def test_a_strip_is_of_one_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "x.png"
    assert_refused(
        ["watch", "--results", str(PUBLISHED), "--output", str(output)],
        "choose it with --env",
        capsys,
    )
    assert not output.exists()


def test_a_video_that_ends_early_leaves_nothing(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(self: video.Video) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(video.Video, "save", interrupted)
    output = ["--output", str(tmp_path / "x.mp4"), "--steps", "2"]
    assert main(["watch", "--results", str(store.path), *output]) == 130
    assert "No video was written." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_cannot_be_written(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    output = ["--output", str(tmp_path / "file" / "x.mp4"), "--steps", "2"]
    assert main(["watch", "--results", str(store.path), *output]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "x.mp4': " in error
    assert os.listdir(tmp_path) == ["file"]


def test_a_display_that_is_not_there_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPLAY", ":9876")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert main(["watch", "--results", str(store.path)]) == 2
    assert "names can't be opened; write a video with --output" in capsys.readouterr().err
