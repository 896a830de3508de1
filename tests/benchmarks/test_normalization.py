"""Running statistics: of the observations at every tick, of the returns at every batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from algorithms.numerics.normalization import RewardScale, RunningMoments

pytestmark = pytest.mark.benchmarks


def normals(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("some_idle", [False, True], ids=["all_act", "some_idle"])
def test_observation_moments(benchmark: Any, some_idle: bool) -> None:
    """One tick of 8 slots; taking it in again and again costs the same every time."""
    moments = RunningMoments(10, 17)
    observations, mask = normals(10, 8, 17), torch.ones(10, 8, dtype=torch.bool)
    if some_idle:
        mask[:, ::2] = False

    def observe() -> torch.Tensor:
        moments.update(observations, mask)
        return moments.standardise(observations, 10.0)

    standardised = benchmark(observe)
    assert standardised.shape == observations.shape
    torch.testing.assert_close(
        (standardised * mask.unsqueeze(2)).sum(1), torch.zeros(10, 17), atol=1e-4, rtol=0
    )


def test_reward_scale(benchmark: Any) -> None:
    """One batch of 256 ticks; the running return goes from batch to batch."""
    scale = RewardScale(10, 8, 0.99)
    rewards = 5 * normals(10, 256, 8)
    ended = normals(10, 256, 8) > 2.5
    scaled = benchmark(scale, rewards, ended, 10.0)
    assert scaled.shape == rewards.shape
    assert torch.isfinite(scaled).all()
    assert (scaled.abs() < rewards.abs()).all()
