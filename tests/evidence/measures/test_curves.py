"""Curves on a grid, by hand and against a slow reading of the definition."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import InputError
from bench.evidence.measures.alignment import align
from bench.evidence.measures.curves import SeedCurves, aggregate, aligned_curves, seed_curves
from bench.evidence.measures.wall_time import other_machines
from tests.evidence.conftest import Build

NAN = math.nan


def curve(frames: Build, episodes: list[tuple[int, float]], **columns: Any) -> list[float]:
    (cell,) = seed_curves(*frames([{"episodes": episodes, **columns}]), points=5)
    return [] if not cell.seeds else cell.values[0].tolist()


def same(values: list[float], expected: list[float]) -> bool:
    return np.array_equal(values, expected, equal_nan=True)


def test_a_point_is_the_mean_since_the_point_before(frames: Build) -> None:
    episodes = [(200, 1.0), (201, 2.0), (400, 4.0), (600, 5.0), (799, 6.0), (1000, 7.0)]
    assert same(curve(frames, episodes), [1, 3, 5, 6, 7])


def test_nothing_is_invented_before_the_first_episode_and_the_last_value_is_carried(
    frames: Build,
) -> None:
    assert same(curve(frames, [(350, 2.0), (360, 4.0), (900, 8.0)]), [NAN, 3, 3, 3, 8])
    assert same(curve(frames, [(150, 2.0)]), [2, 2, 2, 2, 2])


def test_steps_past_the_budget_count_towards_the_last_point(frames: Build) -> None:
    assert same(curve(frames, [(100, 1.0), (1000, 2.0), (1100, 4.0)]), [1, 1, 1, 1, 3])


def test_a_diverged_seed_keeps_its_last_value(frames: Build) -> None:
    episodes = [(100, 1.0), (500, 9.0), (700, -50.0)]
    assert same(curve(frames, episodes, status="diverged", diverged_at=500), [1, 1, 9, 9, 9])


def test_returns_that_are_not_finite_are_left_out(frames: Build) -> None:
    assert same(curve(frames, [(100, 1.0), (300, NAN), (500, 3.0)]), [1, 1, 3, 3, 3])


def test_grid_and_seeds_are_named(frames: Build) -> None:
    runs, episodes = frames(
        [
            {"seed": 4, "episodes": [(100, 1.0)]},
            {"seed": 2, "episodes": [(100, 2.0)]},
            {"seed": 3, "episodes": []},
            {"seed": 5, "episodes": [(100, 5.0)], "status": "failed"},
        ]
    )
    (cell,) = seed_curves(runs, episodes, points=4)
    assert cell.seeds == (2, 4)
    assert cell.grid.tolist() == [250, 500, 750, 1000]
    assert cell.values[:, 0].tolist() == [2, 1]
    assert (cell.variant, cell.title, cell.environment) == ("control", "the control", "Hopper-v5")


def test_cells_come_in_the_ablations_order_each_with_its_own_budget(frames: Build) -> None:
    runs, episodes = frames(
        [
            {"environment": "Walker2d-v5", "variant": "z", "budget": 1000, "episodes": [(1, 1.0)]},
            {"environment": "Walker2d-v5", "variant": "a", "budget": 500, "episodes": [(1, 1.0)]},
            {"environment": "Ant-v5", "variant": "z", "budget": 2000, "episodes": [(1, 1.0)]},
        ]
    )
    cells = seed_curves(runs.sample(frac=1, random_state=0), episodes, points=2)
    assert [(cell.environment, cell.variant, cell.grid[-1]) for cell in cells] == [
        ("Walker2d-v5", "z", 1000),
        ("Walker2d-v5", "a", 500),
        ("Ant-v5", "z", 2000),
    ]


def test_seconds_are_each_seeds_own_on_the_slowest_seeds_grid(frames: Build) -> None:
    runs, episodes = frames(
        [
            {"seed": 0, "seconds": 4.0, "episodes": [(500, 1.0), (1000, 2.0)], "times": [2.0, 4.0]},
            {"seed": 1, "seconds": 8.0, "episodes": [(500, 1.0), (1000, 2.0)], "times": [4.0, 8.0]},
        ]
    )
    (cell,) = seed_curves(runs, episodes, x="seconds", points=4)
    assert cell.grid.tolist() == [2, 4, 6, 8]
    assert same(cell.values[0].tolist(), [1, 2, 2, 2])
    assert same(cell.values[1].tolist(), [NAN, 1, 1, 2])


def test_a_failed_run_does_not_stretch_the_grid(frames: Build) -> None:
    runs, episodes = frames(
        [
            {"seed": 0, "seconds": 4.0, "episodes": [(500, 1.0)]},
            {"seed": 1, "seconds": 99.0, "episodes": [(500, 1.0)], "status": "failed"},
        ]
    )
    (cell,) = seed_curves(runs, episodes, x="seconds", points=4)
    assert cell.grid[-1] == 4


def test_the_grid_is_as_fine_as_the_episodes_allow(frames: Build) -> None:
    def points(gap: int) -> int:
        steps = range(gap, 100_001, gap)
        episodes = [(step, 1.0) for step in steps for _ in range(8)]
        (cell,) = seed_curves(*frames([{"budget": 100_000, "episodes": episodes}]))
        return len(cell.grid)

    assert points(100) == 100
    assert points(2500) == 40
    assert points(10_000) == 10
    assert points(50_000) == 5


def test_the_grid_is_coarse_enough_for_three_quarters_of_the_gaps(frames: Build) -> None:
    for pattern, points in (((100, 100, 100, 100, 4000), 100), ((100, 100, 4000, 4000), 25)):
        steps = np.cumsum(np.resize(pattern, 60))
        steps = steps[steps <= 100_000]
        episodes = [(int(step), 1.0) for step in steps]
        (cell,) = seed_curves(*frames([{"budget": 100_000, "episodes": episodes}]))
        assert len(cell.grid) == points


def test_a_panel_s_grid_does_not_follow_its_coarsest_curve(frames: Build) -> None:
    descriptions = [
        {
            "environment": environment,
            "variant": variant,
            "budget": 10_000,
            "episodes": [(step, 1.0) for step in range(gap, 10_001, gap)],
        }
        for environment, variant, gap in (
            ("Ant-v5", "a", 50),
            ("Ant-v5", "b", 250),
            ("Hopper-v5", "a", 50),
        )
    ]
    assert [len(cell.grid) for cell in seed_curves(*frames(descriptions))] == [100, 40, 100]
    # Times to a return are compared on one grid.
    shared = aligned_curves(align(*frames(descriptions)), shared=True)
    assert [len(cell.grid) for cell in shared] == [40, 40, 100]


def test_seconds_of_another_machine_are_left_out_and_told(frames: Build) -> None:
    other = json.dumps({"processor": "Xeon", "model": "6-85", "cores": 64})
    runs, episodes = frames(
        [
            *({"seed": seed, "episodes": [(500, 1.0)]} for seed in range(3)),
            {"variant": "new", "seed": 0, "episodes": [(500, 1.0)]},
            {"variant": "new", "seed": 1, "episodes": [(500, 1.0)], "machine": other},
            {"variant": "read", "seed": 0, "episodes": [(500, 1.0)], "back_end": "imported"},
        ]
    )
    cells = seed_curves(runs, episodes, x="seconds")
    assert [(cell.variant, cell.seeds) for cell in cells] == [("control", (0, 1, 2)), ("new", (0,))]
    assert [len(cell.seeds) for cell in seed_curves(runs, episodes)] == [3, 2, 1]
    assert other_machines(runs) == [
        "Seconds are compared on one machine only, AMD EPYC (17), 2 cores. Left out: "
        "the new (1 run, Xeon (6-85), 64 cores), the read (1 run, imported: read)."
    ]
    assert other_machines(runs[runs["variant"] == "control"]) == []


def test_unknown_axis_and_empty_grid_are_refused(frames: Build) -> None:
    runs, episodes = frames([{"episodes": [(1, 1.0)]}])
    axis: Any = "step"
    with pytest.raises(InputError, match="'step'.*'steps'"):
        seed_curves(runs, episodes, x=axis)
    with pytest.raises(ValueError, match="at least one point"):
        seed_curves(runs, episodes, points=0)


episode_lists = st.lists(st.tuples(st.integers(1, 330), st.floats(-1e3, 1e3)), max_size=30)


@given(st.lists(episode_lists, min_size=1, max_size=4), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_curves_against_a_slow_reading_of_the_definition(
    frames: Build, seed_episodes: list[list[tuple[int, float]]], points: int
) -> None:
    budget = 300
    (cell,) = seed_curves(
        *frames(
            [
                {"seed": seed, "budget": budget, "episodes": episodes}
                for seed, episodes in enumerate(seed_episodes)
            ]
        ),
        points=points,
    )
    assert cell.seeds == tuple(seed for seed, episodes in enumerate(seed_episodes) if episodes)
    for seed, values in zip(cell.seeds, cell.values, strict=True):
        last = math.nan
        for point in range(points):
            final = point == points - 1
            inside = [
                value
                for step, value in seed_episodes[seed]
                if step * points > point * budget
                and (step * points <= (point + 1) * budget or final)
            ]
            last = sum(inside) / len(inside) if inside else last
            assert values[point] == pytest.approx(last, rel=1e-9, abs=1e-9, nan_ok=True)


def cell_of(values: np.ndarray) -> SeedCurves:
    return SeedCurves(
        environment="Hopper-v5",
        variant="a",
        title="A",
        seeds=tuple(range(len(values))),
        grid=np.arange(1.0, values.shape[1] + 1),
        values=values,
    )


def test_the_aggregate_is_the_statistic_at_every_point_inside_its_band() -> None:
    values = np.random.default_rng(0).normal(size=(10, 30)).cumsum(axis=1)
    for statistic, share in (("iqm", 0.25), ("mean", 0.0)):
        chosen: Any = statistic
        band = aggregate(cell_of(values), chosen, repetitions=500)
        expected = scipy.stats.trim_mean(values, share, axis=0)
        np.testing.assert_allclose(band.centre, expected, rtol=1e-12)
        assert np.all((band.low < band.centre) & (band.centre < band.high))


def test_the_aggregate_begins_where_every_seed_has_a_value() -> None:
    values = np.array([[1.0, 2.0, 3.0], [NAN, 4.0, 5.0]])
    band = aggregate(cell_of(values), "mean", repetitions=100)
    assert same(band.centre.tolist(), [NAN, 3, 4])
    assert np.isnan(band.low[0]) and band.low[1] == 2 and band.high[1] == 4


def test_one_seed_has_a_line_without_a_band_and_no_seed_has_neither() -> None:
    band = aggregate(cell_of(np.array([[1.0, 2.0]])))
    assert band.centre.tolist() == [1, 2]
    assert np.isnan(band.low).all() and np.isnan(band.high).all()
    assert np.isnan(aggregate(cell_of(np.empty((0, 2)))).centre).all()


def test_the_band_is_seeded() -> None:
    cell = cell_of(np.random.default_rng(0).normal(size=(6, 5)))
    first, second = (aggregate(cell, repetitions=50) for _ in range(2))
    np.testing.assert_array_equal(first.low, second.low)
