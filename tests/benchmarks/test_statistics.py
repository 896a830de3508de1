"""The statistics of a page at their 10,000 resamples, and the page's table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.evidence.measures.scores import score_runs
from bench.evidence.statistics.estimates import bootstrap_interval, stratified_bootstrap_interval
from bench.evidence.statistics.significance import ENUMERATION_LIMIT, sign_flip_test
from bench.evidence.tables import make_tables
from bench.evidence.verdicts import judge_plan
from bench.store import View
from tests.benchmarks.million_episodes import ENVIRONMENTS, NUMBER, VARIANTS

pytestmark = pytest.mark.benchmarks

SEED = 0
REPEATED = {"repetitions": 10_000}


def normals(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape)


@pytest.mark.parametrize("statistic", ["iqm", "mean"])
@pytest.mark.parametrize("points", [1, 100])
def test_bootstrap_interval(benchmark: Any, statistic: str, points: int) -> None:
    """Of one score, and of a curve of 100 points, over ten seeds."""
    values = normals(10, points)
    low, high = benchmark(
        lambda: bootstrap_interval(values, np.random.default_rng(SEED), statistic, **REPEATED)
    )
    assert low.shape == high.shape == (points,)
    assert (low < high).all()


def test_stratified_bootstrap_interval(benchmark: Any) -> None:
    strata = list(normals(4, 10))
    low, high = benchmark(
        lambda: stratified_bootstrap_interval(strata, np.random.default_rng(SEED), **REPEATED)
    )
    assert low < high


@pytest.mark.parametrize(
    "pairs", [10, ENUMERATION_LIMIT, ENUMERATION_LIMIT + 1], ids=["10", "most_exact", "sampled"]
)
def test_sign_flip_test(benchmark: Any, pairs: int) -> None:
    differences = normals(pairs) + 0.2
    p_value = benchmark(lambda: sign_flip_test(differences, np.random.default_rng(SEED)))
    assert 0 < p_value <= 1


def test_scores_of_a_million_episodes(benchmark: Any, view: View) -> None:
    scores = benchmark.pedantic(
        score_runs, (view.runs, view.episodes, view.updates), rounds=5, warmup_rounds=1
    )
    assert len(view.episodes) == NUMBER
    assert np.isfinite(scores["score"]).all()


def test_table(benchmark: Any, view: View) -> None:
    """Verdicts and tables from scores."""
    scores = score_runs(view.runs, view.episodes, view.updates)
    tables = benchmark(lambda: make_tables(scores, judge_plan(view.plan, scores)[0]))
    assert [table.environment for table in tables] == list(ENVIRONMENTS)
    assert all(len(table.rows) == len(VARIANTS) for table in tables)
    assert all(row.low < row.iqm < row.high for table in tables for row in table.rows)
