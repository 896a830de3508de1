"""Episodes at the end of their batch instead of at their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from bench.evidence.measures.alignment import align
from bench.evidence.measures.curves import seed_curves
from bench.evidence.measures.scores import score_runs
from tests.evidence.conftest import Build

Updates = Callable[[pd.DataFrame, dict[str, Sequence[int]]], pd.DataFrame]


def test_an_episode_is_placed_at_the_end_of_its_batch(frames: Build, updates: Updates) -> None:
    steps = [90, 200, 201, 390, 400, 401]
    descriptions = [
        {"run": "a", "seed": 0, "episodes": [(step, float(step)) for step in steps]},
        {"run": "b", "seed": 1, "episodes": [(step, float(step)) for step in steps]},
        {"run": "c", "seed": 2, "episodes": [(1, 1.0)]},
        {"run": "d", "seed": 3, "episodes": [(7, 7.0), (12, 12.0)]},
    ]
    runs, episodes = frames(descriptions)
    batches = updates(runs, {"a": [200, 400], "b": [100, 1000], "d": [5, 9]})
    placed = align(runs, episodes, batches.sample(frac=1, random_state=0))
    assert placed.step[placed.row == 0].tolist() == [200, 200, 400, 400, 400, 401]
    assert placed.step[placed.row == 1].tolist() == [100, 1000, 1000, 1000, 1000, 1000]
    assert placed.step[placed.row == 2].tolist() == [1]  # a run without updates
    assert placed.step[placed.row == 3].tolist() == [9, 12]
    np.testing.assert_allclose(placed.seconds, placed.step / 1000.0)
    unmoved = align(runs, episodes)
    np.testing.assert_array_equal(placed.returns, unmoved.returns)
    np.testing.assert_array_equal(align(runs, episodes, batches.iloc[:0]).step, unmoved.step)


def test_updates_are_of_the_run_under_its_variant(frames: Build, updates: Updates) -> None:
    shared = {"run": "same", "episodes": [(50, 1.0)]}
    runs, episodes = frames([{**shared, "variant": "a"}, {**shared, "variant": "b"}])
    batches = updates(runs, {"same": [80]})
    only_a = align(runs, episodes, batches[batches["variant"] == "a"])
    assert only_a.step.tolist() == [80, 50]


def test_a_diverged_seeds_episodes_are_cut_by_their_own_end(
    frames: Build, updates: Updates
) -> None:
    runs, episodes = frames(
        [
            {
                "run": "a",
                "episodes": [(100, 1.0), (250, 5.0), (350, -9.0)],
                "status": "diverged",
                "diverged_at": 300,
            }
        ]
    )
    placed = align(runs, episodes, updates(runs, {"a": [200, 400]}))
    assert placed.step.tolist() == [200, 400]
    assert placed.returns.tolist() == [1, 5]


@pytest.mark.parametrize("seed", range(3))
def test_whole_batches_free_curve_and_score_of_the_bias_by_length(
    frames: Build, updates: Updates, seed: int
) -> None:
    """One step, one reward: the return is the length, and its mean is the same in every batch.

    Ten slots play one episode each a batch; the short ones end first. Placed by their own end,
    episodes make a saw of a constant, and the window holds long ones only.
    """
    generator = np.random.default_rng(seed)
    start, episodes, batch_ends = 0, [], []
    for _ in range(400):
        lengths = np.sort(generator.permutation(10) + 1) * 10
        # While episodes end, fewer and fewer slots take steps.
        steps = np.cumsum(np.diff(lengths, prepend=0) * np.arange(10, 0, -1))
        episodes += [(int(start + s), float(n)) for s, n in zip(steps, lengths, strict=True)]
        start += int(steps[-1])
        batch_ends.append(start)
    # The window begins inside a batch.
    budget = int((batch_ends[-2] + 0.6 * (batch_ends[-1] - batch_ends[-2])) / 0.9)
    runs, frame = frames([{"run": "a", "budget": budget, "episodes": episodes}])
    batches = updates(runs, {"a": batch_ends})
    points = 900
    (by_end,) = seed_curves(runs, frame, points=points)
    (by_batch,) = seed_curves(runs, frame, batches, points=points)
    finite = ~np.isnan(by_batch.values)
    assert np.all(by_batch.values[finite] == 55)
    assert np.nanstd(by_end.values) > 10
    assert score_runs(runs, frame, batches)["score"].tolist() == [55]
    assert score_runs(runs, frame)["score"].iloc[0] > 60
