from __future__ import annotations

import numpy as np

from bench.evidence.measures.curves import SeedCurves
from bench.evidence.measures.thresholds import median_time, times_to

NAN = np.nan


def curves(values: list[list[float]]) -> SeedCurves:
    return SeedCurves(
        environment="Hopper-v5",
        variant="ppo",
        title="PPO",
        seeds=tuple(range(len(values))),
        grid=np.array([100.0, 200.0, 300.0]),
        values=np.array(values, dtype=float).reshape(-1, 3),
    )


def test_the_first_point_at_the_threshold_or_above_counts() -> None:
    times = times_to(curves([[1, 5, 2], [5, 6, 7], [NAN, NAN, 9]]), 5.0)
    assert times.tolist() == [200.0, 100.0, 300.0]
    assert median_time(times) == 200.0


def test_a_seed_that_never_gets_there_is_not_left_out() -> None:
    times = times_to(curves([[5, 5, 5], [1, 1, 1], [1, 1, 1]]), 5.0)
    assert times.tolist() == [100.0, np.inf, np.inf]
    assert median_time(times) == np.inf


def test_of_an_even_number_at_least_half_are_there_by_the_median() -> None:
    times = times_to(curves([[5, 5, 5], [1, 5, 5], [1, 1, 5], [1, 1, 1]]), 5.0)
    assert median_time(times) == 200.0
    assert np.mean(times <= median_time(times)) == 0.5
    assert median_time(times_to(curves([[5, 5, 5], [1, 1, 1]]), 5.0)) == 100.0


def test_five_seeds_of_ten_are_half_and_four_are_not() -> None:
    reached, never = [1.0, 5.0, 5.0], [1.0, 1.0, 1.0]
    assert median_time(times_to(curves([reached] * 5 + [never] * 5), 5.0)) == 200.0
    assert median_time(times_to(curves([reached] * 4 + [never] * 6), 5.0)) == np.inf


def test_nan_is_below_every_threshold() -> None:
    assert times_to(curves([[NAN, NAN, NAN]]), -1e9).tolist() == [np.inf]


def test_without_seeds_there_is_no_median() -> None:
    times = times_to(curves([]), 1.0)
    assert times.shape == (0,)
    assert np.isnan(median_time(times))
