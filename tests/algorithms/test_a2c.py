"""One step of the advantage actor-critic against torch's, seed by seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from learners import SPACES, actor_of, critic_of, each_implementation, learner_of, spread_out
from test_surrogate_updates import Scales, estimates_of
from torch import Tensor

from algorithms.batch import flatten
from tests import reference, strategies

TICKS, SLOTS = 5, 4

VARIATIONS: list[dict[str, Any]] = [
    {},
    {"advantage_normalization": "batch", "gae_lambda": 0.9, "entropy_coefficient": 0.05},
    {"gradient_norm_clip": 0.1, "value_coefficient": 2.0, "reward_normalization": False},
    {"rmsprop_form": "tensorflow", "learning_rate": 0.1, "activation": "relu"},
    {"hidden_sizes": (5, 4, 6), "value_normalization": True, "entropy_coefficient": 0.05},
]


class TensorFlowRMSProp(torch.optim.Optimizer):
    """θ ← θ − η g / √(v + ε), v from 1."""

    def __init__(self, tensors: list[Tensor], lr: float, alpha: float, eps: float) -> None:
        super().__init__(tensors, {"lr": lr, "alpha": alpha, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        (group,) = self.param_groups
        for tensor in group["params"]:
            square = self.state[tensor].get("square", torch.ones_like(tensor))
            square = group["alpha"] * square + (1 - group["alpha"]) * tensor.grad**2
            self.state[tensor]["square"] = square
            tensor.sub_(group["lr"] * tensor.grad / torch.sqrt(square + group["eps"]))


FORMS = {"torch": torch.optim.RMSprop, "tensorflow": TensorFlowRMSProp}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("variation", VARIATIONS)
@each_implementation
def test_two_updates_are_those_of_torch(
    variation: dict[str, Any], space: Any, implementation: str
) -> None:
    settings = {"batch_steps": TICKS * SLOTS, "learning_rate": 0.01, **variation}
    learner = learner_of("a2c", space, implementation=implementation, **settings)
    h: Any = learner.hyperparameters
    spread_out(learner)
    start = learner.parameters.double().clone()
    continuous = space is SPACES["continuous"]
    actors = [actor_of(learner, s) for s in range(3)]
    critics = [critic_of(learner, s) for s in range(3)]
    scales = [Scales(SLOTS, h) for _ in range(3)]
    optimizers = [
        FORMS[h.rmsprop_form](
            [*actor.parameters(), *critic.parameters()],
            lr=h.learning_rate,
            alpha=h.rmsprop_decay,
            eps=h.rmsprop_epsilon,
        )
        for actor, critic in zip(actors, critics, strict=True)
    ]
    generator = np.random.default_rng(0)
    for _ in range(2):
        batch = strategies.played(learner, TICKS, generator)
        for s in range(3):
            advantages, targets, _ = estimates_of(batch, s, critics[s], h, scales[s])
            states = flatten(batch.observations)[s].double()
            actions = flatten(batch.actions)[s]
            weights = torch.from_numpy(advantages.ravel())
            if h.advantage_normalization == "batch":
                weights = (weights - weights.mean()) / (weights.std() + 1e-8)
            distribution = actors[s](states)
            gain = weights * distribution.log_prob(actions.double() if continuous else actions)
            gain = gain + h.entropy_coefficient * distribution.entropy()
            error = (critics[s](states).squeeze(1) - torch.from_numpy(targets.ravel())).square() / 2
            optimizers[s].zero_grad()
            (h.value_coefficient * error.mean() - gain.mean()).backward()
            tensors = [*actors[s].parameters(), *critics[s].parameters()]
            torch.nn.utils.clip_grad_norm_(tensors, h.gradient_norm_clip)
            optimizers[s].step()
        learner.algorithm.update(learner, batch)
        learner.updates += 1
    for s in range(3):
        critic = reference.columns_of_critic(critics[s])
        after = torch.cat([actors[s].columns, critic])
        moved = float((after - start[s]).norm())
        assert moved > 0.05
        assert float((learner.parameters[s].double() - after).norm()) < 2e-3 * moved


def test_a_seed_that_is_not_active_stays_as_it_is() -> None:
    learner = learner_of("a2c", batch_steps=TICKS * SLOTS)
    before = learner.parameters.clone()
    learner.active = torch.tensor([True, False, True])
    learner.algorithm.update(learner, strategies.played(learner, TICKS, np.random.default_rng(0)))
    assert [torch.equal(a, b) for a, b in zip(before, learner.parameters, strict=True)] == [
        False,
        True,
        False,
    ]
    assert (learner.memory["mean_square"][1] == 0).all()
