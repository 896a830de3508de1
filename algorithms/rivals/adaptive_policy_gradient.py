"""Vanilla policy gradient with an adaptive step size.

    θ ← θ + η Adam( 1/T Σₜ Â(sₜ, aₜ) ∇log p_θ(aₜ|sₜ) ),   Â standardised over the batch

    afterwards:  KL(θ', θ) > 2·target:  η ← η / 1.5        KL < target / 2:  η ← 1.5 η
                 within `STEP_SIZE_BOUNDS`

Difference from the advantage rung: the step size is not given but follows the change that
it makes, each seed for itself.

Source: "Vanilla PG, Adaptive" of Figure 3 of the PPO paper (arXiv 1707.06347), which says
no more than its name; the rule is that of the policy-gradient homework of UC Berkeley's
CS 294 (fall 2015, J. Schulman).

η ↔ `learner.memory["step_size"]` [S]; target ↔ `kl_target`; KL ↔ `kl_mean`, over the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.batch import Algorithm, Batch, Diagnostics
from algorithms.critic import estimate_advantages, explained_variance, fit_critic
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import hyperparameter
from algorithms.ladder import advantage
from algorithms.learner import Learner
from algorithms.numerics.optimizers import clip_gradient_norm
from algorithms.policy_gradient import gradient_signal, trajectory_gradients

RULE = "UC Berkeley CS 294, fall 2015"


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(advantage.Hyperparameters):
    """How far a step should go."""

    learning_rate: float = hyperparameter(1e-3, "η, Adam's first step size", low=0.0, source=RULE)
    kl_target: float = hyperparameter(
        0.01, "the KL that a step should make", unit="nats", low=0.0, source="this project"
    )


STEP_SIZE_BOUNDS = (1e-10, 1e10)
"""Declared here, the rule has none. Where nothing is to be learned (all rewards alike) the KL is 0,
and η would grow to infinity; from 0 it would never rise again. In the published runs η keeps to
4e-4 … 0.04."""


def adapted(step_size: Tensor, divergence: Tensor, target: float) -> Tensor:
    """η [S] for the next step, given the KL [S] of this one."""
    smaller = torch.where(divergence > 2 * target, step_size / 1.5, step_size)
    followed = torch.where(divergence < target / 2, 1.5 * step_size, smaller)
    return followed.clamp(*STEP_SIZE_BOUNDS)


def start(learner: Learner) -> None:
    """η as declared."""
    learner.memory["step_size"] = learner.annealed(learner.hyperparameters.learning_rate)


def update(learner: Learner, batch: Batch) -> Diagnostics:
    """One step of the policy, then the critic, then the step size."""
    h = learner.hyperparameters
    assert isinstance(h, Hyperparameters)
    advantages, targets, values = estimate_advantages(learner, batch, h)
    weights = advantage.weights(advantages, h.advantage_normalization)
    gradients = trajectory_gradients(learner.policy, learner.policy_parameters, batch, weights)
    clipped, norm = clip_gradient_norm(gradients.mean(1), h.gradient_norm_clip)
    rate = learner.memory["step_size"]
    learner.policy_optimizer.step(-clipped, rate, learner.active)
    explained = explained_variance(values, targets, batch.valid)
    value_loss = fit_critic(learner, batch, targets, h)
    change = policy_change(learner, batch)
    followed = adapted(rate, change["kl_mean"].to(rate), h.kl_target)
    learner.memory["step_size"] = torch.where(learner.active, followed, rate)
    return {
        **gradient_signal(gradients),
        "gradient_norm": norm,
        "learning_rate": rate,
        "explained_variance": explained,
        "value_loss": value_loss,
        **change,
    }


ALGORITHM = Algorithm(
    name="adaptive_policy_gradient",
    title="Vanilla PG, Adaptive",
    equation="1/T Σₜ Â(sₜ,aₜ) log p_θ(aₜ|sₜ), step size by KL",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    critic=lambda h: True,
    start=start,
)
