"""Action spaces: what no action could satisfy is refused, and bounds hold in float32 too."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gymnasium.spaces import Box

from algorithms.spaces import Continuous, Discrete
from bench.train.environments import make
from bench.train.environments.gymnasium_spaces import action_space_of


def test_unbounded_components_are_allowed() -> None:
    space = Continuous(size=2, low=(-math.inf, 0.0), high=(math.inf, 0.0))
    assert space == Continuous(size=2, low=(-math.inf, 0.0), high=(math.inf, 0.0))


@pytest.mark.parametrize(
    ("size", "low", "high", "message"),
    [
        (0, (), (), "at least one component"),
        (2, (0.0,), (1.0, 1.0), "as many bounds"),
        (1, (0.0,), (1.0, 1.0), "as many bounds"),
        (1, (1.0,), (0.0,), "low must not exceed high"),
        (1, (math.nan,), (0.0,), "low must not exceed high"),
    ],
)
def test_bad_boxes(
    size: int, low: tuple[float, ...], high: tuple[float, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Continuous(size=size, low=low, high=high)


def test_no_choices() -> None:
    with pytest.raises(ValueError, match="at least one choice"):
        Discrete(count=0)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-0.1, 0.1),
        (0.1, 0.3),
        (-0.3, -0.1),
        (-1.0, 1.0),
        (1e-50, 1e-40),
        (-1 / 3, 2 / 3),
        (1.0, 1.0),
    ],
)
def test_bounds_are_the_last_float32_numbers_inside(low: float, high: float) -> None:
    space = action_space_of("X-v0", Box(low, high, (2,), np.float64))
    assert isinstance(space, Continuous)
    for bound in space.low:
        assert float(np.float32(bound)) == bound >= low
        assert float(np.nextafter(np.float32(bound), np.float32(-np.inf))) < low
    for bound in space.high:
        assert float(np.float32(bound)) == bound <= high
        assert float(np.nextafter(np.float32(bound), np.float32(np.inf))) > high


def test_bounds_without_a_float32_between_them_are_the_nearest() -> None:
    space = action_space_of("X-v0", Box(0.1, 0.1, (1,), np.float64))
    nearest = (float(np.float32(0.1)),)
    assert space == Continuous(size=1, low=nearest, high=nearest)


def test_bounds_beyond_float32_are_none() -> None:
    space = action_space_of("X-v0", Box(-1e300, 1e300, (1,), np.float64))
    assert space == Continuous(size=1, low=(-math.inf,), high=(math.inf,))


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_bounds_that_float32_holds_stay_as_they_are(kind: type) -> None:
    box = Box(-0.1, 0.1, (1,), kind)
    space = action_space_of("X-v0", box)
    assert space == Continuous(size=1, low=(float(box.low[0]),), high=(float(box.high[0]),))


def test_a_strict_environment_takes_every_action_between_the_bounds() -> None:
    environments = make("tests.odd_environments:Strict-v0", [0], 1)
    space = environments.action_space
    assert isinstance(space, Continuous)
    environments.reset()
    for action in (space.low, space.high, (0.0, 0.0)):
        environments.step(np.array([action], np.float32), np.ones(1, bool))
