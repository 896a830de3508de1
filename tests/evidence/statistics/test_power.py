from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.evidence.statistics.claimable import ALPHA
from bench.evidence.statistics.power import (
    MOST_PAIRS,
    exact_power,
    pairs_for_claim,
    pairs_needed,
    pairs_text,
    t_power,
)
from bench.evidence.statistics.significance import sign_flip_test


def differences(effect: float, pairs: int = 10) -> np.ndarray:
    """Paired differences whose observed mean over standard deviation is `effect`."""
    values = np.random.default_rng(0).standard_normal(pairs)
    values = (values - values.mean()) / values.std(ddof=1)
    return values + effect


@pytest.mark.parametrize(("pairs", "effect", "level"), [(10, 1.0, 0.05), (25, 0.5, 0.01)])
def test_the_power_of_the_t_test_is_that_of_a_simulation(
    pairs: int, effect: float, level: float
) -> None:
    samples = np.random.default_rng(1).standard_normal((20_000, pairs)) + effect
    simulated = np.mean(stats.ttest_1samp(samples, 0.0, axis=1).pvalue <= level)
    assert t_power([pairs], effect, level)[0] == pytest.approx(simulated, abs=0.015)


@pytest.mark.parametrize(
    ("effect", "comparisons"), [(1.2, 1), (1.2, 6), (1.55, 14), (1.2, 14), (1.6, 25), (1.7, 40)]
)
def test_so_many_pairs_are_claimed_with_the_stated_power(effect: float, comparisons: int) -> None:
    """By the test that claims are made with, on new data of the observed size."""
    pairs = pairs_for_claim(differences(effect), comparisons)
    assert pairs is not None
    assert pairs <= 20, "the exact test enumerates so many"
    generator = np.random.default_rng(2)
    level = ALPHA / comparisons
    claimed = [
        sign_flip_test(generator.standard_normal(pairs) + effect, generator) <= level
        for _ in range(400)
    ]
    # 80% at least, less three standard errors; where the least number of pairs rules it is more.
    assert np.mean(claimed) > 0.8 - 3 * np.sqrt(0.16 / 400)


@pytest.mark.parametrize(
    ("pairs", "effect", "patterns"), [(10, 1.0, 1), (11, 1.0, 3), (12, 1.2, 7)]
)
def test_the_exact_power_is_that_of_the_exact_test(
    pairs: int, effect: float, patterns: int
) -> None:
    generator = np.random.default_rng(3)
    level = patterns * 2.0 ** (1 - pairs)
    claimed = [
        sign_flip_test(effect + generator.standard_normal(pairs), generator) <= level
        for _ in range(1_500)
    ]
    power = exact_power(pairs, effect, patterns)
    assert power == pytest.approx(np.mean(claimed), abs=4 * np.sqrt(0.25 / 1_500))


def test_where_the_grid_of_p_values_binds_more_pairs_are_planned_than_by_t() -> None:
    """Ten pairs and 14 comparisons: only 1/512 lies below 0.05/14, 56% where t promises 80%."""
    effect = 1.6
    assert t_power([10], effect, ALPHA / 14)[0] > 0.8
    assert exact_power(10, effect, 1) < 0.6
    assert pairs_for_claim(differences(effect), 14) == 11


def test_fewer_pairs_do_not_have_the_power() -> None:
    pairs = pairs_for_claim(differences(0.5), 1)
    assert pairs is not None
    powers = t_power([pairs - 1, pairs], 0.5, ALPHA)
    assert powers[0] < 0.8 <= powers[1]


def test_smaller_differences_and_more_comparisons_need_more_pairs() -> None:
    def needed(effect: float, comparisons: int) -> int:
        pairs = pairs_for_claim(differences(effect), comparisons)
        assert pairs is not None
        return pairs

    assert needed(0.3, 1) > needed(0.6, 1) > needed(1.2, 1)
    assert needed(0.6, 10) > needed(0.6, 1)
    assert needed(0.6, 1) == needed(-0.6, 1)


def test_a_large_difference_still_needs_what_the_exact_test_needs() -> None:
    assert pairs_for_claim(differences(50.0), 12) == pairs_needed(12)
    assert pairs_for_claim([3.0, 3.0, 3.0], 1) == pairs_needed(1)


def test_no_difference_needs_more_than_is_looked_for() -> None:
    assert pairs_for_claim(differences(0.0), 1) is None
    assert pairs_for_claim([0.0, 0.0], 1) is None
    assert pairs_text(None) == f"more than {MOST_PAIRS:,}"
    assert pairs_text(12) == "12"


@pytest.mark.parametrize("values", [[1.0], [1.0, np.nan], [[1.0, 2.0], [3.0, 4.0]]])
def test_what_can_not_be_planned_from_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="two finite"):
        pairs_for_claim(values, 1)
