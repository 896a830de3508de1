"""The cross-entropy method: selection, refitting, noise, and what its candidates do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from learners import SPACES, Taught, learner_of
from torch import Tensor

from algorithms.batch import Batch
from algorithms.rivals.cem import elites, extra_variance
from tests import strategies


def scored(learner: Taught, returns: Tensor) -> Batch:
    """A batch in which each slot's episode, of two steps, returns what is given [S, N]."""
    batch = strategies.played(learner, 2, np.random.default_rng(0), whole_episodes=True)
    rewards = torch.zeros_like(batch.rewards)
    rewards[:, 0] = returns.float()
    # What lies in the padding is nobody's.
    valid = torch.ones_like(batch.valid)
    valid[:, 1, 0] = False
    rewards[:, 1, 0] = torch.nan
    return replace(batch, rewards=rewards, valid=valid)


def generation(learner: Taught, returns: Tensor) -> None:
    learner.algorithm.update(learner, scored(learner, returns))
    learner.updates += 1


def test_the_best_are_chosen_seed_by_seed() -> None:
    candidates = torch.arange(12.0).view(2, 3, 2)
    returns = torch.tensor([[1.0, 3.0, 2.0], [5.0, float("nan"), -4.0]]).double()
    chosen = elites(candidates, returns, 0.67)
    assert chosen.tolist() == [[[2, 3], [4, 5]], [[6, 7], [10, 11]]]
    assert elites(candidates, returns, 0.0).shape == (2, 1, 2)


def test_an_elite_of_everybody_leaves_the_mean_at_the_populations() -> None:
    learner = learner_of("cem", slots=7, elite_fraction=1.0, extra_std=0.0)
    candidates = learner.memory["candidates"].clone()
    generation(learner, torch.randn(3, 7))
    torch.testing.assert_close(learner.policy_parameters, candidates.mean(1))
    torch.testing.assert_close(learner.memory["variance"], candidates.var(1, correction=0))


def test_the_noise_falls_to_nothing() -> None:
    values = [extra_variance(k, 0.5, 4.0) for k in range(6)]
    assert values == [0.25, 0.1875, 0.125, 0.0625, 0.0, 0.0]
    quiet, noisy = (
        learner_of("cem", slots=7, extra_std=extra, extra_decay=2.0) for extra in (0.0, 0.5)
    )
    returns = torch.randn(3, 7)
    for learner in (quiet, noisy):
        generation(learner, returns)
    torch.testing.assert_close(
        noisy.memory["variance"], quiet.memory["variance"] + 0.25, rtol=1e-6, atol=1e-6
    )


def test_it_solves_a_quadratic() -> None:
    """max −‖θ − θ*‖²: the distance falls to less than a tenth."""
    learner = learner_of("cem", slots=60, hidden_sizes=(), initial_std=1.0, extra_std=0.2)
    goal = torch.randn(learner.policy.size, generator=torch.Generator().manual_seed(0))
    start = (learner.policy_parameters - goal).norm(dim=1)
    for _ in range(30):
        generation(learner, -(learner.memory["candidates"] - goal).square().sum(2))
    end = (learner.policy_parameters - goal).norm(dim=1)
    assert (end < start / 10).all(), (start, end)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_each_slot_acts_by_its_own_candidate_and_without_noise(space: Any) -> None:
    learner = learner_of("cem", space, slots=5)
    observations = torch.randn(3, 5, 4)
    noise = torch.randn(3, 5, learner.policy.noise_size)
    actions, statistics = learner.act(observations, noise)
    for s in range(3):
        for n in range(5):
            columns = learner.memory["candidates"][s, n : n + 1]
            expected = learner.policy.statistics(columns, observations[s, n].view(1, 1, 4))[0, 0]
            torch.testing.assert_close(statistics[s, n], expected)
            if space is SPACES["continuous"]:
                assert torch.equal(actions[s, n], statistics[s, n, :2])
            else:
                assert actions[s, n] == statistics[s, n].argmax()
    repeated, _ = learner.act(observations, torch.randn_like(noise))
    assert torch.equal(actions, repeated)


def test_what_normalises_observations_stands_still_within_a_generation() -> None:
    learner = learner_of("cem", slots=4)
    observations = 2 + torch.randn(3, 4, 4)  # within the clip at ±10
    mask = torch.ones(3, 4, dtype=torch.bool)
    first = learner.observe(observations, mask)
    torch.testing.assert_close(first, observations, rtol=1e-5, atol=1e-5)
    assert torch.equal(learner.observe(observations, mask), first)
    generation(learner, torch.randn(3, 4))
    second = learner.observe(observations, mask)
    torch.testing.assert_close(second.mean(1), torch.zeros(3, 4), atol=1e-4, rtol=0)


def test_a_seed_that_is_not_active_keeps_its_distribution() -> None:
    learner = learner_of("cem", slots=6)
    before = learner.policy_parameters.clone(), learner.memory["variance"].clone()
    learner.active = torch.tensor([True, False, True])
    generation(learner, torch.randn(3, 6))
    assert torch.equal(learner.policy_parameters[1], before[0][1])
    assert torch.equal(learner.memory["variance"][1], before[1][1])
    assert not torch.equal(learner.policy_parameters[0], before[0][0])
