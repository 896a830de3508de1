"""Vanilla policy gradient with an adaptive step size.

    θ ← θ + η Adam( 1/T Σₜ Â(sₜ, aₜ) ∇log p_θ(aₜ|sₜ) ),   Â standardised over the batch

    afterwards:  KL(θ', θ) > 2·target:  η ← η / 1.5        KL < target / 2:  η ← 1.5 η
                 within `STEP_SIZE_BOUNDS`

Difference from the advantage rung: the step size is not given but adapts, seed by seed, to the
KL that it causes.

Source: "Vanilla PG, Adaptive" of Figure 3 of the PPO paper (arXiv 1707.06347), whose footnote 3
names homework 4 of UC Berkeley's CS 294-112 (spring 2017): its rule, its Adam, its first step
size. Different there: a target of 0.002, whole trajectories of at least 2,500 steps, γ = 0.97, the
discounted return less V for Â (λ = 1), no bound on the gradient.

η ↔ `learner.memory["step_size"]` [S]; target ↔ `kl_target`; KL ↔ `kl_mean`, over the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.hyperparameters import hyperparameter
from algorithms.ladder import advantage

HOMEWORK = "UC Berkeley CS 294-112, spring 2017, homework 4"


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(advantage.Hyperparameters):
    """The first step size, and the KL that a step should make."""

    learning_rate: float = hyperparameter(
        1e-3, "η, Adam's first step size", low=0.0, source=HOMEWORK
    )
    kl_target: float = hyperparameter(
        0.01,
        "the KL that a step should make",
        unit="nats",
        low=0.0,
        source="this project: docs/experiment.md; " + HOMEWORK + ": 0.002",
    )


STEP_SIZE_BOUNDS = (1e-10, 1e10)
"""Bounds of η; the source's rule has none. If nothing can be learned (all rewards alike) the KL is
0, and η would grow to infinity; from 0 it would never rise again. In the published runs η stays
within 2.9e-4 … 0.04."""


def adapted(step_size: Tensor, divergence: Tensor, target: float) -> Tensor:
    """η [S] for the next step, given the KL [S] of this one."""
    lowered = torch.where(divergence > 2 * target, step_size / 1.5, step_size)
    adjusted = torch.where(divergence < target / 2, 1.5 * step_size, lowered)
    return adjusted.clamp(*STEP_SIZE_BOUNDS)


def start(learner: ActorCritic[Hyperparameters]) -> None:
    """Set every seed's η to the declared value."""
    learner.memory["step_size"] = learner.annealed(learner.hyperparameters.learning_rate)


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Take the advantage rung's step of size η, then adapt η."""
    rate = learner.memory["step_size"]
    report = advantage.update(learner, batch, rate)
    next_rate = adapted(rate, report["kl_mean"].to(rate), learner.hyperparameters.kl_target)
    learner.memory["step_size"] = torch.where(learner.active, next_rate, rate)
    return report


ALGORITHM = Algorithm(
    name="adaptive_policy_gradient",
    title="Vanilla PG, Adaptive",
    equation="1/T Σₜ Â(sₜ,aₜ) log p_θ(aₜ|sₜ), step size by KL",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    start=start,
)
