from __future__ import annotations

import numpy as np
import pytest
from rliable import metrics
from scipy import stats

from bench.evidence.statistics.profiles import optimality_gap, performance_profile

SCORES = [np.random.default_rng(e).normal(0.8, 0.4, 10) for e in range(4)]
MARKS = np.linspace(-0.5, 2.0, 26)


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_gap_is_rliable_s() -> None:
    gap, low, high = optimality_gap(SCORES, generator())
    assert gap == pytest.approx(metrics.aggregate_optimality_gap(np.stack(SCORES, axis=1)))
    assert low < gap < high


def test_what_is_above_the_target_does_not_make_up() -> None:
    gap, low, high = optimality_gap([[0.5, 3.0]], generator())
    assert gap == 0.25
    assert (low, high) == (0.0, 0.5)
    assert optimality_gap([[5.0, 6.0]], generator()) == (0.0, 0.0, 0.0)


def test_a_seed_alone_has_a_gap_and_no_interval() -> None:
    gap, low, high = optimality_gap([[0.25], [0.75]], generator())
    assert gap == 0.5
    assert np.isnan(low)
    assert np.isnan(high)


def test_the_gap_s_interval_holds_the_true_gap() -> None:
    """Coverage of the nominal 95% interval: what a bootstrap of four times ten seeds has."""
    truth = 0.4 * stats.norm.pdf(0.5) + 0.2 * stats.norm.cdf(0.5)  # E[max(0, 1 − x)], N(0.8, 0.4²)
    samples = np.random.default_rng(3).normal(0.8, 0.4, (400, 4, 10))
    covered = 0
    for place, strata in enumerate(samples):
        _, low, high = optimality_gap(list(strata), np.random.default_rng(place), repetitions=1000)
        covered += low <= truth <= high
    assert 0.89 <= covered / 400 <= 0.98


def test_the_profile_is_rliable_s() -> None:
    profile = performance_profile(SCORES, MARKS, generator())
    expected = [np.mean(np.stack(SCORES) > mark) for mark in MARKS]
    np.testing.assert_allclose(profile.share, expected)
    assert np.all(np.diff(profile.share) <= 0)
    assert np.all((profile.low <= profile.share) & (profile.share <= profile.high))


def test_environments_with_more_seeds_weigh_more_as_runs_are_pooled() -> None:
    profile = performance_profile([[1.0, 1.0, 1.0], [0.0]], [0.5], generator())
    assert profile.share.tolist() == [0.75]
    assert (profile.low.tolist(), profile.high.tolist()) == ([0.75], [0.75])


def test_the_profile_s_band_holds_the_true_share() -> None:
    truth = stats.norm.sf(0.5)
    samples = np.random.default_rng(4).normal(0.0, 1.0, (400, 4, 10))
    covered = 0
    for place, strata in enumerate(samples):
        band = performance_profile(
            list(strata), [0.5], np.random.default_rng(place), repetitions=1000
        )
        covered += bool(band.low[0] <= truth <= band.high[0])
    assert 0.88 <= covered / 400 <= 0.98


def test_single_seeds_have_no_band() -> None:
    profile = performance_profile([[1.0], [0.0]], [0.5], generator())
    assert profile.share.tolist() == [0.5]
    assert np.isnan(profile.low).all()
    assert np.isnan(profile.high).all()


@pytest.mark.parametrize("strata", [[], [[1.0], []], [[np.nan]]])
def test_what_is_no_score_is_refused(strata: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="needs"):
        performance_profile(strata, [0.5], generator())
    with pytest.raises(ValueError, match="needs"):
        optimality_gap(strata, generator())
