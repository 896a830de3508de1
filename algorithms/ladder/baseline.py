"""Policy gradient with a baseline.

    ∇J(θ) ≈ 1/N Σₙ Σₜ (R(τⁿ) − b) ∇log p_θ(aₜⁿ|sₜⁿ),        b ≈ E[R(τ)]

Difference from vanilla: b. Without it, every sampled action becomes likelier wherever
rewards are positive; with it, only those of better-than-average trajectories do.

    batch_mean        b = 1/N Σₘ R(τᵐ)                       expectation (1 − 1/N) ∇J
    leave_one_out     bₙ = 1/(N−1) Σ_{m≠n} R(τᵐ)             expectation ∇J
    moving_average    b = mean of earlier batches, decaying  expectation ∇J
    variance_optimal  b = Σₘ‖gᵐ‖² R(τᵐ) / Σₘ‖gᵐ‖²            biased at small N, as it uses
                      with gᵐ = Σₜ ∇log p_θ(aₜᵐ|sₜᵐ)         the batch it is subtracted from
    learned           b = V(sₜ), regressed on R(τ) of        expectation ∇J
                      earlier batches

Source: Williams 1992; Greensmith et al. 2004 (variance-optimal); Kool et al. 2019
(leave-one-out).

b ↔ `BASELINES[name]`, each [S, T, N] or broadcastable to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.critic import explained_variance, fit_critic, predict_returns, standardised
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import (
    CriticRegression,
    TrajectoryHyperparameters,
    hyperparameter,
)
from algorithms.learner import Learner
from algorithms.policy_gradient import policy_gradient_step, trajectory_gradients
from algorithms.returns import total_return


def batch_mean(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """1/N Σₘ R(τᵐ) [S, 1, 1]."""
    return returns.mean(1)[:, None, None]


def leave_one_out(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """1/(N−1) Σ_{m≠n} R(τᵐ) [S, 1, N]."""
    others = returns.sum(1, keepdim=True) - returns
    return (others / (returns.shape[1] - 1)).unsqueeze(1)


def moving_average(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """Decaying mean of earlier batches' mean returns [S, 1, 1]; 0 for the first batch."""
    total, weight = learner.memory["return_sum"], learner.memory["return_weight"]
    average = torch.where(weight > 0, total / weight.clamp(min=1e-12), 0.0)
    decay = learner.hyperparameters.moving_average_decay  # type: ignore[attr-defined]
    learner.memory["return_sum"] = decay * total + (1 - decay) * returns.mean(1)
    learner.memory["return_weight"] = decay * weight + (1 - decay)
    return average[:, None, None]


def variance_optimal(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """Σₘ‖gᵐ‖² R(τᵐ) / Σₘ‖gᵐ‖² [S, 1, 1]."""
    ones = torch.ones_like(batch.rewards)
    scores = trajectory_gradients(learner.policy, learner.policy_parameters, batch, ones)
    square = scores.square().sum(2)
    return ((square * returns).sum(1) / square.sum(1))[:, None, None]


def learned(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """V(sₜ) [S, T, N], fitted to earlier batches only."""
    return predict_returns(learner, batch)


BASELINES: dict[str, Callable[[Learner, Batch, Tensor], Tensor]] = {
    "batch_mean": batch_mean,
    "leave_one_out": leave_one_out,
    "moving_average": moving_average,
    "variance_optimal": variance_optimal,
    "learned": learned,
}


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(TrajectoryHyperparameters, CriticRegression):
    """The choice of b."""

    baseline: str = hyperparameter(
        "batch_mean",
        "what is subtracted from the return",
        choices=tuple(BASELINES),
        source="the lecture: b ≈ E[R(τ)]",
    )
    moving_average_decay: float = hyperparameter(
        0.9, "decay of the moving average, a batch", low=0.0, high=1.0, source="this project"
    )


def weights(batch: Batch, baseline: Tensor) -> Tensor:
    """R(τⁿ) − b [S, T, N]."""
    returns = total_return(batch.rewards, batch.valid)
    return returns.unsqueeze(1).expand_as(batch.rewards) - baseline


def start(learner: Learner) -> None:
    """Nothing seen yet."""
    learner.memory["return_sum"] = torch.zeros(len(learner.seeds), device=learner.device)
    learner.memory["return_weight"] = torch.zeros(len(learner.seeds), device=learner.device)


def update(learner: Learner, batch: Batch) -> Diagnostics:
    """One step up the gradient; then the learned baseline is fitted for the next batch."""
    h = learner.hyperparameters
    assert isinstance(h, Hyperparameters)
    returns = total_return(batch.rewards, batch.valid)
    baseline = BASELINES[h.baseline](learner, batch, returns)
    step = policy_gradient_step(learner, batch, weights(batch, baseline))
    if h.baseline == "learned":
        whole = returns.unsqueeze(1).expand_as(batch.rewards)
        step["explained_variance"] = explained_variance(baseline, whole, batch.valid)
        step["value_loss"] = fit_critic(learner, batch, standardised(learner, batch, whole), h)
    return {**step, **policy_change(learner, batch)}


ALGORITHM = Algorithm(
    name="baseline",
    title="Baseline",
    equation="1/N Σₙ Σₜ (R(τⁿ) − b) log p_θ(aₜ|sₜ),  b ≈ E[R(τ)]",
    hyperparameters=Hyperparameters,
    collects="trajectories",
    update=update,
    critic=lambda h: getattr(h, "baseline", None) == "learned",
    start=start,
)
