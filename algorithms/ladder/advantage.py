"""Policy gradient with the advantage of a critic.

    ∇J(θ) ≈ 1/T Σₜ A^θ(sₜ, aₜ) ∇log p_θ(aₜ|sₜ)

    A^θ(sₜ, aₜ) = Σ_l (γλ)^l (r_{t+l} + γ V(s_{t+l+1}) − V(s_{t+l}))        (GAE)

Difference from reward-to-go: what follows an action is judged by the critic V instead of
by the one sampled future; whole trajectories are no longer needed, since a cut one is
continued by V. Biased wherever V is not the value of θ; λ trades that bias for variance.

Source: Schulman et al. 2016, arXiv 1506.02438; Mnih et al. 2016, arXiv 1602.01783 (one step
per batch).

A^θ ↔ `weights(...)` [S, T, N]; λ ↔ `gae_lambda`; V ↔ the learner's critic, fitted after the
policy's step.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics, flatten
from algorithms.critic import estimate_advantages, explained_variance, fit_critic
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import (
    CriticHyperparameters,
    CriticRegression,
    TrajectoryHyperparameters,
    redeclared,
)
from algorithms.policy_gradient import policy_gradient_step
from algorithms.returns import standardise


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(CriticHyperparameters, CriticRegression):
    """A critic, and one step of the policy per batch."""

    learning_rate: float = redeclared(TrajectoryHyperparameters, "learning_rate", 1e-2)
    advantage_normalization: str = redeclared(
        CriticHyperparameters,
        "advantage_normalization",
        "batch",
        choices=("none", "batch"),
        source="as PPO's, with the batch for its minibatch",
    )


def weights(advantages: Tensor, normalization: str) -> Tensor:
    """A^θ / T [S, T, N], standardised over the batch if `normalization` is "batch"."""
    seeds, ticks, slots = advantages.shape
    if normalization == "batch":
        advantages = standardise(flatten(advantages)).view(seeds, ticks, slots)
    return advantages / ticks


def update(
    learner: ActorCritic[Hyperparameters], batch: Batch, rate: Tensor | None = None
) -> Diagnostics:
    """Take one step up the gradient, of size `rate` [S] or `learning_rate`; then fit the critic."""
    h = learner.hyperparameters
    estimates = estimate_advantages(learner, batch, h)
    step_weights = weights(estimates.advantages, h.advantage_normalization)
    values, targets = estimates.values, estimates.targets
    return {
        **policy_gradient_step(learner, batch, step_weights, rate=rate),
        "explained_variance": explained_variance(values, targets, batch.valid),
        "value_loss": fit_critic(learner, batch, targets, h),
        **policy_change(learner, batch),
    }


ALGORITHM = Algorithm(
    name="advantage",
    title="Advantage (GAE critic)",
    equation="1/T Σₜ A^θ(sₜ,aₜ) log p_θ(aₜ|sₜ)",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
)
