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
    plain = float(rho * a)
    assert gain <= plain + 1e-12
    if abs(float(rho) - 1) < clip_range:
        assert gain == plain
    assert float(objective(rho, a, (-math.inf, math.inf))) == plain


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
