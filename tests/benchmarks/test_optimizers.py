"""One step of Adam and the clip before it, for ten seeds at the default size of the networks.

Both are repeated on the same gradient: what they do does not depend on its values.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from algorithms.numerics.optimizers import Adam, clip_gradient_norm
from tests.benchmarks.half_cheetah import learner_of

pytestmark = pytest.mark.benchmarks


def parameters() -> torch.Tensor:
    return learner_of("clipped_ppo").parameters


def gradient_like(values: torch.Tensor) -> torch.Tensor:
    return torch.randn(values.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("idle_seeds", [0, 5], ids=["all_learn", "half_learn"])
def test_adam_step(benchmark: Any, idle_seeds: int) -> None:
    theta = parameters()
    before, optimizer = theta.clone(), Adam(theta, 1e-5)
    rate = torch.full((len(theta),), 1e-6, dtype=torch.float64)
    active = torch.arange(len(theta)) >= idle_seeds
    columns = slice(0, theta.shape[1])
    benchmark(optimizer.step, columns, 0, gradient_like(theta), rate, active)
    assert torch.isfinite(theta).all()
    assert ((theta != before).any(1) == active).all()


def test_clip_gradient_norm(benchmark: Any) -> None:
    gradient = gradient_like(parameters())
    clipped, norm = benchmark(clip_gradient_norm, gradient, 0.5)
    assert norm.shape == (len(gradient),)
    assert (clipped.norm(dim=1) <= 0.5 + 1e-5).all()
