"""Scores on a common scale, and their aggregates by hand."""

from __future__ import annotations

import numpy as np
import pytest
import rliable.metrics

from bench.evidence.measures.normalised import (
    Scale,
    interval_text,
    number_text,
    pooled,
    scales,
    variant_means,
)
from tests.experiment_results import UNTRAINED, SyntheticRuns, scores_frame, untrained_score


def test_a_scale_maps_its_ends_to_0_and_1() -> None:
    scale = Scale(zero=-300.0, one=1700.0)
    np.testing.assert_allclose(scale([-300.0, 1700.0, 700.0, -1300.0]), [0, 1, 0.5, -0.5])
    # A loss is no less a return: Reacher's are below 0.
    np.testing.assert_allclose(Scale(zero=-60.0, one=-10.0)([-35.0]), [0.5])


@pytest.mark.parametrize("one", [5.0, 4.0, float("nan")])
def test_a_scale_rises(one: float) -> None:
    with pytest.raises(ValueError, match="must be above its 0"):
        Scale(zero=5.0, one=one)


def test_there_is_no_scale_where_an_end_is_missing_or_below_the_other() -> None:
    environment_scales = scales({"a": 0.0, "b": 5.0, "c": 0.0}, {"a": 2.0, "b": 4.0, "d": 1.0})
    assert environment_scales == {"a": Scale(zero=0.0, one=2.0)}


def test_the_untrained_policy_s_returns() -> None:
    scores = scores_frame("untrained", SyntheticRuns(score=untrained_score, seeds=10))
    means = variant_means(scores, "untrained")
    assert means == pytest.approx(UNTRAINED)
    last = variant_means(scores, "untrained", "last_100")
    assert last["Hopper-v5"] == pytest.approx(means["Hopper-v5"] + 1)
    assert variant_means(None, "untrained") == {}


def test_an_aggregate_is_rliables() -> None:
    generator = np.random.default_rng(0)
    raw = {name: generator.normal(100 * place, 20, 10) for place, name in enumerate("abc", 1)}
    scale = {name: Scale(zero=0.0, one=100.0 * place) for place, name in enumerate("abc", 1)}
    values = {(name, "ppo"): scores for name, scores in raw.items()}
    (aggregate,) = pooled(values, scale, ("a", "b", "c"), {"ppo": "PPO"})
    matrix = np.stack([scale[name](raw[name]) for name in "abc"], axis=1)
    assert aggregate.mean == pytest.approx(rliable.metrics.aggregate_mean(matrix))
    assert aggregate.iqm == pytest.approx(rliable.metrics.aggregate_iqm(matrix))
    assert aggregate.mean_low < aggregate.mean < aggregate.mean_high
    assert aggregate.iqm_low < aggregate.iqm < aggregate.iqm_high
    assert aggregate.seeds == (10, 10)
    assert aggregate.cells[:3] == ("PPO", "3", "10")
    single_seed = {**values, ("b", "ppo"): raw["b"][:1]}
    (single,) = pooled(single_seed, scale, ("b",), {"ppo": "PPO"})
    assert single.cells == ("PPO", "1", "1", single.cells[3], "–", single.cells[3], "–")


def test_normalised_numbers_in_words() -> None:
    assert [number_text(value) for value in (-0.394, 1.0, float("nan"))] == ["−0.39", "1.00", "–"]
    assert interval_text(-0.1, 0.25) == "−0.10 to 0.25"
    assert interval_text(float("nan"), float("nan")) == "–"
