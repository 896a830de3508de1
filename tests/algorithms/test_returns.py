"""Returns and advantages against their definitions, and answers known beforehand."""

from __future__ import annotations

import kernel_calls
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from algorithms.returns import generalized_advantage, reward_to_go, standardise, total_return
from tests import reference, strategies
from tests.strategies import Experience


def advantages_of(experience: Experience, discount: float, gae_lambda: float) -> Tensor:
    return generalized_advantage(
        experience.rewards,
        experience.values,
        experience.next_values,
        experience.terminated,
        experience.truncated,
        discount,
        gae_lambda,
    )


@strategies.many
@given(strategies.trajectories(), strategies.discounts)
def test_reward_to_go_is_the_sum_of_what_follows(
    trajectory: tuple[Tensor, Tensor], discount: float
) -> None:
    rewards, valid = trajectory
    returns = reward_to_go(rewards, valid, discount)
    for s, n in np.ndindex(rewards.shape[0], rewards.shape[2]):
        length = int(valid[s, :, n].sum())
        expected = reference.reward_to_go(rewards[s, :length, n].tolist(), discount)
        np.testing.assert_allclose(returns[s, :length, n], expected, rtol=1e-12, atol=1e-12)
        assert (returns[s, length:, n] == 0).all()
        total = sum(rewards[s, :length, n].tolist())
        np.testing.assert_allclose(total_return(rewards, valid)[s, n], total, atol=1e-12)


def test_the_default_reward_to_go_is_not_discounted() -> None:
    rewards, valid = torch.ones(1, 4, 1), torch.ones(1, 4, 1, dtype=torch.bool)
    assert reward_to_go(rewards, valid).flatten().tolist() == [4, 3, 2, 1]


@strategies.many
@given(strategies.experiences(), strategies.discounts, strategies.discounts)
def test_generalized_advantage_is_the_weighted_sum_of_n_step_advantages(
    experience: Experience, discount: float, gae_lambda: float
) -> None:
    advantages = advantages_of(experience, discount, gae_lambda)
    scale = 1 + float(experience.rewards.abs().max())
    for s, n in np.ndindex(advantages.shape[0], advantages.shape[2]):
        columns = [
            getattr(experience, name)[s, :, n].tolist()
            for name in ("rewards", "values", "next_values", "terminated", "truncated")
        ]
        expected = reference.generalized_advantage(*columns, discount, gae_lambda)
        np.testing.assert_allclose(advantages[s, :, n], expected, rtol=1e-9, atol=1e-9 * scale)
        # The kernel's sums are of float32.
        arrays = [np.array(column)[:, None] for column in columns]
        kernel_result = kernel_calls.advantages(
            *arrays[:3], (arrays[3], arrays[4]), (discount, gae_lambda)
        )
        np.testing.assert_allclose(kernel_result[:, 0], expected, rtol=1e-5, atol=1e-5 * scale)


@strategies.many
@given(strategies.experiences(), strategies.discounts)
def test_lambda_zero_is_the_temporal_difference_error(
    experience: Experience, discount: float
) -> None:
    next_values = torch.where(experience.terminated, 0.0, experience.next_values)
    error = experience.rewards + discount * next_values - experience.values
    torch.testing.assert_close(advantages_of(experience, discount, 0.0), error)


@strategies.many
@given(strategies.trajectories(), strategies.generators, strategies.discounts)
def test_lambda_one_is_reward_to_go_minus_value_on_complete_terminated_trajectories(
    trajectory: tuple[Tensor, Tensor], generator: np.random.Generator, discount: float
) -> None:
    rewards, valid = trajectory
    # Step t is the last one where t + 1 is not valid any more.
    last = valid & ~torch.cat([valid[:, 1:], torch.zeros_like(valid[:, :1])], dim=1)
    values = strategies.normals(generator, *rewards.shape)
    next_values = torch.cat([values[:, 1:], torch.full_like(values[:, :1], 1e6)], dim=1)
    experience = Experience(
        torch.where(valid, rewards, 0.0), values, next_values, last, torch.zeros_like(last)
    )
    advantages = advantages_of(experience, discount, 1.0)
    expected = reward_to_go(rewards, valid, discount) - values
    np.testing.assert_allclose(advantages[valid], expected[valid], rtol=1e-9, atol=1e-9)


