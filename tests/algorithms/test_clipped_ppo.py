"""The clip: what it takes away, and what it must leave."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from algorithms.ladder.clipped_ppo import objective
from tests import strategies

finite = st.floats(-5, 5)


def slope(ratio: float, advantage: float, clip_range: float, above: float | None = None) -> float:
    """∂ objective / ∂ρ."""
    rho = torch.tensor([[ratio]], dtype=torch.float64, requires_grad=True)
    bounds = 1 - clip_range, 1 + (clip_range if above is None else above)
    gain = objective(rho, torch.tensor([[advantage]], dtype=torch.float64), bounds)
    return float(torch.autograd.grad(gain.sum(), rho)[0])


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [
        (1.0, 2.0, 2.0),
        (1.0, -2.0, -2.0),
        (1.19, 2.0, 2.0),
        (0.81, -2.0, -2.0),
        # Far enough in the direction that A asks for: nothing more to gain.
        (1.21, 2.0, 0.0),
        (0.79, -2.0, 0.0),
        (50.0, 2.0, 0.0),
        # Far out in the wrong direction: all the way back counts.
        (0.79, 2.0, 2.0),
        (1.21, -2.0, -2.0),
        (50.0, -2.0, -2.0),
        (0.5, 0.0, 0.0),
    ],
)
def test_the_gradient_ends_beyond_the_range_in_the_right_direction_only(
    ratio: float, advantage: float, expected: float
) -> None:
    assert slope(ratio, advantage, 0.2) == expected


@strategies.many
@given(st.floats(0, 20), finite, st.floats(0, 3))
def test_it_is_a_lower_bound_that_touches_within_the_range(
    ratio: float, advantage: float, clip_range: float
) -> None:
    rho, a = torch.tensor([[ratio]]).double(), torch.tensor([[advantage]]).double()
    gain = float(objective(rho, a, (1 - clip_range, 1 + clip_range)))
    unclipped = float(rho * a)
    assert gain <= unclipped + 1e-12
    if abs(float(rho) - 1) < clip_range:
        assert gain == unclipped
    assert float(objective(rho, a, (-math.inf, math.inf))) == unclipped


def test_a_clip_of_zero_allows_only_the_way_back() -> None:
    assert slope(1.1, 1.0, 0.0) == 0.0
    assert slope(0.9, 1.0, 0.0) == 1.0
    assert slope(0.9, -1.0, 0.0) == 0.0
    assert slope(1.1, -1.0, 0.0) == -1.0


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [
        (1.25, 2.0, 2.0),
        (1.31, 2.0, 0.0),
        (0.79, -2.0, 0.0),
        (0.81, -2.0, -2.0),
        # The wrong way counts all the way, as ever.
        (1.31, -2.0, -2.0),
        (0.79, 2.0, 2.0),
    ],
)
def test_it_may_be_wider_above(ratio: float, advantage: float, expected: float) -> None:
    """ "Clip-higher": unlikely actions may become likelier by more."""
    assert slope(ratio, advantage, 0.2, 0.3) == expected


@pytest.mark.parametrize("bounds", [(0.8, 1.2), (0.9, 1.1), (0.8, 1.28)])
@pytest.mark.parametrize("seed", range(3))
def test_its_gradient_is_that_of_a_penalty_of_each_sample(
    bounds: tuple[float, float], seed: int
) -> None:
    """Colletti & Holzinger 2026, arXiv 2606.23932, Theorem 1, of a Gaussian policy in float64."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    states, noise, advantages = drawn(256, 4), drawn(256, 2), drawn(1, 256)
    old = 0.3 * drawn(5, 2)

    def log_probability(theta: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Without its constant [1, 256]."""
        distance = (actions - states @ theta[:4]) / theta[4].exp()
        return (-(distance**2) / 2 - theta[4]).sum(1).unsqueeze(0)

    actions = states @ old[:4] + noise * old[4].exp()
    theta = (old + 0.1 * drawn(5, 2)).requires_grad_()
    logs = log_probability(theta, actions)
    ratio = torch.exp(logs - log_probability(old, actions))
    silenced = ((ratio > bounds[1]) & (advantages > 0)) | ((ratio < bounds[0]) & (advantages < 0))
    beta = torch.where(silenced, -ratio * advantages, 0.0).detach()
    penalised = ratio * advantages + beta * logs
    gradients = [
        torch.autograd.grad(gain.mean(), theta, retain_graph=True)[0]
        for gain in (objective(ratio, advantages, bounds), penalised, ratio * advantages)
    ]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-14)
    assert float((gradients[0] - gradients[2]).norm() / gradients[2].norm()) > 0.01
    outside = (ratio < bounds[0]) | (ratio > bounds[1])
    for sign in (advantages > 0, advantages < 0):
        assert (silenced & sign).any() and (outside & ~silenced & sign).any()
        assert (~outside & sign).any()
