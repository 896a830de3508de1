"""Policy gradient with reward-to-go: credit from t on, then the discount.

    ∇J(θ) ≈ 1/N Σₙ Σₜ (Gₜⁿ − b) ∇log p_θ(aₜⁿ|sₜⁿ),        Gₜ = Σ_{t'≥t} γ^{t'−t} r_{t'}

Difference from the baseline rung: an action is credited with the rewards that follow it,
not with those that came before it, which it cannot have caused; with γ < 1, less with the
later ones.
Expectation with γ = 1 and b = 0: ∇J, exactly. With γ < 1 it is Σₜ ∇log p · Gₜ without the
factor γᵗ that ∇J_γ has: not the gradient of any objective (Nota & Thomas 2020), and what
everybody uses.

    none         b = 0                                            expectation as above
    batch_mean   b = mean of Gₜ over all steps of the batch       biased by O(1/N): b holds the
                                                                  very returns it is taken from
    learned      b = V(sₜ), regressed on Gₜ of earlier batches    expectation as above

Source: Sutton et al. 2000 (policy gradient theorem); Nota & Thomas 2020, arXiv 1906.07073.

Gₜ ↔ `reward_to_go(...)` [S, T, N]; γ ↔ `discount`; b ↔ `BASELINES[name]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics, mean_over_steps
from algorithms.critic import explained_variance, fit_critic, predict_returns, standardised
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import (
    CriticRegression,
    TrajectoryHyperparameters,
    hyperparameter,
)
from algorithms.learner import Learner
from algorithms.policy_gradient import policy_gradient_step
from algorithms.returns import reward_to_go


def none(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """0."""
    return torch.zeros_like(returns)


def batch_mean(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """Mean of Gₜ over the batch's steps [S, 1, 1]."""
    return mean_over_steps(returns, batch.valid)[:, None, None]


def learned(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """V(sₜ) [S, T, N], fitted to earlier batches only."""
    return predict_returns(learner, batch)


BASELINES: dict[str, Callable[[Learner, Batch, Tensor], Tensor]] = {
    "none": none,
    "batch_mean": batch_mean,
    "learned": learned,
}


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(TrajectoryHyperparameters, CriticRegression):
    """γ and the choice of b."""

    discount: float = hyperparameter(
        1.0, "γ; 1 for the undiscounted reward-to-go", low=0.0, high=1.0, source="the lecture"
    )
    baseline: str = hyperparameter(
        "batch_mean",
        "what is subtracted from the reward-to-go",
        choices=tuple(BASELINES),
        source="the lecture: b",
    )


def weights(batch: Batch, discount: float, baseline: Tensor) -> Tensor:
    """Gₜⁿ − b [S, T, N]."""
    return reward_to_go(batch.rewards, batch.valid, discount) - baseline


def update(learner: Learner, batch: Batch) -> Diagnostics:
    """One step up the gradient; then the learned baseline is fitted for the next batch."""
    h = learner.hyperparameters
    assert isinstance(h, Hyperparameters)
    returns = reward_to_go(batch.rewards, batch.valid, h.discount)
    baseline = BASELINES[h.baseline](learner, batch, returns)
    step = policy_gradient_step(learner, batch, weights(batch, h.discount, baseline))
    if h.baseline == "learned":
        step["explained_variance"] = explained_variance(baseline, returns, batch.valid)
        step["value_loss"] = fit_critic(learner, batch, standardised(learner, batch, returns), h)
    return {**step, **policy_change(learner, batch)}


ALGORITHM = Algorithm(
    name="reward_to_go",
    title="Reward-to-go",
    equation="1/N Σₙ Σₜ (Σ_{t'≥t} γ^{t'−t} r_{t'} − b) log p_θ(aₜ|sₜ)",
    hyperparameters=Hyperparameters,
    collects="trajectories",
    update=update,
    critic=lambda h: getattr(h, "baseline", None) == "learned",
)