@strategies.many
@given(strategies.experiences(), strategies.discounts, strategies.discounts)
def test_nothing_passes_the_end_of_an_episode(
    experience: Experience, discount: float, gae_lambda: float
) -> None:
    """What follows a slot's first end may be anything: what came before is bitwise the same."""
    other = Experience(
        *(x.clone() for x in vars(experience).values())  # the same field order
    )
    ends_so_far = experience.ended.int().cumsum(1)
    later = (ends_so_far - experience.ended.int()) > 0
    for values in (other.rewards, other.values, other.next_values):
        values[later] = 1e3
    before = advantages_of(experience, discount, gae_lambda)[~later]
    assert torch.equal(before, advantages_of(other, discount, gae_lambda)[~later])


@pytest.mark.parametrize("gae_lambda", [0.0, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("limit", [1, 7, 40])
def test_reward_one_forever_has_the_value_of_the_geometric_series(
    gae_lambda: float, limit: int
) -> None:
    """An endless task cut every `limit` steps: V = 1/(1−γ) if and only if a cut bootstraps."""
    discount, ticks = 0.9, 80
    rewards = torch.ones(1, ticks, 1, dtype=torch.float64)
    cut = (torch.arange(1, ticks + 1) % limit == 0).view(1, ticks, 1)
    never = torch.zeros_like(cut)

    def fitted(terminated: Tensor, truncated: Tensor) -> Tensor:
        """A table with a value for each step since the episode began, fitted again and again."""
        age = torch.arange(ticks) % limit
        table = torch.zeros(limit + 1, dtype=torch.float64)
        for _ in range(200):
            values, next_values = table[age].view(1, -1, 1), table[age + 1].view(1, -1, 1)
            experience = Experience(rewards, values, next_values, terminated, truncated)
            targets = advantages_of(experience, discount, gae_lambda) + values
            for k in range(limit):
                table[k] = targets.flatten()[age == k].mean()
            # Beyond the limit nothing is ever seen: a network would go on as before.
            table[limit] = table[limit - 1]
        return table[:limit]

    right = fitted(never, cut)
    torch.testing.assert_close(right, torch.full_like(right, 1 / (1 - discount)))
    wrong = fitted(cut, never)
    remaining = torch.arange(limit, 0, -1, dtype=torch.float64)
    if ticks % limit == 0:
        torch.testing.assert_close(wrong, (1 - discount**remaining) / (1 - discount))
    assert (wrong < 10 - 1e-2).all()


@strategies.many
@given(strategies.generators, st.integers(1, 4), st.integers(1, 30))
def test_standardised_values_have_mean_zero_and_deviation_one(
    generator: np.random.Generator, seeds: int, samples: int
) -> None:
    values = strategies.normals(generator, seeds, samples, scale=50) + 1000
    standardised = standardise(values)
    for s in range(seeds):
        expected = reference.standardise(values[s].numpy())
        np.testing.assert_allclose(standardised[s], expected, rtol=1e-9, atol=1e-9)
        kernel_result = kernel_calls.standardised(values[s])
        np.testing.assert_allclose(kernel_result, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("value", [3.0, 0.1, 1 / 3, 1000.1, -123456.7, 1e-6])
@pytest.mark.parametrize("samples", [1, 2, 5, 64, 255, 2048])
def test_equal_values_standardise_to_zero(value: float, samples: int) -> None:
    """Not to what rounding leaves of them, divided by its own deviation."""
    assert (standardise(torch.full((2, samples), value)) == 0).all()
    assert (kernel_calls.standardised([value] * samples) == 0).all()
