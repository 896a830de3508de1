"""Welch's bounds are SciPy's, for one sample and for many, and exact where there is no spread."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from bench.evidence.statistics.welch import welch_bounds


def test_bounds_are_welch_s() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.normal(1, 2, 12), generator.normal(0, 5, 7)
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.9)
    assert welch_bounds(first, second, 0.95, 0.95) == pytest.approx(tuple(expected))


def test_a_side_whose_seeds_all_reach_the_ceiling_has_bounds_without_a_warning() -> None:
    ceiling, below = np.full(10, 1000.0), 1000.0 - np.arange(10.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bounds = welch_bounds(below, ceiling, 0.95, 0.95)
    one_sample = stats.ttest_1samp(below, 1000.0).confidence_interval(0.9)
    assert bounds == pytest.approx((one_sample.low - 1000.0, one_sample.high - 1000.0))
    assert welch_bounds(ceiling, ceiling, 0.95, 0.95) == (0.0, 0.0)


def test_many_samples_have_the_bounds_of_each() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.normal(1, 2, (4, 12)), generator.normal(0, 5, (4, 7))
    first[0], second[0] = 3.0, 1.0
    expected = [welch_bounds(*rows, 0.95, 0.9) for rows in zip(first, second, strict=True)]
    assert np.array_equal(np.transpose(welch_bounds(first, second, 0.95, 0.9)), expected)
    assert expected[0] == (2.0, 2.0)
    assert np.isnan(welch_bounds(first[:, :2], second, 0.95, 0.9)).all()
