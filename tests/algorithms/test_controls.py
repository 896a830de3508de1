"""Policies that don't learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learners import CONTINUOUS, DISCRETE, learner_of
from scipy import stats

from algorithms.spaces import Continuous
from tests import strategies


def test_uniformly_random_actions_are_uniform_between_the_bounds() -> None:
    learner = learner_of("uniform_random", slots=400)
    noise = learner.noise().next_block()[0]
    actions, statistics = learner.act(torch.randn(3, 400, 4), noise)
    assert statistics.shape == (3, 400, 4)
    for component, (low, high) in enumerate(zip(CONTINUOUS.low, CONTINUOUS.high, strict=True)):
        values = actions[..., component].flatten().numpy()
        assert low <= values.min() and values.max() <= high
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-3


def test_uniformly_random_choices_are_equally_frequent() -> None:
    learner = learner_of("uniform_random", DISCRETE, slots=600)
    actions, _ = learner.act(torch.randn(3, 600, 4), learner.noise().next_block()[0])
    assert stats.chisquare(np.bincount(actions.flatten(), minlength=3)).pvalue > 1e-3


def test_without_bounds_there_is_no_uniform_distribution() -> None:
    learner = learner_of("uniform_random", Continuous(size=1, low=(-np.inf,), high=(np.inf,)))
    with pytest.raises(ValueError, match="without bounds"):
        learner.act(torch.randn(3, 4, 4), learner.noise().next_block()[0])


@pytest.mark.parametrize("name", ["untrained", "uniform_random"])
def test_nothing_moves(name: str) -> None:
    learner = learner_of(name)
    before = learner.parameters.clone()
    report = learner.algorithm.update(
        learner, strategies.played(learner, 6, np.random.default_rng(0), whole_episodes=True)
    )
    assert torch.equal(learner.parameters, before)
    torch.testing.assert_close(report["kl_mean"], torch.zeros(3).double(), rtol=0, atol=1e-6)


def test_the_untrained_policy_is_what_every_algorithm_begins_with() -> None:
    first, other = learner_of("untrained"), learner_of("clipped_ppo", batch_steps=48)
    assert torch.equal(first.policy_parameters, other.policy_parameters)


def test_uniform_actions_stay_between_bounds_whose_width_is_no_float32() -> None:
    low, high = np.float32(-1.0), np.float32(0.1)
    # Rounded, the sum goes beyond the upper bound.
    assert low + np.float32(1) * (high - low) > high
    space = Continuous(size=1, low=(float(low),), high=(float(high),))
    learner = learner_of("uniform_random", space, seeds=(0,))
    noise = torch.full((1, 4, 1), 9.0)
    actions, _ = learner.act(torch.zeros(1, 4, 4), noise)
    assert (actions == float(high)).all()
