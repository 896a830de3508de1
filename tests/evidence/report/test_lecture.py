"""The lecture's pictures: the formula is the truth, and the measurement agrees where it can."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from bench.evidence.report import lecture, pictures


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.5])
def test_moments_are_those_of_adaptive_quadrature(distance: float) -> None:
    p, q = stats.norm(-distance / 2), stats.norm(distance / 2)

    def integral(integrand: object) -> float:
        return float(integrate.quad(integrand, -20, 20, points=[-1.5 * distance, 0], limit=400)[0])

    mean = integral(lambda x: math.tanh(2 * x) * p.pdf(x))
    second_moment = integral(lambda x: math.tanh(2 * x) ** 2 * p.pdf(x) ** 2 / q.pdf(x))
    moments = lecture.moments(distance)
    assert moments.mean == pytest.approx(mean, abs=1e-8)
    assert moments.variance == pytest.approx(
        integral(lambda x: math.tanh(2 * x) ** 2 * p.pdf(x)) - mean**2, abs=1e-8
    )
    assert moments.weighted == pytest.approx(second_moment - mean**2, rel=1e-6)


def test_the_measured_variance_is_the_formulas_while_the_two_are_near() -> None:
    for distance in (0.0, 0.5, 1.0):
        variances = lecture.measured_variances(distance, np.random.default_rng(3))
        assert np.median(variances) == pytest.approx(lecture.moments(distance).weighted, rel=0.03)


def test_the_estimate_has_the_wrong_sign_until_the_rare_sample_comes() -> None:
    estimates = lecture.running_estimates(np.random.default_rng(0))
    assert lecture.moments(lecture.DISTANCE).mean < 0
    assert (estimates[:, 9] > 0).mean() > 0.5
    unlucky = estimates[lecture.unlucky_stream(estimates)]
    assert unlucky[99] > 0 and unlucky[-1] < 0


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
    clipped = pictures.clipped_objective(np.array([ratio]), advantage)
    assert clipped[0] == pytest.approx(objective)


def test_a_loss_is_the_cross_entropy_times_the_return() -> None:
    *rows, total = lecture.cross_entropy()["rows"]
    products = [-math.log(0.7) * 3, -math.log(0.2) * -1, -math.log(0.1) * 3]
    assert [row[5] for row in rows] == [f"{product:+.2f}".replace("-", "−") for product in products]
    assert total[5] == f"{sum(products):+.2f}"


def test_the_best_action_loses_where_it_is_not_sampled_unless_there_is_a_baseline() -> None:
    ideal = pictures.after_step(pictures.RETURNS, None)
    sampled = pictures.after_step(pictures.RETURNS, pictures.SAMPLED)
    centred = pictures.after_step([1, 0, -1], pictures.SAMPLED)
    for probabilities in (ideal, sampled, centred):
        assert probabilities.sum() == pytest.approx(1)
    assert ideal.argmax() == 0 and ideal[0] > 1 / 3
    assert sampled[0] < 1 / 3 and sampled[0] == sampled.min()
    assert centred[0] > 1 / 3 and centred[2] < 1 / 3


def test_a_step_is_the_gradient_of_the_mean_return() -> None:
    def mean_return(logits: np.ndarray) -> float:
        weights = np.exp(logits)
        return float(weights @ pictures.RETURNS / weights.sum())

    slope = [(mean_return(1e-6 * e) - mean_return(-1e-6 * e)) / 2e-6 for e in np.eye(3)]
    weights = np.exp(np.array(slope))
    probabilities = pictures.after_step(pictures.RETURNS, None)
    np.testing.assert_allclose(probabilities, weights / weights.sum(), atol=1e-8)


def test_credit_is_what_follows() -> None:
    assert pictures.rewards_to_go((5, 0, -2), 1.0) == [3, -2, -2]
    assert pictures.rewards_to_go((-5, 0, -2), 1.0) == [-7, -2, -2]
    assert pictures.rewards_to_go((5, 0, -2), 0.9) == pytest.approx([3.38, -1.8, -2])


@pytest.mark.parametrize("gae_lambda", [0.0, 0.5, 0.95, 1.0])
def test_what_lambda_trades_is_what_a_simulation_finds(gae_lambda: float) -> None:
    generator, steps, discount = np.random.default_rng(5), pictures.HORIZON, 0.99
    errors = generator.normal(size=(20_000, steps + 1))
    errors[:, 0] = 0  # a baseline
    bias = np.zeros(len(errors))
    noise = np.zeros(len(errors))
    for place in range(steps):
        weight = (discount * gae_lambda) ** place
        bias += weight * (discount * errors[:, place + 1] - errors[:, place])
        noise += weight * generator.normal(size=len(errors))
    predicted = pictures.trade_of(np.array([gae_lambda]))
    # At λ = 1 the sum's end is left, γ^T of one error.
    assert predicted[0][0] == pytest.approx(bias.std(), rel=0.03, abs=0.15)
    assert predicted[1][0] == pytest.approx(noise.std(), rel=0.03)


def test_the_divergence_is_the_integral_of_the_log_ratio() -> None:
    p, q = stats.norm(0, 0.3), stats.norm(0.2, 0.3)
    integral = integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), -5, 5)[0]
    assert pictures.divergence(0.2, 0.3) == pytest.approx(integral)


def test_equal_seeds_give_equal_numbers() -> None:
    first, second = (lecture.running_estimates(np.random.default_rng(1)) for _ in range(2))
    assert lecture.facts(first) == lecture.facts(second)
    assert lecture.facts(lecture.running_estimates(np.random.default_rng(2))) != lecture.facts(
        first
    )
    assert set(pictures.all_pictures(first)) >= {"loop", "actions", "credit", "importance", "clip"}
