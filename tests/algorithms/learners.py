"""Learners of every algorithm, small, made as the trainer makes them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms import ALGORITHMS
from algorithms.algorithm import Algorithm
from algorithms.learner import Learner
from algorithms.spaces import ActionSpace, Continuous, Discrete
from tests import reference

CONTINUOUS = Continuous(size=2, low=(-1.0, -2.0), high=(1.0, 2.0))
DISCRETE = Discrete(count=3)
SPACES = {"continuous": CONTINUOUS, "discrete": DISCRETE}
OBSERVATIONS = 4

ON_TRAJECTORIES = [
    ("vanilla_policy_gradient", {}),
    *(
        ("baseline", {"baseline": name})
        for name in ("batch_mean", "leave_one_out", "moving_average", "variance_optimal", "learned")
    ),
    *(
        ("reward_to_go", {"baseline": name, "discount": 0.9})
        for name in ("none", "batch_mean", "learned")
    ),
    ("trajectory_importance_sampling", {}),
]
SURROGATES = ["importance_sampling", "kl_ppo", "clipped_ppo"]


def algorithm(name: str) -> Algorithm:
    module, attribute = ALGORITHMS[name].split(":")
    found: Algorithm = getattr(importlib.import_module(module), attribute)
    return found


def learner_of(
    name: str, space: ActionSpace = CONTINUOUS, seeds: Sequence[int] = (0, 1, 2), **changes: Any
) -> Learner:
    """`changes` are hyperparameters."""
    chosen = algorithm(name)
    values = {"hidden_sizes": (6, 5), "slots": 4, **changes}
    return Learner(chosen, chosen.hyperparameters(**values), seeds, OBSERVATIONS, space)


def sizes_of(learner: Learner) -> tuple[int, ...]:
    """Of the policy's network."""
    sizes: tuple[int, ...] = learner.policy.network.sizes  # type: ignore[attr-defined]
    return sizes


def minibatches_of(
    learner: Learner, valid: Tensor, epochs: int, size: int
) -> list[tuple[Tensor, Tensor]]:
    """Index [S, size] and active [S] of each, as the learner draws them for its next update."""
    positions = torch.arange(valid.shape[1]).expand(valid.shape)
    drawn = learner.minibatches(valid, epochs, size, [positions])
    # The parts are views that the next epoch writes over.
    return [(index.clone(), active) for (index,), active in drawn]


def critic_of(learner: Learner, seed: int) -> torch.nn.Sequential:
    """One seed's critic as torch has it, in float64."""
    return reference.critic_of(learner.critic_parameters[seed].double(), sizes_of(learner))


def spread_out(learner: Learner, scale: float = 0.3) -> None:
    """Away from the small first head, so that there is something to distinguish."""
    generator = torch.Generator().manual_seed(1)
    noise = scale * torch.randn(learner.parameters.shape, generator=generator)
    if learner.critic is not None:
        # Not the columns of the outputs that a critic doesn't have: those are 0.
        drawn = learner.critic.initial(np.random.default_rng(0), "uniform")
        noise[:, learner.policy.size :] *= torch.from_numpy(drawn != 0)
    learner.parameters += noise
