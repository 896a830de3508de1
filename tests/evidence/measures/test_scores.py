"""Scores of runs, by hand and against a slow reading of the definition."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import InputError
from bench.evidence.measures.scores import LAST_EPISODES, score_runs
from tests.evidence.conftest import Build


def score(frames: Build, episodes: list[tuple[int, float]], **columns: Any) -> pd.Series:
    return score_runs(*frames([{"episodes": episodes, **columns}])).iloc[0]


def test_the_window_is_the_last_tenth_without_its_left_end(frames: Build) -> None:
    episodes = [(500, 1.0), (900, 10.0), (901, 20.0), (1000, 40.0)]
    assert score(frames, episodes)["score"] == 30
    assert score(frames, episodes)["window_episodes"] == 2
    # Steps past the budget belong to it.
    assert score(frames, [*episodes, (1040, 60.0)])["score"] == 40


@pytest.mark.parametrize("budget", [10, 30, 70, 1_000_000, 3_000_000])
def test_the_window_is_exact_for_every_budget(frames: Build, budget: int) -> None:
    edge = budget // 10 * 9
    assert score(frames, [(edge, 5.0), (edge + 1, 7.0)], budget=budget)["score"] == 7


def test_an_empty_window_carries_the_last_value_forward(frames: Build) -> None:
    carried = score(frames, [(300, 1.0), (700, 2.0)])
    assert carried["score"] == 2
    assert carried["window_episodes"] == 0
    # Several environments of a seed can end at one step: no order among them is better.
    assert score(frames, [(300, 1.0), (700, 2.0), (700, 6.0)])["score"] == 4


def test_a_run_without_episodes_has_no_score(frames: Build) -> None:
    empty = score(frames, [])
    assert math.isnan(empty["score"]) and math.isnan(empty["last_100"])


def test_last_100_takes_the_last_episodes_wherever_they_lie(frames: Build) -> None:
    many = [(place, float(place)) for place in range(1, 251)]
    assert score(frames, many)["last_100"] == sum(range(151, 251)) / LAST_EPISODES
    assert score(frames, many[:50])["last_100"] == 25.5


def test_a_diverged_seed_keeps_the_value_it_had(frames: Build) -> None:
    episodes = [(300, 1.0), (600, 8.0), (950, -99.0)]
    diverged = score(frames, episodes, status="diverged", diverged_at=600)
    assert diverged["score"] == 8
    assert diverged["last_100"] == 4.5
    assert diverged["diverged"]
    late = score(frames, [(920, 4.0), (960, 99.0)], status="diverged", diverged_at=950)
    assert late["score"] == 4


def test_returns_that_are_not_finite_are_left_out_and_counted(frames: Build) -> None:
    scored = score(frames, [(950, 4.0), (970, math.nan), (990, -math.inf)])
    assert scored["score"] == 4
    assert scored["excluded_episodes"] == 2


def test_a_failed_run_is_kept_without_a_score(frames: Build) -> None:
    failed = score(frames, [(950, 4.0)], status="failed")
    assert math.isnan(failed["score"])
    assert failed["status"] == "failed" and not failed["diverged"]


def test_one_run_can_serve_two_variants(frames: Build) -> None:
    shared = {"run": "same", "episodes": [(950, 3.0)]}
    runs, episodes = frames([{**shared, "variant": "a"}, {**shared, "variant": "b"}])
    assert score_runs(runs, episodes)["score"].tolist() == [3, 3]
    only_a = episodes[episodes["variant"] == "a"]
    assert score_runs(runs, only_a)["score"].isna().tolist() == [False, True]


def test_rows_come_in_the_ablations_order_whatever_the_frames_order(frames: Build) -> None:
    descriptions = [
        {"environment": env, "variant": variant, "seed": seed, "episodes": [(950, rank)]}
        for rank, (env, variant, seed) in enumerate(
            (env, variant, seed)
            for env in ("Walker2d-v5", "Ant-v5")
            for variant in ("z", "a")
            for seed in (0, 1, 2)
        )
    ]
    runs, episodes = frames(descriptions)
    shuffled = score_runs(
        runs.sample(frac=1, random_state=1), episodes.sample(frac=1, random_state=2)
    )
    assert shuffled["score"].tolist() == list(range(12))
    pd.testing.assert_frame_equal(shuffled, score_runs(runs, episodes))


def test_episodes_of_other_runs_are_ignored(frames: Build) -> None:
    runs, episodes = frames(
        [{"seed": 0, "episodes": [(950, 3.0)]}, {"seed": 1, "episodes": [(950, 9.0)]}]
    )
    assert score_runs(runs.iloc[:1], episodes)["score"].tolist() == [3]


@pytest.mark.parametrize("kind", ["category", "object"])
def test_episodes_without_a_run_or_variant_belong_to_nobody(frames: Build, kind: str) -> None:
    runs, episodes = frames(
        [
            {"run": "x", "variant": "a", "episodes": [(950, 3.0), (960, 5.0), (970, 7.0)]},
            {"run": "x", "variant": "b", "episodes": []},
            {"run": "y", "variant": "a", "seed": 1, "episodes": []},
        ]
    )
    for column, row in (("run", 1), ("variant", 2)):
        episodes[column] = episodes[column].astype(object)
        episodes.loc[row, column] = None
        episodes[column] = episodes[column].astype(kind)
    assert score_runs(runs, episodes)["score"].fillna(-1).tolist() == [3, -1, -1]  # a0, a1, b0


@pytest.mark.parametrize("kind", ["category", "string", "object"])
def test_every_kind_of_text_column_works(frames: Build, kind: str) -> None:
    runs, episodes = frames(
        [
            {"variant": "a", "episodes": [(950, 3.0)]},
            {"variant": "b", "episodes": []},
            {"variant": "c", "episodes": [(950, 5.0)]},
        ]
    )
    for column in ("run", "variant"):
        episodes[column] = episodes[column].astype(kind)
    assert score_runs(runs, episodes)["score"].fillna(-1).tolist() == [3, -1, 5]


def test_the_inputs_stay_as_they_are(frames: Build) -> None:
    runs, episodes = frames([{"episodes": [(950, 3.0), (10, 1.0)]}])
    before = runs.copy(), episodes.copy()
    score_runs(runs, episodes)
    pd.testing.assert_frame_equal(runs, before[0])
    pd.testing.assert_frame_equal(episodes, before[1])


def test_no_runs_and_runs_twice_are_refused(frames: Build) -> None:
    runs, episodes = frames([{"seed": 3, "episodes": [(950, 3.0)]}])
    with pytest.raises(InputError, match="no runs"):
        score_runs(runs.iloc[:0], episodes)
    with pytest.raises(ValueError, match="'control' on 'Hopper-v5' has seed 3 twice"):
        score_runs(pd.concat([runs, runs]), episodes)


episode_lists = st.lists(
    st.tuples(st.integers(1, 130), st.floats(-1e3, 1e3) | st.just(math.nan)), max_size=25
)


@given(st.lists(st.tuples(episode_lists, st.none() | st.integers(0, 120)), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_scores_against_a_slow_reading_of_the_definition(
    frames: Build, seed_runs: list[tuple[list[tuple[int, float]], int | None]]
) -> None:
    scores = score_runs(
        *frames(
            [
                {
                    "seed": seed,
                    "budget": 100,
                    "episodes": episodes,
                    "diverged_at": limit,
                    "status": "finished" if limit is None else "diverged",
                }
                for seed, (episodes, limit) in enumerate(seed_runs)
            ]
        )
    )
    for (episodes, limit), actual in zip(seed_runs, scores["score"], strict=True):
        finite = [
            (step, value)
            for step, value in episodes
            if math.isfinite(value) and (limit is None or step <= limit)
        ]
        window = [value for step, value in finite if step > 90]
        if not window and finite:
            last = max(step for step, _ in finite)
            window = [value for step, value in finite if step == last]
        expected = sum(window) / len(window) if window else math.nan
        assert actual == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)
