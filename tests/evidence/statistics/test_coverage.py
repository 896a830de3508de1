"""The coverage that every interval prints, measured again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.evidence.statistics import coverage as statistics_coverage
from bench.evidence.statistics.coverage import COVERAGE, coverage, coverage_text, coverages_text
from bench.evidence.statistics.estimates import Statistic
from bench.evidence.statistics.simulated_coverage import (
    DATA_SETS,
    SEED_COUNTS,
    STATISTICS,
    measure,
)


@pytest.mark.parametrize("statistic", ["iqm", "mean"])
@pytest.mark.parametrize("number", [2, 3, 5, 10, 20])
def test_the_table_holds(number: int, statistic: Statistic) -> None:
    data_sets = 3000
    measured = measure(
        number, statistic, np.random.default_rng(number), data_sets=data_sets, repetitions=2000
    )
    share = COVERAGE[statistic][1][number]
    error = math.sqrt(share * (1 - share) * (1 / data_sets + 1 / DATA_SETS))
    assert measured == pytest.approx(share, abs=4 * error + 0.002)  # + fewer resamples here


def test_two_seeds_cover_half_of_the_time() -> None:
    # The interval is [smaller, larger]: it holds the centre when the two lie on both sides of it.
    assert coverage(2, "mean") == pytest.approx(0.5, abs=0.015)
    assert coverage(2, "iqm") == coverage(2, "mean")
    assert coverage(3, "mean") == pytest.approx(0.75, abs=0.015)


def test_a_rare_mode_is_covered_less_than_the_table_says() -> None:
    def one_in_five(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        upper = generator.random(shape) < 0.2
        return 5.0 * upper + 0.1 * generator.standard_normal(shape)

    share = measure(
        5,
        "mean",
        np.random.default_rng(0),
        draw=one_in_five,
        centre=1.0,
        data_sets=3000,
        repetitions=1000,
    )
    assert share == pytest.approx(1 - 0.8**5, abs=0.03)


def test_the_table_rises_towards_the_nominal_level() -> None:
    for shares in (COVERAGE[statistic][1] for statistic in STATISTICS):
        assert tuple(shares) == SEED_COUNTS
        assert shares[3] < shares[5] < shares[10] < shares[100] < 0.955
        assert shares[100] > 0.94


def test_numbers_between_entries_take_the_lower_one() -> None:
    assert math.isnan(coverage(0)) and math.isnan(coverage(1))
    assert coverage(24) == COVERAGE["iqm"][1][20]
    assert coverage(10_000, "mean") == COVERAGE["mean"][1][100]


def test_in_words_coverage_is_never_rounded_up() -> None:
    assert coverage_text(10) == "93%"
    assert coverage_text(3) == "74%"
    assert coverages_text([10, 1, 3, 10]) == "74% at n = 3, 93% at n = 10"
    assert coverages_text([1]) == ""


def test_coverage_of_real_returns_stands_behind_that_of_normal_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured = {"iqm": {3: [0.61, 0.749], 10: [0.9, 0.9]}}
    monkeypatch.setattr(statistics_coverage, "REAL_COVERAGE", measured)
    text = "74% at n = 3, 93% at n = 10; on real returns (page hundred_seeds): "
    assert coverages_text([3, 10]) == text + "61% to 74% at n = 3, 90% at n = 10"
    # Of what lies between two entries, or beyond the last, the smaller entry is said.
    assert coverages_text([12, 40]).endswith("(page hundred_seeds): 90% at n = 10")
    assert "real" not in coverages_text([2]) + coverages_text([10], "mean")
