"""Baselines to subtract from a return, and the gradient step that uses them.

    none              b = 0
    batch_mean        b = 1/N Σₘ Rᵐ
    leave_one_out     bₙ = 1/(N−1) Σ_{m≠n} Rᵐ
    moving_average    b = mean of earlier batches' means, decaying
    variance_optimal  b = Σₘ‖gᵐ‖² Rᵐ / Σₘ‖gᵐ‖²,  gᵐ = Σₜ ∇log p_θ(aₜᵐ|sₜᵐ)
    learned           b = V(sₜ), regressed on the returns of earlier batches

Means are over trajectories if a return belongs to a whole trajectory, and over steps if every step
has its own.

Source: Williams 1992; Greensmith et al. 2004 (variance-optimal); Kool et al. 2019
(leave-one-out).

b ↔ `BASELINES[name]`, broadcastable to [S, T, N]; Rᵐ ↔ `returns` [S, 1 or T, N].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.batch import Batch, mean_over_steps
from algorithms.critic import (
    explained_variance,
    fit_critic,
    in_returns,
    standardised,
    values_over_time,
)
from algorithms.hyperparameters import CriticRegression, TrajectoryHyperparameters, hyperparameter
from algorithms.policy_gradient import policy_gradient_step, trajectory_gradients

Baseline = Callable[["Learner", Batch, Tensor], Tensor]


def none(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """Return zeros of the shape of `returns`."""
    return torch.zeros_like(returns)


def batch_mean(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """Mean over trajectories, or over steps, [S, 1, 1]."""
    # Every trajectory has a first step, so a return [S, 1, N] of the whole is counted once.
    return mean_over_steps(returns, batch.valid[:, : returns.shape[1]])[:, None, None]


def leave_one_out(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """1/(N−1) Σ_{m≠n} Rᵐ [S, 1 or T, N], at every tick."""
    others = returns.sum(2, keepdim=True) - returns
    return others / (returns.shape[2] - 1)


def moving_average(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """Decaying mean of earlier batches' mean returns [S, 1, 1]; 0 for the first batch."""
    total, weight = learner.memory["return_sum"], learner.memory["return_weight"]
    average = torch.where(weight > 0, total / weight.clamp(min=1e-12), 0.0)
    decay = learner.hyperparameters.moving_average_decay
    mean = batch_mean(learner, batch, returns).flatten()
    learner.memory["return_sum"] = decay * total + (1 - decay) * mean
    learner.memory["return_weight"] = decay * weight + (1 - decay)
    return average[:, None, None]


def variance_optimal(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """Σₘ‖gᵐ‖² Rᵐ / Σₘ‖gᵐ‖² [S, 1 or T, 1]."""
    scores = trajectory_gradients(learner, batch, torch.ones_like(batch.rewards))
    square = scores.square().sum(2).unsqueeze(1)
    return (square * returns).sum(2, keepdim=True) / square.sum(2, keepdim=True)


def learned(learner: Learner, batch: Batch, returns: Tensor) -> Tensor:
    """V(sₜ) [S, T, N] in the units of the return, fitted to earlier batches only."""
    return in_returns(learner, values_over_time(learner, batch.observations))


BASELINES: Final[dict[str, Baseline]] = {
    "none": none,
    "batch_mean": batch_mean,
    "leave_one_out": leave_one_out,
    "moving_average": moving_average,
    "variance_optimal": variance_optimal,
    "learned": learned,
}


@dataclass(frozen=True, kw_only=True)
class BaselineHyperparameters(TrajectoryHyperparameters, CriticRegression):
    """The choice of the baseline b."""

    baseline: str = hyperparameter(
        "batch_mean",
        "what is subtracted from the return",
        choices=tuple(BASELINES),
        source="the lecture: b ≈ E[R(τ)]",
    )
    moving_average_decay: float = hyperparameter(
        0.9, "decay of the moving average per batch", low=0.0, high=1.0, source="this project"
    )


Learner = ActorCritic[BaselineHyperparameters]


def has_critic(hyperparameters: BaselineHyperparameters) -> bool:
    """Whether V(s) is learned."""
    return hyperparameters.baseline == "learned"


def start(learner: Learner) -> None:
    """Empty the moving average: no batch has been seen yet."""
    for name in ("return_sum", "return_weight"):
        learner.memory[name] = torch.zeros(len(learner.seeds), device=learner.device)


def step_with_baseline(learner: Learner, batch: Batch, returns: Tensor) -> dict[str, Tensor]:
    """Take one step up the gradient with R − b; then fit a learned b for the next batch.

    Args:
        returns: [S, 1, N] of whole trajectories, or [S, T, N] of steps.
    """
    h = learner.hyperparameters
    b = BASELINES[h.baseline](learner, batch, returns)
    weights = returns.expand_as(batch.rewards)
    step = policy_gradient_step(learner, batch, weights - b)
    if h.baseline == "learned":
        step["explained_variance"] = explained_variance(b, weights, batch.valid)
        step["value_loss"] = fit_critic(learner, batch, standardised(learner, batch, weights), h)
    return step
