"""Returns and advantages. Time is axis 1 of [S, T, N]; `terminated` and `truncated` stay apart."""

from __future__ import annotations

import torch
from torch import Tensor


def reward_to_go(rewards: Tensor, valid: Tensor, discount: float = 1.0) -> Tensor:
    """G_t = Σ_{t' ≥ t} γ^{t'−t} r_{t'} of trajectories that begin at tick 0.

    Args:
        rewards: [S, T, N]; valid: bool [S, T, N], a prefix of every trajectory's ticks.
        discount: γ.

    Returns:
        [S, T, N], zero where not valid. G_0 with γ = 1 is the total return R(τ).

    Source: Sutton & Barto 2018, eq. 3.8. A time limit ends τ like a terminal state: an
    estimator without a critic has nothing to continue it with.
    """
    kept = torch.where(valid, rewards, 0.0)
    following = torch.zeros_like(kept[:, 0])
    returns = torch.empty_like(kept)
    for t in range(kept.shape[1] - 1, -1, -1):
        following = kept[:, t] + discount * following
        returns[:, t] = following
    return returns


def total_return(rewards: Tensor, valid: Tensor) -> Tensor:
    """R(τ) [S, N], the undiscounted return of whole trajectories."""
    return reward_to_go(rewards, valid)[:, 0]


def generalized_advantage(
    rewards: Tensor,
    values: Tensor,
    next_values: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    discount: float,
    gae_lambda: float,
) -> Tensor:
    """A_t = Σ_l (γλ)^l δ_{t+l},  δ_t = r_t + γ V(s'_t) − V(s_t)  (GAE).

    V(s'_t) is the value of the true next observation: it counts 0 after a terminal state
    and in full after a truncation. The sum stops at the end of an episode either way.

    Args:
        rewards, values, next_values: [S, T, N]; terminated, truncated: bool [S, T, N].
        discount: γ; gae_lambda: λ.

    Returns:
        A [S, T, N]. A + V is the critic's target.

    Source: Schulman et al. 2016, arXiv 1506.02438, eqs. 12 and 16.
    """
    continuing = torch.where(terminated, 0.0, next_values)
    delta = rewards + discount * continuing - values
    carry = discount * gae_lambda * (~(terminated | truncated)).to(rewards.dtype)
    advantages = torch.empty_like(delta)
    following = torch.zeros_like(delta[:, 0])
    for t in range(delta.shape[1] - 1, -1, -1):
        following = delta[:, t] + carry[:, t] * following
        advantages[:, t] = following
    return advantages


def standardise(values: Tensor) -> Tensor:
    """(x − mean) / (std + 1e-8) over axis 1 of [S, B], seed by seed."""
    centred = values - values.mean(1, keepdim=True)
    deviation = centred.square().sum(1, keepdim=True).div(max(values.shape[1] - 1, 1)).sqrt()
    return centred / (deviation + 1e-8)
