"""Uniformly random actions, whatever the state.

Difference from the untrained policy: its actions are spread evenly between the bounds of
the action space (or over the choices), where an untrained Gaussian policy acts around 0
and beyond the bounds.

Source: this project; the other reading of the PPO paper's "random policy".
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.controls.untrained import Hyperparameters, update
from algorithms.spaces import Continuous


def act(
    learner: ActorCritic[Hyperparameters], observations: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Actions [S, N, A] or [S, N] from the noise alone, and the φ of the untrained policy."""
    statistics = learner.policy.statistics(learner.policy_parameters, observations)
    space = learner.actions
    if not isinstance(space, Continuous):
        # The Gumbel-max trick with equal probabilities.
        return noise.argmax(-1), statistics
    low, high = (torch.tensor(bound, device=noise.device) for bound in (space.low, space.high))
    if not (torch.isfinite(low).all() and torch.isfinite(high).all()):
        raise ValueError("actions without bounds can't be drawn uniformly")
    # A standard normal number is below the noise with this probability, which is uniform.
    probability = 0.5 * (1 + torch.erf(noise / math.sqrt(2)))
    # Rounded, the sum may lie beyond the bound by the last bit.
    return (low + probability * (high - low)).clamp(low, high), statistics


ALGORITHM = Algorithm(
    name="uniform_random",
    title="Uniformly random actions",
    equation="none: a ~ U(low, high)",
    hyperparameters=Hyperparameters,
    collects="trajectories",
    update=update,
    act=act,
)
