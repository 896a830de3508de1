"""The tables of coverage hold, and what is printed of them is never more than was measured."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from bench.evidence.statistics.coverage import (
    AGGREGATES,
    COVERAGE,
    PROBABILITIES,
    aggregates_text,
    coverage,
    coverage_text,
    improvement_text,
)
from bench.evidence.statistics.simulated_coverage import AGGREGATE_DATA_SETS as DATA_SETS
from bench.evidence.statistics.simulated_coverage import AGGREGATE_SEED_COUNTS as SEED_COUNTS
from bench.evidence.statistics.simulated_coverage import (
    ENVIRONMENT_COUNTS,
    measure_aggregates,
    measure_improvement,
)

IMPROVEMENT = tuple(f"improvement {truth}" for truth in PROBABILITIES)

RERUN_DATA_SETS = 500


def near(measured: float, share: float) -> bool:
    error = math.sqrt(share * (1 - share) * (1 / RERUN_DATA_SETS + 1 / DATA_SETS))
    return abs(measured - share) <= 4 * error + 0.005  # + fewer resamples here


@pytest.mark.parametrize(("environments", "seeds"), [(1, 3), (2, 5), (4, 10)])
def test_the_aggregates_table_holds(environments: int, seeds: int) -> None:
    shares = measure_aggregates(
        environments, seeds, np.random.default_rng(9), data_sets=RERUN_DATA_SETS, repetitions=500
    )
    for name, share in shares.items():
        assert near(share, COVERAGE[name][environments][seeds])


@pytest.mark.parametrize(("environments", "seeds"), [(1, 5), (2, 10)])
@pytest.mark.parametrize("index", range(len(PROBABILITIES)))
def test_the_improvement_table_holds(environments: int, seeds: int, index: int) -> None:
    measured = measure_improvement(
        environments,
        seeds,
        PROBABILITIES[index],
        np.random.default_rng(9),
        data_sets=RERUN_DATA_SETS,
        repetitions=500,
    )
    assert near(measured, COVERAGE[IMPROVEMENT[index]][environments][seeds])


def test_on_one_environment_mean_and_iqm_are_covered_as_in_the_other_table() -> None:
    for seeds in SEED_COUNTS:
        for aggregate, statistic in zip(AGGREGATES[:2], ("mean", "iqm"), strict=True):
            assert coverage(seeds, aggregate) == pytest.approx(
                coverage(seeds, statistic), abs=0.025
            )


def test_the_tables_are_whole_and_rise_towards_the_nominal_level() -> None:
    assert set(COVERAGE) == {"iqm", "mean", *AGGREGATES, *IMPROVEMENT}
    for name in (*AGGREGATES, *IMPROVEMENT):
        assert tuple(COVERAGE[name]) == ENVIRONMENT_COUNTS
        for row in COVERAGE[name].values():
            assert tuple(row) == SEED_COUNTS
            assert name in IMPROVEMENT or (row[2] < row[5] < 0.98 and 0.91 < row[20] < 0.98)
    for row in COVERAGE[IMPROVEMENT[-1]].values():
        for few, many in pairwise(SEED_COUNTS[::2]):
            assert row[few] < row[many] + 0.02


def test_what_is_printed_is_what_was_measured_with_as_much_or_less() -> None:
    (text,) = aggregates_text(AGGREGATES[:2], 3, {10, 12, 1})
    mean, iqm = (math.floor(100 * COVERAGE[name][2][10]) for name in AGGREGATES[:2])
    assert text == (
        f"Measured coverage, for normal data on 2 environments: mean {mean}%, IQM {iqm}% at n = 10."
    )
    (text,) = improvement_text({1, 9}, {5})
    for environments in (1, 7):
        shares = ", ".join(coverage_text(5, name, environments) for name in IMPROVEMENT)
        assert f"{shares} on {environments} environment" in text
    assert "0.5 / 0.75 / 0.9" in text


def test_a_single_seed_has_no_interval_and_no_coverage() -> None:
    assert aggregates_text(("aggregate mean",), 2, {1}) == []
    assert improvement_text({1}, {1, 0}) == []
