"""The statistics against scipy, rliable and enumeration by hand."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import rliable.metrics
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench.errors import InputError
from bench.evidence.statistics.estimates import (
    Statistic,
    bootstrap_interval,
    estimate,
    stratified_bootstrap_interval,
)
from bench.evidence.statistics.improvement import (
    improvement_interval,
    probability_of_improvement,
)
from bench.evidence.statistics.significance import (
    ENUMERATION_LIMIT,
    holm,
    least_claimable,
    sign_flip_test,
)

returns = st.floats(-1e4, 1e4).map(lambda value: round(value, 3))
samples = hnp.arrays(np.float64, st.integers(1, 30), elements=returns)


def draw(shape: Any, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2.0, 300.0, shape)


@given(samples)
@settings(deadline=None)
def test_interquartile_mean_is_scipys_and_rliables_trimmed_mean(values: np.ndarray) -> None:
    ours = estimate(values)
    np.testing.assert_allclose(ours, scipy.stats.trim_mean(values, 0.25), rtol=1e-12, atol=1e-9)
    expected = rliable.metrics.aggregate_iqm(values[:, None])
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-9)


def test_interquartile_mean_drops_a_quarter_rounded_down_from_each_end() -> None:
    assert estimate([1.0, 2.0, 300.0]) == 101  # below four seeds: the mean
    assert estimate([-1e9, 2.0, 4.0, 1e9]) == 3
    assert estimate([-1e9, -1e9, 1, 2, 3, 4, 5, 6, 1e9, 1e9]) == 3.5


def test_estimate_works_along_seeds_only() -> None:
    values = draw((10, 3, 2))
    for statistic, share in (("iqm", 0.25), ("mean", 0.0)):
        expected = scipy.stats.trim_mean(values, share, axis=0)
        np.testing.assert_allclose(estimate(values, statistic), expected, rtol=1e-12)


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [np.inf], 3.0])
def test_statistics_refuse_what_has_no_value(values: Any) -> None:
    for function in (
        estimate,
        lambda v: bootstrap_interval(v, np.random.default_rng(0)),
        lambda v: sign_flip_test(v, np.random.default_rng(0)),
        lambda v: probability_of_improvement([(v, [1.0])]),
        lambda v: stratified_bootstrap_interval([v], np.random.default_rng(0)),
    ):
        with pytest.raises(ValueError, match="seed"):
            function(values)


def test_unknown_statistic_names_the_nearest() -> None:
    statistic: Any = "means"
    with pytest.raises(InputError, match="'means'.*'mean'"):
        estimate([1.0], statistic)


@pytest.mark.parametrize("number", [2, 5, 10, 23])
@pytest.mark.parametrize(("statistic", "share"), [("iqm", 0.25), ("mean", 0.0)])
def test_bootstrap_interval_agrees_with_scipys(
    number: int, statistic: Statistic, share: float
) -> None:
    values = draw(number, seed=number)
    ours = bootstrap_interval(values, np.random.default_rng(0), statistic, repetitions=100_000)
    theirs = scipy.stats.bootstrap(
        (values,),
        lambda sample, axis: scipy.stats.trim_mean(sample, share, axis=axis),
        n_resamples=100_000,
        method="percentile",
        rng=np.random.default_rng(1),
        batch=20_000,
    )
    # Two Monte Carlo quantiles of the same distribution: within a few of their standard errors.
    tolerance = 0.04 * theirs.standard_error * 2
    np.testing.assert_allclose(ours, tuple(theirs.confidence_interval), atol=tolerance)


@pytest.mark.parametrize("statistic", ["iqm", "mean"])
def test_bootstrap_interval_is_exact_for_two_seeds(statistic: Statistic) -> None:
    # Resamples of (0, 1): both 0 with chance 1/4, mixed 1/2, both 1 with chance 1/4.
    for level, expected in ((0.95, (0, 1)), (0.6, (0, 1)), (0.4, (0.5, 0.5))):
        interval = bootstrap_interval([0.0, 1.0], np.random.default_rng(0), statistic, level=level)
        np.testing.assert_array_equal(interval, expected)


def test_bootstrap_columns_are_independent_of_their_neighbours() -> None:
    values = draw((7, 600))
    low, high = bootstrap_interval(values, np.random.default_rng(3), repetitions=500)
    assert low.shape == high.shape == (600,)
    for column in (0, 255, 256, 599):
        column_interval = bootstrap_interval(
            values[:, column], np.random.default_rng(3), repetitions=500
        )
        np.testing.assert_allclose((low[column], high[column]), column_interval, rtol=1e-12)


def test_bootstrap_is_seeded_and_does_not_touch_its_input() -> None:
    values = draw((6, 4))
    before = values.copy()
    first = bootstrap_interval(values, np.random.default_rng(5), repetitions=50)
    again = bootstrap_interval(values, np.random.default_rng(5), repetitions=50)
    other = bootstrap_interval(values, np.random.default_rng(6), repetitions=50)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(values, before)


def test_bootstrap_of_one_seed_has_no_interval_and_of_equal_seeds_no_width() -> None:
    assert np.isnan(bootstrap_interval([3.0], np.random.default_rng(0))).all()
    np.testing.assert_allclose(bootstrap_interval([0.1] * 7, np.random.default_rng(0)), 0.1)


@given(samples.filter(lambda values: len(values) > 1), st.floats(-100, 100), st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_bootstrap_moves_and_stretches_with_the_data(
    values: np.ndarray, shift: float, scale: float
) -> None:
    plain = np.array(bootstrap_interval(values, np.random.default_rng(0), repetitions=200))
    moved = bootstrap_interval(values * scale + shift, np.random.default_rng(0), repetitions=200)
    np.testing.assert_allclose(moved, plain * scale + shift, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_lies_between_0_and_1(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap_interval([1.0, 2.0], np.random.default_rng(0), level=level)


def test_stratified_bootstrap_agrees_with_scipys_independent_samples() -> None:
    # scipy resamples each sample by itself: strata. The statistic pools them, as rliable does.
    strata = [draw(8, seed=1), draw(5, seed=2) + 2000, draw(6, seed=3) - 500]
    ours = stratified_bootstrap_interval(
        strata, np.random.default_rng(0), "iqm", repetitions=60_000
    )
    theirs = scipy.stats.bootstrap(
        strata,
        lambda *samples, axis: scipy.stats.trim_mean(np.concatenate(samples, axis), 0.25, axis),
        n_resamples=60_000,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(1),
        batch=20_000,
    )
    np.testing.assert_allclose(
        ours, tuple(theirs.confidence_interval), atol=0.08 * theirs.standard_error
    )
    unstratified = bootstrap_interval(np.concatenate(strata), np.random.default_rng(0))
    assert ours[1] - ours[0] < 0.5 * float(unstratified[1] - unstratified[0])


def test_stratified_bootstrap_of_one_stratum_is_the_ordinary_one() -> None:
    values = np.sort(draw(9))  # the ordinary one draws ranks: in order, ranks are seeds
    ours = stratified_bootstrap_interval([values], np.random.default_rng(0), repetitions=500)
    expected = bootstrap_interval(values, np.random.default_rng(0), repetitions=500)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_stratified_bootstrap_needs_something_to_resample() -> None:
    single = stratified_bootstrap_interval([[1.0], [2.0]], np.random.default_rng(0))
    assert np.isnan(single).all()
    with pytest.raises(ValueError, match="stratum"):
        stratified_bootstrap_interval([], np.random.default_rng(0))


differences = hnp.arrays(np.float64, st.integers(1, 9), elements=returns)


@given(differences)
@settings(deadline=None)
def test_sign_flip_test_counts_every_pattern(values: np.ndarray) -> None:
    # In whole thousandths, so that ties are ties.
    integers = [round(1000 * value) for value in values]
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, integers, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(integers))
    ]
    expected = sum(total >= abs(sum(integers)) for total in sums) / len(sums)
    assert sign_flip_test(values, np.random.default_rng(0)) == expected


@pytest.mark.parametrize("number", [4, 10, 13])
def test_sign_flip_test_agrees_with_scipys_permutation_test(number: int) -> None:
    values = np.random.default_rng(number).normal(0.4, 1.0, number)
    theirs = scipy.stats.permutation_test(
        (values, np.zeros(number)),
        lambda first, second, axis: np.mean(first - second, axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
        batch=10_000,
    )
    ours = sign_flip_test(values, np.random.default_rng(0))
    assert ours == pytest.approx(theirs.pvalue, abs=1e-12)


def test_sign_flip_test_at_its_ends() -> None:
    generator = np.random.default_rng(0)
    assert sign_flip_test([0.0, 0.0, 0.0], generator) == 1
    assert sign_flip_test(np.arange(1.0, 11.0), generator) == 2**-9
    assert sign_flip_test(-np.arange(1.0, 11.0), generator) == 2**-9
    assert sign_flip_test(np.ones(ENUMERATION_LIMIT), generator) == 2.0 ** (1 - ENUMERATION_LIMIT)
    with pytest.raises(ValueError, match="one axis"):
        sign_flip_test(np.ones((3, 2)), generator)


def test_sign_flip_test_samples_beyond_the_limit() -> None:
    values = np.random.default_rng(4).normal(0.35, 1.0, ENUMERATION_LIMIT + 2)
    sampled = sign_flip_test(values, np.random.default_rng(0))
    assert sampled == sign_flip_test(values, np.random.default_rng(0))
    assert sampled != sign_flip_test(values, np.random.default_rng(1))
    sums = values[:1]
    for value in values[1:]:
        sums = np.concatenate([sums + value, sums - value])
    exact = np.mean(np.abs(sums) >= abs(values.sum()) - 1e-9)
    assert 0.02 < exact < 0.5
    assert sampled == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 100_000))
    # Never 0, however extreme: the observed pattern is one of the patterns.
    assert sign_flip_test(np.ones(50), np.random.default_rng(0), repetitions=999) == 1 / 1000


@given(hnp.arrays(np.float64, st.integers(0, 12), elements=st.floats(0, 1)))
@settings(deadline=None)
def test_holm_against_its_definition(p_values: np.ndarray) -> None:
    """Adjusted p ≤ α exactly where the step-down procedure at level α rejects."""
    adjusted = holm(p_values)
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    expected = np.empty(len(p_values))
    for rank, place in enumerate(order):
        scaled = [(len(order) - r) * p_values[order[r]] for r in range(rank + 1)]
        expected[place] = min(1.0, max(scaled))
    np.testing.assert_allclose(adjusted, expected, rtol=1e-12)
    for alpha in (0.01, 0.05, 0.2):
        rejected = set()
        for rank, place in enumerate(order):
            if (len(order) - rank) * p_values[place] > alpha:
                break
            rejected.add(place)
        assert {place for place in order if adjusted[place] <= alpha} == rejected


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06])
    assert holm([0.04]) == [0.04]


@pytest.mark.parametrize("p_values", [[-0.1], [1.1], [np.nan], [[0.5]]])
def test_holm_refuses_what_is_no_p_value(p_values: Any) -> None:
    with pytest.raises(ValueError, match="p-values"):
        holm(p_values)


@given(samples, samples)
@settings(deadline=None)
def test_probability_of_improvement_is_rliables(first: np.ndarray, second: np.ndarray) -> None:
    # Rounded, so that ties occur; scipy's test behind rliable's needs values that differ.
    first, second = first // 1000, second // 1000
    ours = probability_of_improvement([(first, second)])
    assert ours + probability_of_improvement([(second, first)]) == pytest.approx(1)
    if len(np.unique(np.concatenate([first, second]))) > 1:
        theirs = rliable.metrics.probability_of_improvement(first[:, None], second[:, None])
        assert ours == pytest.approx(theirs)
    else:
        assert ours == 0.5


def test_probability_of_improvement_knows_its_arguments_apart() -> None:
    assert probability_of_improvement([([3.0, 4.0], [1.0, 2.0, 2.5])]) == 1
    assert probability_of_improvement([([1.0, 2.0], [2.0, 3.0])]) == 0.125


def test_probability_of_improvement_is_rliables_over_tasks() -> None:
    first, second = draw((6, 4), seed=1) + 200, draw((9, 4), seed=2)
    pairs = list(zip(first.T, second.T, strict=True))
    ours = probability_of_improvement(pairs)
    assert ours == pytest.approx(rliable.metrics.probability_of_improvement(first, second))
    swapped = probability_of_improvement([(right, left) for left, right in pairs])
    assert ours > 0.55 and ours + swapped == pytest.approx(1)


def test_every_environment_counts_alike_whatever_its_number_of_seeds() -> None:
    pairs = [([2.0] * 10, [1.0] * 10), ([1.0], [2.0])]
    assert probability_of_improvement(pairs) == 0.5


def test_improvement_interval_agrees_with_scipys_independent_samples() -> None:
    pairs = [
        (draw(8, seed=1) + 100, draw(6, seed=2)),
        (draw(5, seed=3), draw(9, seed=4) + 300),
    ]

    def statistic(*sides: np.ndarray, axis: int) -> np.ndarray:
        moved = [np.moveaxis(side, axis, -1) for side in sides]
        shares = [
            np.mean(moved[place][..., :, None] > moved[place + 1][..., None, :], axis=(-2, -1))
            for place in (0, 2)
        ]
        return np.mean(shares, axis=0)

    ours = improvement_interval(pairs, np.random.default_rng(0), repetitions=60_000)
    theirs = scipy.stats.bootstrap(
        [side for pair in pairs for side in pair],
        statistic,
        n_resamples=60_000,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(1),
        batch=20_000,
    )
    np.testing.assert_allclose(
        ours, tuple(theirs.confidence_interval), atol=0.08 * theirs.standard_error
    )
    assert ours[0] < probability_of_improvement(pairs) < ours[1]


def test_improvement_interval_turns_round_with_its_arguments() -> None:
    first, second = draw(7, seed=1) + 900, draw(7, seed=2)
    low, high = improvement_interval([(first, second)], np.random.default_rng(0))
    swapped = improvement_interval([(second, first)], np.random.default_rng(1))
    assert low > 0.4
    np.testing.assert_allclose(swapped, (1 - high, 1 - low), atol=0.03)


@pytest.mark.parametrize(("shift", "least"), [(0.0, 0.92), (1.0, 0.9)])
def test_improvement_interval_covers(shift: float, least: float) -> None:
    """Seven environments with ten normal seeds a side: at about the nominal 95%."""
    generator = np.random.default_rng(5)
    truth = float(scipy.stats.norm.cdf(shift / np.sqrt(2)))
    data_sets, covered = 400, 0
    for _ in range(data_sets):
        sides = generator.standard_normal((7, 2, 10))
        pairs = [(first + shift, second) for first, second in sides]
        low, high = improvement_interval(pairs, generator, repetitions=400)
        covered += low <= truth <= high
    # Monte Carlo error of a share of 0.95 in 400: 0.011.
    assert least < covered / data_sets < 0.985


def test_improvement_interval_at_its_ends() -> None:
    generator = np.random.default_rng(0)
    assert improvement_interval([([2.0, 3.0], [0.0, 1.0])], generator) == (1, 1)
    assert np.isnan(improvement_interval([([2.0], [0.0, 1.0])], generator)).all()
    pairs = [([2.0, 3.0], [0.0, 1.0]), ([2.0, 3.0], [0.0])]
    assert np.isnan(improvement_interval(pairs, generator)).all()
    for function in (probability_of_improvement, lambda p: improvement_interval(p, generator)):
        with pytest.raises(ValueError, match="environment"):
            function([])
        with pytest.raises(ValueError, match="seed"):
            function([([np.nan, 1.0], [1.0, 2.0])])


@pytest.mark.parametrize("pairs", [10, 12, 15])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_the_inversion_of_the_sign_flip_test(pairs: int, level: float) -> None:
    """From the least claimable shift on, and no earlier, the test itself has p ≤ level."""
    generator = np.random.default_rng(pairs)
    values = generator.lognormal(size=pairs)
    centred = values - values.mean()
    least = least_claimable(values, level, generator)

    def larger(shift: float) -> float:
        return max(sign_flip_test(centred + sign * shift, generator) for sign in (1, -1))

    assert larger(1.001 * least) <= level < larger(0.999 * least)


def test_the_least_claimable_difference_of_few_and_of_many_pairs() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=60)
    assert least_claimable(values[:10], 0.001, generator) == math.inf
    for number in (10, 30, 60):
        least = least_claimable(values[:number], 0.05, generator)
        expected = scipy.stats.t.ppf(0.975, number - 1) * values[:number].std() / number**0.5
        assert least == pytest.approx(expected, rel=0.15)
    weights = np.ones(12)
    assert least_claimable(values[:12], 0.05, generator, weights=2 * weights) == pytest.approx(
        least_claimable(values[:12], 0.05, generator)
    )


def test_equal_means_are_claimed_to_differ_where_a_rare_mode_was_missed() -> None:
    """The null hypothesis is no difference in distribution, and warnings tell this share."""
    generator = np.random.default_rng(0)
    unimodal = generator.normal(size=(1_000, 10))
    rare = generator.random((1_000, 10)) < 0.1
    bimodal = np.where(rare, 36.0, -4.0) + generator.normal(size=(1_000, 10))  # its mean is 0, too
    claimed = [sign_flip_test(row, generator) <= 0.05 for row in unimodal - bimodal]
    assert np.mean(claimed) == pytest.approx(0.34, abs=0.045)
