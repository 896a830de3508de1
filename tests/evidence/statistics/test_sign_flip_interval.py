"""The interval of the sign-flip test: it is the test's own inversion, and covers as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.evidence.statistics.significance import (
    _subsets,
    _sums,
    sign_flip_interval,
    sign_flip_test,
)

GENERATOR = np.random.default_rng(0)


@given(
    differences=st.lists(st.floats(-100, 100), min_size=5, max_size=9, unique=True),
    level=st.sampled_from((0.8, 0.9, 0.95)),
)
def test_it_is_where_the_test_does_not_reject(differences: list[float], level: float) -> None:
    values = np.array(differences)
    low, high = sign_flip_interval(values, GENERATOR, level=level)
    if not np.isfinite(low):
        assert np.isinf(high) and 2.0 ** (1 - len(values)) > 1 - level
        return
    step = 1e-6 * (np.ptp(values) + 1)
    alpha = 1 - level + 1e-9
    assert sign_flip_test(values - (low + step), GENERATOR) > alpha
    assert sign_flip_test(values - (high - step), GENERATOR) > alpha
    assert sign_flip_test(values - (low - step), GENERATOR) <= alpha
    assert sign_flip_test(values - (high + step), GENERATOR) <= alpha


def test_too_few_pairs_leave_it_open() -> None:
    assert sign_flip_interval([1.0, 2.0, 3.0], GENERATOR) == (-np.inf, np.inf)
    assert np.isfinite(sign_flip_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], GENERATOR)).all()


def test_equal_weights_change_nothing_and_weights_move_the_mean() -> None:
    values = np.random.default_rng(1).normal(size=10)
    unweighted = sign_flip_interval(values, GENERATOR)
    assert sign_flip_interval(values, GENERATOR, weights=np.full(10, 0.3)) == pytest.approx(
        unweighted
    )
    weights = np.where(values > 0, 9.0, 1.0)
    low, high = sign_flip_interval(values, GENERATOR, weights=weights)
    assert low < np.average(values, weights=weights) < high
    assert (low + high) / 2 > sum(unweighted) / 2


def test_it_covers_as_it_says() -> None:
    generator = np.random.default_rng(2)
    data = generator.laplace(3.0, 1.0, size=(2_000, 10))
    covered = 0
    for row in data:
        low, high = sign_flip_interval(row, generator, level=0.9)
        covered += low <= 3.0 <= high
    # Exact but for the grid: 51 of 512 splits are rejected. Four standard errors.
    assert abs(covered / 2_000 - (1 - 51 / 512)) < 4 * np.sqrt(0.09 / 2_000)


@pytest.mark.parametrize("number", [1, 7, 8, 9, 21, 70])
def test_sums_over_sampled_subsets_are_those_of_their_values(number: int) -> None:
    values = np.random.default_rng(number).normal(size=number)
    subsets = _subsets(np.random.default_rng(0), 2000, number)
    included = np.unpackbits(subsets, axis=1, count=number)
    np.testing.assert_allclose(_sums(subsets, values), included @ values, rtol=0, atol=1e-12)
    assert np.abs(included.mean(axis=0) - 0.5).max() < 0.06  # each value in half of them


def test_many_pairs_are_sampled() -> None:
    values = np.random.default_rng(3).normal(1.0, 1.0, 60)
    low, high = sign_flip_interval(values, np.random.default_rng(4))
    half_width = 2.0 * values.std(ddof=1) / np.sqrt(60)
    assert low == pytest.approx(values.mean() - half_width, abs=0.04)
    assert high == pytest.approx(values.mean() + half_width, abs=0.04)


@pytest.mark.parametrize("differences", [[], [1.0, np.nan]])
def test_what_is_no_sample_is_refused(differences: list[float]) -> None:
    with pytest.raises(ValueError, match="seed"):
        sign_flip_interval(differences, GENERATOR)


def test_a_level_lies_between_0_and_1() -> None:
    with pytest.raises(ValueError, match="level"):
        sign_flip_interval([1.0, 2.0], GENERATOR, level=1.0)
