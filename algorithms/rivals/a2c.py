"""A2C: the advantage actor-critic, synchronous.

    J(θ) = E[ A(s, a) log p_θ(a|s) + c_e H(p_θ(·|s)) ] − c_v E[ (V(s) − R)² / 2 ]

    A(sₜ, aₜ) = Σ_{l<n} γˡ r_{t+l} + γⁿ V(s_{t+n}) − V(sₜ)

Difference from the advantage rung: many small batches (n = 5 steps of every slot) with one
RMSProp step each for actor and critic together, instead of one large batch, Adam, and a
critic that is fitted apart. λ = 1 is the paper's n-step return; the batch's end cuts it.

Source: Mnih et al. 2016, arXiv 1602.01783, section 4 (algorithm S3, without the
asynchrony); openai/baselines a2c.

A ↔ `advantages` [S, M]; R ↔ `targets` [S, M]; c_e ↔ `entropy_coefficient`; c_v ↔
`value_coefficient`; n ↔ `batch_steps` / `slots`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics, flatten
from algorithms.critic import estimate_advantages, explained_variance, squared_error
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import CriticHyperparameters, hyperparameter
from algorithms.learner import Learner
from algorithms.numerics.optimizers import clip_gradient_norm, rmsprop_step
from algorithms.policies import Policy
from algorithms.returns import standardise

MNIH = "Mnih et al. 2016, arXiv 1602.01783"
BASELINES_A2C = "openai/baselines a2c"


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(CriticHyperparameters):
    """Small batches, RMSProp, one step for actor and critic."""

    slots: int = hyperparameter(
        16,
        "environments that one seed steps side by side",
        unit="environments",
        low=1,
        source=BASELINES_A2C,
    )
    batch_steps: int = hyperparameter(
        80,
        "steps a seed collects for one update, over all its slots: 5 of each",
        unit="environment steps",
        low=1,
        source=MNIH + ", section 5.1",
    )
    gae_lambda: float = hyperparameter(
        1.0,
        "λ of the generalised advantage estimate; 1 is the n-step return",
        low=0.0,
        high=1.0,
        source=MNIH,
    )
    advantage_normalization: str = hyperparameter(
        "none",
        "advantages are standardised over this set of samples",
        choices=("none", "batch"),
        source=MNIH + ": none",
    )
    learning_rate: float = hyperparameter(
        7e-4, "RMSProp's step size", low=0.0, source=BASELINES_A2C
    )
    rmsprop_decay: float = hyperparameter(
        0.99, "decay of RMSProp's mean square", low=0.0, high=1.0, source=MNIH
    )
    rmsprop_epsilon: float = hyperparameter(
        1e-5, "added to the root of RMSProp's mean square", low=0.0, source=BASELINES_A2C
    )
    value_coefficient: float = hyperparameter(
        0.5, "c_v, the weight of the value loss (V − R)² / 2", low=0.0, source=BASELINES_A2C
    )
    entropy_coefficient: float = hyperparameter(
        0.0, "c_e, the weight of the entropy", low=0.0, source="PPO paper: none on MuJoCo"
    )


Projection = Callable[[Tensor, Tensor], Tensor]
"""Observations [S, M, O] and ∇_φ of each sample's objective [S, M, K] -> what is followed."""


def objective_gradient(
    policy: Policy, statistics: Tensor, actions: Tensor, advantages: Tensor, entropy: float
) -> Tensor:
    """∇_φ [ A log p_φ(a) + c_e H(p_φ) ] of each sample [S, M, K]."""
    phi = statistics.detach().requires_grad_()
    gain = advantages * policy.log_probability(phi, actions) + entropy * policy.entropy(phi)
    (gradient,) = torch.autograd.grad(gain.sum(), phi)
    return gradient


def actor_critic_step(learner: Learner, batch: Batch, projection: Projection) -> Diagnostics:
    """One RMSProp step of actor and critic along the batch's projected gradient."""
    h = learner.hyperparameters
    assert isinstance(h, Hyperparameters)
    advantages, targets, values = estimate_advantages(learner, batch, h)
    explained = explained_variance(values, targets, batch.valid)
    observations, actions = flatten(batch.observations), flatten(batch.actions)
    advantages, targets = flatten(advantages), flatten(targets)
    if h.advantage_normalization == "batch":
        advantages = standardise(advantages)
    passed, statistics, prediction = learner.forward(observations)
    direction = projection(
        observations,
        objective_gradient(learner.policy, statistics, actions, advantages, h.entropy_coefficient),
    )
    samples = advantages.shape[1]
    of_values = h.value_coefficient * (prediction - targets) / samples
    gradient = learner.backward(passed, statistics, -direction / samples, of_values)
    clipped, norm = clip_gradient_norm(gradient, h.gradient_norm_clip)
    rate = learner.annealed(h.learning_rate)
    rmsprop_step(
        learner.parameters,
        learner.memory["mean_square"],
        clipped,
        rate,
        learner.active,
        decay=h.rmsprop_decay,
        epsilon=h.rmsprop_epsilon,
    )
    return {
        "explained_variance": explained,
        "value_loss": squared_error(prediction, targets).mean(1),
        "gradient_norm": norm,
        "learning_rate": rate,
        **policy_change(learner, batch),
    }


def start(learner: Learner) -> None:
    """RMSProp has seen nothing."""
    learner.memory["mean_square"] = torch.zeros_like(learner.parameters)


def update(learner: Learner, batch: Batch) -> Diagnostics:
    """One step on one batch."""
    return actor_critic_step(learner, batch, lambda observations, gradient: gradient)


ALGORITHM = Algorithm(
    name="a2c",
    title="A2C",
    equation="E[ A log p_θ(a|s) + c_e H ] − c_v E[ (V − R)²/2 ]",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    critic=lambda h: True,
    start=start,
)
