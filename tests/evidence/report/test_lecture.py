"""The lecture's pictures: the formula is the truth, and the measurement agrees where it can."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from bench.evidence.report import lecture


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.5])
def test_moments_are_those_of_adaptive_quadrature(distance: float) -> None:
    p, q = stats.norm(-distance / 2), stats.norm(distance / 2)

    def integral(of: object) -> float:
        return float(integrate.quad(of, -20, 20, points=[-1.5 * distance, 0], limit=400)[0])

    mean = integral(lambda x: math.tanh(2 * x) * p.pdf(x))
    second = integral(lambda x: math.tanh(2 * x) ** 2 * p.pdf(x) ** 2 / q.pdf(x))
    found = lecture.moments(distance)
    assert found.mean == pytest.approx(mean, abs=1e-8)
    assert found.variance == pytest.approx(
        integral(lambda x: math.tanh(2 * x) ** 2 * p.pdf(x)) - mean**2, abs=1e-8
    )
    assert found.weighted == pytest.approx(second - mean**2, rel=1e-6)


def test_the_measured_variance_is_the_formulas_while_the_two_are_near() -> None:
    for distance in (0.0, 0.5, 1.0):
        found = lecture.measured_variances(distance, np.random.default_rng(3))
        assert np.median(found) == pytest.approx(lecture.moments(distance).weighted, rel=0.03)


def test_the_estimate_has_the_wrong_sign_until_the_rare_sample_comes() -> None:
    estimates = lecture.running_estimates(np.random.default_rng(0))
    assert lecture.moments(lecture.DISTANCE).mean < 0
    assert (estimates[:, 9] > 0).mean() > 0.5
    chosen = estimates[lecture.unlucky(estimates)]
    assert chosen[99] > 0 and chosen[-1] < 0


@pytest.mark.parametrize(
    ("ratio", "advantage", "objective"),
    [
        (0.5, 2.0, 1.0),
        (1.1, 2.0, 2.2),
        (1.5, 2.0, 2.4),
        (0.5, -2.0, -1.6),
        (0.9, -2.0, -1.8),
        (1.5, -2.0, -3.0),
    ],
)
def test_the_clipped_objective(ratio: float, advantage: float, objective: float) -> None:
    found = lecture.clipped_objective(np.array([ratio]), advantage)
    assert found[0] == pytest.approx(objective)


def test_equal_seeds_give_equal_numbers() -> None:
    facts = lecture.lecture(1).facts
    assert lecture.lecture(1).facts == facts
    assert lecture.lecture(2).facts != facts
