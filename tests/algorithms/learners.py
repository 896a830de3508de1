"""Learners of every algorithm, small, made as the trainer makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.policies import GaussianPolicy
from algorithms.spaces import ActionSpace, Continuous, Discrete
from bench.plan.lookup import load_algorithm
from bench.train.device.learner import DeviceLearner
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


class Taught(ActorCritic[Any]):
    """A learner that knows what it learns by."""

    algorithm: Algorithm[Any]

    def act(self, observations: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As the trainer has it: the algorithm's own way, where it has one."""
        custom_act = self.algorithm.act
        return (
            super().act(observations, noise)
            if custom_act is None
            else custom_act(self, observations, noise)
        )


class OnDevice(Taught, DeviceLearner[Any]):
    """As on a GPU, here on the CPU."""


IMPLEMENTATIONS = ("compiled", "differentiated", "device")
"""The paths that compute one thing: kernels, autograd, and autograd in a device's order."""
each_implementation = pytest.mark.parametrize("implementation", IMPLEMENTATIONS)


def learner_of(
    name: str,
    space: ActionSpace = CONTINUOUS,
    seeds: Sequence[int] = (0, 1, 2),
    *,
    implementation: str = "compiled",
    **changes: Any,
) -> Taught:
    """`changes` are hyperparameters; `implementation` is one of `IMPLEMENTATIONS`."""
    chosen = load_algorithm(name)
    values = {"hidden_sizes": (6, 5), "slots": 4, **changes}
    h = chosen.hyperparameters(**values)
    kind = OnDevice if implementation == "device" else Taught
    learner = kind(h, seeds, OBSERVATIONS, space, critic=chosen.critic(h))
    learner.compiled = implementation == "compiled"
    learner.algorithm = chosen
    chosen.start(learner)
    return learner


def sizes_of(learner: ActorCritic[Any]) -> tuple[int, ...]:
    """Of the policy's network."""
    sizes: tuple[int, ...] = learner.policy.network.sizes  # type: ignore[attr-defined]
    return sizes


def minibatches_of(
    learner: ActorCritic[Any], valid: Tensor, epochs: int, size: int
) -> list[tuple[Tensor, Tensor]]:
    """Index [S, size] and active [S] of each, as the learner draws them for its next update."""
    positions = torch.arange(valid.shape[1]).expand(valid.shape)
    minibatches = learner.minibatches(valid, epochs, size, [positions])
    return [(index, active) for (index,), active in minibatches]


def critic_of(learner: ActorCritic[Any], seed: int) -> torch.nn.Sequential:
    """One seed's critic as torch has it, in float64."""
    columns, activation = learner.critic_parameters[seed], learner.hyperparameters.activation
    return reference.critic_of(columns.double(), sizes_of(learner), activation)


def actor_of(
    learner: ActorCritic[Any], seed: int, columns: Tensor | None = None
) -> reference.Actor:
    """One seed's policy as torch has it, in float64; under other columns [S, P] if given."""
    chosen = learner.policy_parameters if columns is None else columns
    return reference.Actor(
        chosen[seed].double(),
        sizes_of(learner),
        continuous=isinstance(learner.policy, GaussianPolicy),
        activation=learner.hyperparameters.activation,
    )


def spread_out(learner: ActorCritic[Any], scale: float = 0.3) -> None:
    """Away from the small first head, so that there is something to distinguish."""
    generator = torch.Generator().manual_seed(1)
    noise = scale * torch.randn(learner.parameters.shape, generator=generator)
    learner.parameters += noise
