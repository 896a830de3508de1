"""What kernels train by, held to autograd of what is maximised, on both sides of every kink."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import kernel_calls
import numpy as np
import pytest
import torch
from learners import SPACES, Taught, learner_of, spread_out
from torch import Tensor

from algorithms.ladder import clipped_ppo, importance_sampling, kl_ppo
from algorithms.rivals import a2c
from algorithms.surrogate import value_loss
from bench.plan.lookup import load_algorithm
from examples import simple_policy_optimization as example
from tests import strategies

RATIOS = (0.0, 0.3, 0.69, 0.71, 0.79, 0.81, 0.99, 1.0, 1.01, 1.19, 1.21, 1.29, 1.31, 5.0)
"""Among them neighbours of 1 ± ε on both sides, for each ε below."""


def clip(below: float, above: float | None = None) -> tuple[Any, Any, Tensor]:
    bounds = clipped_ppo.Hyperparameters(clip_range=below, clip_range_above=above).bounds

    def objective(ratio: Tensor, a: Tensor, kl: Tensor) -> Tensor:
        return clipped_ppo.objective(ratio, a, bounds)

    return clipped_ppo.slope, objective, torch.tensor(bounds, dtype=torch.float64)


def penalty(beta: float) -> tuple[Any, Any, Tensor]:
    number = torch.tensor([[beta]], dtype=torch.float64)
    return kl_ppo.slope, lambda *terms: kl_ppo.objective(*terms, number), number[0]


def of_example(epsilon: float) -> tuple[Any, Any, Tensor]:
    number = torch.tensor([epsilon], dtype=torch.float64)
    return example.slope, lambda ratio, a, kl: example.objective(ratio, a, epsilon), number


RUNGS: dict[str, tuple[Callable[..., Any], Callable[..., Tensor], Tensor]] = {
    "importance_sampling": (
        importance_sampling.slope,
        lambda ratio, a, kl: importance_sampling.objective(ratio, a),
        torch.zeros(0),
    ),
    "a2c": (a2c.slope, lambda ratio, a, kl: ratio * a, torch.zeros(0)),
    "kl_ppo": penalty(0.7),
    "kl_ppo-0": penalty(0.0),
    "clip-0.2": clip(0.2),
    "clip-0": clip(0.0),
    "clip-inf": clip(math.inf),
    "clip-0.2-0.3": clip(0.2, 0.3),
    "clip-0.3-0.2": clip(0.3, 0.2),
    "clip-0.2-inf": clip(0.2, math.inf),
    "clip-inf-0.2": clip(math.inf, 0.2),
    "example": of_example(0.2),
}


@pytest.mark.parametrize("name", RUNGS)
@pytest.mark.parametrize("advantage", [-2.0, -0.0, 0.0, 1e-3, 3.0])
def test_a_slope_is_the_derivative_of_its_objective(name: str, advantage: float) -> None:
    slope, objective, numbers = RUNGS[name]
    for at in RATIOS:
        if name == "clip-0" and at == 1.0:
            continue  # on the kink itself there is no derivative
        terms = [
            torch.tensor([[x]], dtype=torch.float64).requires_grad_() for x in (at, advantage, 0.4)
        ]
        gain = objective(*terms).sum()
        expected = torch.autograd.grad(gain, [terms[0], terms[2]], allow_unused=True)
        if name.startswith("kl_ppo"):
            slopes = slope(at, advantage, 0.4, numbers.numpy())
        else:
            slopes = slope(at, advantage, numbers.numpy()), 0.0
        for actual, gradient in zip(slopes, expected, strict=True):
            desired = 0.0 if gradient is None else float(gradient)
            assert float(actual) == pytest.approx(desired, rel=1e-6, abs=1e-9), at


@pytest.mark.parametrize("clip", [0.0, 0.2, math.inf])
def test_the_slope_of_the_value_loss_is_autograds(clip: float) -> None:
    old, kinks = 1.0, (0.0, 0.79, 0.81, 0.9999, 1.0001, 1.19, 1.21, 3.0)
    for prediction in kinks:
        for target in (-5.0, 0.6, 0.8, 1.1, 1.3, 5.0):
            leaf = torch.tensor([[prediction]], dtype=torch.float64).requires_grad_()
            constants = (torch.tensor([[x]], dtype=torch.float64) for x in (target, old))
            loss = value_loss(leaf, *constants, clip).sum()
            (expected,) = torch.autograd.grad(loss, leaf)
            actual = kernel_calls.value_loss(prediction, target, old, clip)
            desired = float(loss.detach()), float(expected)
            assert actual == pytest.approx(desired, rel=1e-5, abs=1e-6), (prediction, target)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_the_example_trains_by_its_slope_as_by_its_objective(space: Any) -> None:
    """What docs/extending.md tells users to copy, over two updates."""
    results = []
    for implementation in ("compiled", "differentiated"):
        learner: Taught = learner_of(
            "clipped_ppo",
            space,
            implementation=implementation,
            batch_steps=48,
            minibatch=16,
            learning_rate=0.02,
        )
        learner.hyperparameters = example.Hyperparameters(
            hidden_sizes=(6, 5), slots=4, batch_steps=48, minibatch=16, learning_rate=0.02
        )
        assert type(learner.hyperparameters) is not load_algorithm("clipped_ppo").hyperparameters
        spread_out(learner)
        start = learner.parameters.clone()
        for update in range(2):
            example.ALGORITHM.update(
                learner, strategies.played(learner, 12, np.random.default_rng(update))
            )
            learner.updates += 1
        results.append(learner.parameters)
    difference = (results[0] - results[1]).norm(dim=1)
    assert (difference < 1e-3 * (results[0] - start).norm(dim=1)).all()
    assert (results[0] - start).norm() > 0.1
