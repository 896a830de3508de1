"""Two clusters are found where there are two, and not where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from bench.evidence.statistics.clusters import best_split, clusters_p


def test_the_best_split_by_brute_force() -> None:
    values = np.random.default_rng(0).normal(size=9)
    ordered, total = np.sort(values), values.var() * 9
    shares = [(ordered[:k].var() * k + ordered[k:].var() * (9 - k)) / total for k in range(1, 9)]
    share, lower = best_split(values)
    assert (share, lower) == (pytest.approx(min(shares)), 1 + int(np.argmin(shares)))
    assert best_split([2.0, 2.0, 2.0])[0] == 1


def test_two_modes_are_clear_and_one_is_not() -> None:
    assert clusters_p([1, 2, 3, 4, 5, 101, 102, 103, 104, 105]) < 0.001
    assert clusters_p([0, *range(100, 109)]) < 0.001
    assert clusters_p([7.0] * 10) == 1
    generator = np.random.default_rng(1)
    p_values = [clusters_p(generator.normal(50, 9, 10)) for _ in range(400)]
    assert 0.02 < np.mean(np.array(p_values) <= 0.05) < 0.09
