"""What a trial is worth."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tiny_study
from inline_executor import Inline

from bench.errors import InputError
from bench.evidence.measures.normalised import Scale
from bench.evidence.measures.scores import score_runs
from bench.store import NO_EPISODES, NO_UPDATES, PUBLISHED, Store, load
from bench.train.events import Group, Summary
from bench.train.executors.protocol import Message
from bench.train.provenance import provenance
from bench.train.recorder import Recorder
from bench.tune.request import Request
from bench.tune.scoring import (
    gold_environments,
    mean_score,
    parsed_scales,
    scoring_lines,
    trial_scales,
    trial_score,
)
from bench.tune.space import search_space
from bench.tune.study import open_study
from bench.tune.tuner import Tuner


def test_the_score_is_the_mean_of_normalised_returns() -> None:
    scales = {"a": Scale(zero=0.0, one=10.0), "b": Scale(zero=-100.0, one=100.0)}
    assert trial_score({"a": 5.0, "b": 0.0}, scales) == 0.5
    assert math.isnan(trial_score({"a": math.nan, "b": 0.0}, scales))


def test_a_stored_run_scores_as_it_does_in_every_table() -> None:
    view = load("baseline", PUBLISHED)
    chosen = view.runs[
        (view.runs["variant"] == "batch_mean") & (view.runs["environment"] == "InvertedPendulum-v5")
    ]
    scores = score_runs(chosen, view.episodes, view.updates)["score"]
    score = mean_score(Store(PUBLISHED), chosen["run"].tolist())
    assert score == pytest.approx(float(np.mean(scores)))


def test_the_figure_s_environments_have_scales_of_their_own() -> None:
    scales = trial_scales(["Hopper-v5", "Walker2d-v5"], {})
    assert set(scales) == {"Hopper-v5", "Walker2d-v5"}
    view = load("experiment", PUBLISHED)
    hopper = view.runs[
        (view.runs["variant"] == "clipped_ppo") & (view.runs["environment"] == "Hopper-v5")
    ]
    assert scales["Hopper-v5"](mean_score(Store(PUBLISHED), hopper["run"].tolist())) == (
        pytest.approx(1.0)
    )


def test_one_environment_without_a_scale_is_measured_by_its_returns() -> None:
    assert trial_scales(["CartPole-v1"], {})["CartPole-v1"](123.0) == 123.0


def test_several_need_scales() -> None:
    with pytest.raises(InputError, match="CartPole-v1 has no scale.*--scale CartPole-v1="):
        trial_scales(["CartPole-v1", "Hopper-v5"], {})
    environments = ["CartPole-v1", "Hopper-v5"]
    scales = trial_scales(environments, parsed_scales(["CartPole-v1=20:500"], environments))
    assert scales["CartPole-v1"](260.0) == 0.5


def test_a_token_environment_is_scored_by_its_gold_reward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "train" / "answers")
    back_ends = {"letters:Letters-v0": "sequence", "CartPole-v1": "envpool"}
    assert gold_environments(back_ends) == ("letters:Letters-v0",)
    request = Request(
        algorithm="sequence_policy_gradient",
        back_ends={"letters:Letters-v0": "sequence"},
        steps=1600,
        seeds=(0, 1),
        space=search_space("sequence_policy_gradient"),
        gold=("letters:Letters-v0",),
    )
    scales = {"letters:Letters-v0": Scale(zero=0.0, one=1.0)}
    store, study = Store(tmp_path), open_study(request, tmp_path, scales)
    assert request.name != replace(request, gold=()).name
    Tuner(request, study, store, Inline()).run(1)
    updates, runs = store.updates(), store.runs()["run"].tolist()
    late = updates[updates["step"] > 1440].groupby("run")["gold_reward"].mean()
    (trial,) = study.get_trials()
    assert trial.value == pytest.approx(late.mean())
    # The reward counts letters, the gold reward is whether there is one.
    assert mean_score(store, runs) > mean_score(store, runs, gold=True) == trial.value
    assert list(scoring_lines(request)) == [
        "letters:Letters-v0: scored by the gold reward, on which nothing is trained.",
        "Not searched: reference_penalty, which holds policies back from exploiting their reward.",
    ]
    searched = search_space("sequence_policy_gradient", searched=["reference_penalty"])
    (note,) = scoring_lines(replace(request, gold=(), space=searched))
    assert note.startswith("letters:Letters-v0 has no gold reward: scored by the reward that is ")


@pytest.mark.parametrize("text", ["CartPole-v1", "CartPole-v1=1", "CartPole-v1=5:5", "Else=0:1"])
def test_a_scale_that_is_none_is_told_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="not understood"):
        parsed_scales([text], ["CartPole-v1"])


def test_a_run_without_episodes_has_no_score(tmp_path: Path) -> None:
    store = Store(tmp_path)
    description = tiny_study.request().description("CartPole-v1", {})
    message = Message(
        group=Group.of(description, (0,)),
        kind="done",
        content={},
        started=datetime.now(UTC),
        origin=provenance(),
    )
    (row,) = message.group.rows
    recorder = Recorder(store, Summary(), {description.identifier: ""})
    store.write_run(
        recorder.stored_row(message, row, "finished", None), NO_EPISODES, NO_UPDATES, None
    )
    assert math.isnan(mean_score(store, [description.run(0)]))
