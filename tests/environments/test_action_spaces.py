"""Action spaces refuse what no action could satisfy."""

from __future__ import annotations

import math

import pytest

from algorithms.spaces import Continuous, Discrete


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
