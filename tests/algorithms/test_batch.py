"""Sums over steps that do not depend on how much padding follows."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from algorithms.batch import Batch, flatten, mean_over_steps, sum_in_order
from tests import strategies


@strategies.many
@given(strategies.generators, st.integers(1, 100), st.integers(0, 100), st.integers(1, 5))
def test_padding_changes_no_bit_of_a_sum(
    generator: np.random.Generator, ticks: int, padding: int, seeds: int
) -> None:
    values = strategies.normals(generator, seeds, ticks, scale=1e3).float()
    padded = torch.cat([values, torch.zeros(seeds, padding)], dim=1)
    assert torch.equal(sum_in_order(values), sum_in_order(padded))
    torch.testing.assert_close(sum_in_order(values.double()), values.double().sum(1))
    assert torch.equal(sum_in_order(values)[:1], sum_in_order(values[:1]))


@strategies.many
@given(strategies.trajectories(), st.integers(0, 70))
def test_the_mean_over_steps_ignores_padding_and_what_is_in_it(
    trajectory: tuple[torch.Tensor, torch.Tensor], padding: int
) -> None:
    rewards, valid = trajectory
    shape = (rewards.shape[0], padding, rewards.shape[2])
    padded = torch.cat([rewards, torch.full(shape, float("nan"), dtype=rewards.dtype)], dim=1)
    mask = torch.cat([valid, torch.zeros(shape, dtype=torch.bool)], dim=1)
    means = mean_over_steps(rewards, valid)
    torch.testing.assert_close(mean_over_steps(padded, mask), means, rtol=0, atol=0, equal_nan=True)
    for s in range(len(rewards)):
        step_rewards = rewards[s][valid[s]].numpy()
        if len(step_rewards):
            np.testing.assert_allclose(means[s], step_rewards.mean(), rtol=1e-5, atol=1e-7)


def test_flatten_keeps_the_order_of_time() -> None:
    values = torch.arange(24).view(2, 3, 4)
    assert flatten(values).tolist() == [list(range(12)), list(range(12, 24))]


def test_an_end_is_either_of_the_two() -> None:
    zeros = torch.zeros(1, 3, 1, dtype=torch.bool)
    terminated, truncated = zeros.clone(), zeros.clone()
    terminated[0, 1] = truncated[0, 2] = True
    names = ("observations", "next_observations", "actions", "statistics", "rewards", "valid")
    batch = Batch(**dict.fromkeys(names, zeros), terminated=terminated, truncated=truncated)
    assert batch.ended.flatten().tolist() == [False, True, True]
