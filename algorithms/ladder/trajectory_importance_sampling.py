"""Off-policy policy gradient by importance sampling, trajectory by trajectory.

    J(θ) = E_{τ~θ'}[ p_θ(τ)/p_θ'(τ) (R(τ) − b) ],    p_θ(τ)/p_θ'(τ) = Πₜ p_θ(aₜ|sₜ) / p_θ'(aₜ|sₜ)

Difference from the per-step ratio: this one corrects the probability of the whole
trajectory (the environment's own probabilities cancel) and is therefore unbiased for ∇J at
any θ; the price is a variance that grows exponentially with the length of τ. The product is
taken in log space; a minibatch is a set of whole trajectories.
Expectation with b constant: ∇J, exactly, for every θ.

Source: Precup et al. 2000; the lecture, from on-policy to off-policy.

Πₜ ρₜ ↔ `trajectory_log_ratio(...).exp()` [S, N]; b ↔ the leave-one-out mean of the batch's
returns; K ↔ `epochs`. The diagnostics of the ratio are those of the product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics, flatten, sum_in_order
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import PAPER, TrajectoryHyperparameters, hyperparameter
from algorithms.numerics.optimizers import clip_gradient_norm
from algorithms.policies import Policy, log_ratio
from algorithms.policy_gradient import gradient_signal, in_blocks, trajectory_gradients
from algorithms.returns import total_return


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(TrajectoryHyperparameters):
    """Epochs over whole trajectories."""

    learning_rate: float = hyperparameter(3e-4, "Adam's step size", low=0.0, source=PAPER)
    epochs: int = hyperparameter(10, "passes over a batch", unit="epochs", low=1, source=PAPER)
    minibatch: int = hyperparameter(
        4,
        "trajectories of one gradient step",
        unit="trajectories",
        low=1,
        part_of="slots",
        source="this project",
    )


@torch.no_grad()
def trajectory_log_ratio(policy: Policy, parameters: Tensor, batch: Batch) -> Tensor:
    """log Πₜ p_θ(aₜ|sₜ) / p_θ'(aₜ|sₜ) [S, N], as the sum of logarithms."""
    new = in_blocks(partial(policy.statistics, parameters), batch.observations)
    flat_ratios = log_ratio(policy, new, flatten(batch.statistics), flatten(batch.actions))
    log_ratios = torch.where(batch.valid, flat_ratios.unflatten(1, batch.valid.shape[1:]), 0.0)
    seeds, ticks, slots = log_ratios.shape
    total = sum_in_order(log_ratios.transpose(1, 2).reshape(seeds * slots, ticks))
    return total.view(seeds, slots)


def weights(ratio: Tensor, returns: Tensor, baseline: Tensor, ticks: int) -> Tensor:
    """Πₜ ρₜ (R(τⁿ) − b) [S, T, N]: ∇ρ_τ = ρ_τ Σₜ ∇log p_θ(aₜ|sₜ)."""
    return (ratio * (returns - baseline)).unsqueeze(1).expand(-1, ticks, -1)


def ratio_spread(log_ratios: Tensor) -> dict[str, Tensor]:
    """Quantiles and effective sample size (a share of N) of exp(log_ratios [S, N]), each [S]."""
    logs = log_ratios.double()
    # (Σρ)² / (N Σρ²) in log space: products overflow.
    log_effective = 2 * logs.logsumexp(1) - (2 * logs).logsumexp(1) - math.log(logs.shape[1])
    levels = torch.tensor([0.01, 0.5, 0.99], dtype=logs.dtype, device=logs.device)
    low, median, high = logs.quantile(levels, dim=1).exp()
    return {
        "effective_sample_size": log_effective.exp(),
        "ratio_q01": low,
        "ratio_q50": median,
        "ratio_q99": high,
    }


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Run all epochs on one batch of whole trajectories."""
    h = learner.hyperparameters
    policy, theta = learner.policy, learner.policy_parameters
    returns = total_return(batch.rewards, batch.valid)
    baseline = (returns.sum(1, keepdim=True) - returns) / (returns.shape[1] - 1)
    ticks = batch.rewards.shape[1]
    on_policy = weights(torch.ones_like(returns), returns, baseline, ticks)
    signal = gradient_signal(trajectory_gradients(learner, batch, on_policy))
    rate = learner.annealed(h.learning_rate)
    norm = torch.zeros_like(rate)
    every_trajectory = torch.ones_like(returns, dtype=torch.bool)
    # A sample is a whole trajectory, with all its ticks.
    samples = [values.transpose(1, 2).contiguous() for values in vars(batch).values()]
    minibatches = learner.minibatches(
        every_trajectory, h.epochs, h.minibatch, [*samples, returns, baseline]
    )
    for (*columns, sample_returns, sample_baseline), active in minibatches:
        in_time = (values.transpose(1, 2) for values in columns)
        sample = Batch(**dict(zip(vars(batch), in_time, strict=True)))
        ratio = trajectory_log_ratio(policy, theta, sample).exp()
        weight = weights(ratio, sample_returns, sample_baseline, ticks)
        gradients = trajectory_gradients(learner, sample, weight)
        clipped, norm = clip_gradient_norm(gradients.mean(1), h.gradient_norm_clip)
        learner.step_policy(-clipped, rate, active)
    return {
        **signal,
        "gradient_norm": norm,
        "learning_rate": rate,
        **policy_change(learner, batch),
        **ratio_spread(trajectory_log_ratio(policy, theta, batch)),
    }


ALGORITHM = Algorithm(
    name="trajectory_importance_sampling",
    title="Importance sampling (trajectory product)",
    equation="E_{τ~θ'}[ Πₜ ρₜ (R(τ) − b) ]",
    hyperparameters=Hyperparameters,
    collects="trajectories",
    update=update,
)
