"""Sums over time, at the default sizes of a batch of HalfCheetah."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from algorithms.returns import generalized_advantage, reward_to_go

pytestmark = pytest.mark.benchmarks


def normals(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_generalized_advantage(benchmark: Any) -> None:
    shape = (10, 256, 8)
    rewards, values = normals(*shape), normals(*shape)
    ended = normals(*shape) > 2.5
    advantages = benchmark(
        generalized_advantage, rewards, values, values, ended, torch.zeros_like(ended), 0.99, 0.95
    )
    assert advantages.shape == shape
    # After a terminal step nothing follows: A = r − V.
    torch.testing.assert_close(advantages[ended], (rewards - values)[ended])


@pytest.mark.parametrize("discount", [1.0, 0.99])
def test_reward_to_go(benchmark: Any, discount: float) -> None:
    shape = (10, 1024, 16)
    rewards, valid = normals(*shape), torch.ones(shape, dtype=torch.bool)
    valid[:, 1000:] = False
    returns = benchmark(reward_to_go, rewards, valid, discount)
    assert returns.shape == shape
    assert not returns[:, 1000:].any()
    torch.testing.assert_close(returns[:, 999], rewards[:, 999])
