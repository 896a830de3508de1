"""The rule of the step size, each seed by its own divergence."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from learners import Taught, learner_of
from torch import Tensor

from algorithms.rivals.adaptive_policy_gradient import STEP_SIZE_BOUNDS, adapted
from tests import strategies

TARGET = 0.01


def test_the_thresholds_seed_by_seed() -> None:
    divergence = torch.tensor([0.0, 0.0049, 0.0051, 0.01, 0.0199, 0.0201, 5.0, float("nan")])
    step_size = torch.full((8,), 3.0)
    expected = [4.5, 4.5, 3.0, 3.0, 3.0, 2.0, 2.0, 3.0]
    assert adapted(step_size, divergence, TARGET).tolist() == expected


def test_exactly_on_a_threshold_nothing_changes() -> None:
    step_size = torch.tensor([1.0, 2.0])
    assert adapted(step_size, torch.tensor([0.5, 0.125]), 0.25).tolist() == [1, 2]


def run(learner: Taught, updates: int) -> list[dict[str, Tensor]]:
    history = []
    generator = np.random.default_rng(4)
    for _ in range(updates):
        batch = strategies.played(learner, 12, generator)
        history.append(dict(learner.algorithm.update(learner, batch)))
        learner.updates += 1
    return history


def test_the_step_size_follows_the_divergence_of_its_step() -> None:
    learner = learner_of(
        "adaptive_policy_gradient", batch_steps=48, critic_minibatch=16, learning_rate=0.02
    )
    history = run(learner, 14)
    moves = set()
    for report, next_report in itertools.pairwise(history):
        for s in range(3):
            kl = float(report["kl_mean"][s])
            factor = 1 / 1.5 if kl > 2 * TARGET else 1.5 if kl < TARGET / 2 else 1.0
            ratio = float(next_report["learning_rate"][s] / report["learning_rate"][s])
            assert abs(ratio - factor) < 1e-12
            moves.add(factor)
        if len(set(report["learning_rate"].tolist())) > 1:
            moves.add(-1.0)  # seeds apart
    assert moves == {1 / 1.5, 1.5, 1.0, -1.0}
    assert (history[0]["learning_rate"] == 0.02).all()


def test_with_its_first_step_size_it_is_the_advantage_rung() -> None:
    settings = {"batch_steps": 48, "critic_minibatch": 16, "learning_rate": 0.01}
    adaptive = learner_of("adaptive_policy_gradient", **settings)
    plain = learner_of("advantage", **settings)
    batch = strategies.played(plain, 12, np.random.default_rng(0))
    for learner in (adaptive, plain):
        learner.algorithm.update(learner, batch)
    assert torch.equal(adaptive.parameters, plain.parameters)


def test_a_seed_that_is_not_active_keeps_its_step_size() -> None:
    learner = learner_of("adaptive_policy_gradient", batch_steps=48, learning_rate=1e-6)
    learner.active = torch.tensor([True, False, True])
    run(learner, 1)
    torch.testing.assert_close(
        learner.memory["step_size"], torch.tensor([1.5e-6, 1e-6, 1.5e-6]).double()
    )


@pytest.mark.parametrize(("divergence", "bound"), [(0.0, 1), (1.0, 0)])
def test_the_step_size_stays_within_its_bounds(divergence: float, bound: int) -> None:
    step_size = torch.ones(1)
    for _ in range(300):
        step_size = adapted(step_size, torch.tensor([divergence]), TARGET)
    assert torch.equal(step_size, torch.tensor([STEP_SIZE_BOUNDS[bound]]))
