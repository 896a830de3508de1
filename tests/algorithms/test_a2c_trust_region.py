"""The projection against a quadratic program, and what it is without a bound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learners import Taught, learner_of, spread_out
from scipy.optimize import minimize

from algorithms.rivals.a2c_trust_region import projected
from tests import strategies

TICKS, SLOTS = 5, 4


@strategies.many
@given(strategies.generators, st.sampled_from([0.0, 0.1, 1.0]), st.integers(1, 5))
def test_the_projection_solves_its_quadratic_program(
    generator: np.random.Generator, bound: float, size: int
) -> None:
    gradient, slope = (strategies.normals(generator, 1, 1, size) for _ in range(2))
    solution = projected(gradient, slope, bound)[0, 0].numpy()
    g, k = gradient[0, 0].numpy(), slope[0, 0].numpy()
    solved = minimize(
        lambda z: 0.5 * np.square(z - g).sum(),
        np.zeros(size),
        jac=lambda z: z - g,
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda z: bound - k @ z, "jac": lambda z: -k},
        options={"ftol": 1e-14, "maxiter": 200},
    )
    assert solved.success
    np.testing.assert_allclose(solution, solved.x, atol=1e-5)
    assert k @ solution <= bound + 1e-9


def test_it_holds_back_each_sample_for_itself() -> None:
    gradient = torch.tensor([[[2.0, 1.0], [0.5, 1.0], [-3.0, 1.0]]])
    slope = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]])
    # Beyond the bound along k: brought to it; within; and away from it.
    expected = torch.tensor([[[1.0, 1.0], [0.5, 1.0], [-3.0, 1.0]]])
    torch.testing.assert_close(projected(gradient, slope, 1.0), expected)


def test_without_a_slope_nothing_is_held_back() -> None:
    gradient = torch.tensor([[[2.0, -1.0]]])
    assert torch.equal(projected(gradient, torch.zeros(1, 1, 2), 0.0), gradient)
    assert torch.equal(projected(gradient, torch.ones(1, 1, 2), float("inf")), gradient)


def run(learner: Taught, updates: int = 6) -> torch.Tensor:
    # The projection has no kernel.
    learner.compiled = False
    spread_out(learner)
    generator = np.random.default_rng(0)
    for _ in range(updates):
        learner.algorithm.update(learner, strategies.played(learner, TICKS, generator))
        learner.updates += 1
    return learner.parameters


@pytest.mark.parametrize("bound", [float("inf"), 1e-9])
def test_a_bound_of_infinity_is_a2c_and_a_small_one_is_not(bound: float) -> None:
    settings = {"batch_steps": TICKS * SLOTS, "learning_rate": 0.01}
    plain = run(learner_of("a2c", **settings))
    bounded = run(learner_of("a2c_trust_region", trust_region=bound, **settings))
    assert torch.equal(plain, bounded) == (bound == float("inf"))


def test_the_average_follows_the_network() -> None:
    learner = learner_of("a2c_trust_region", batch_steps=TICKS * SLOTS, average_decay=0.75)
    learner.active = torch.tensor([True, True, False])
    before = learner.memory["average"].clone()
    assert torch.equal(before, learner.policy_parameters)
    learner.algorithm.update(learner, strategies.played(learner, TICKS, np.random.default_rng(0)))
    expected = 0.75 * before + 0.25 * learner.policy_parameters
    torch.testing.assert_close(learner.memory["average"], expected)
    assert not torch.equal(learner.memory["average"][0], before[0])
    assert torch.equal(learner.memory["average"][2], before[2])
