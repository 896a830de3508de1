"""Returns and advantages. Time is axis 1 of [S, T, N]; `terminated` and `truncated` stay apart."""

from __future__ import annotations

import torch
from torch import Tensor


def discounted_sums(values: Tensor, carry: Tensor) -> Tensor:
    """x_t + c_t x_{t+1} + c_t c_{t+1} x_{t+2} + … along axis 1, [S, T, N].

    Computed by doubling: sums over 2n ticks need one product of the sums over n, so log₂ T steps
    replace a loop over T ticks (Hillis & Steele 1986). Values after a carry of 0 never enter, and
    padding with zeros changes no bit.

    Args:
        values: x; carry: c, both [S, T, N].
    """
    sums, products, reach = values.clone(), carry.clone(), 1
    while reach < values.shape[1]:
        sums[:, :-reach] += products[:, :-reach] * sums[:, reach:]
        products[:, :-reach] *= products[:, reach:].clone()
        reach *= 2
    return sums


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
    masked = torch.where(valid, rewards, 0.0)
    return discounted_sums(masked, torch.full_like(masked, discount))


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

    Source: Schulman et al. 2016, arXiv 1506.02438, eq. 16; cut where the batch ends as in
    Schulman et al. 2017, arXiv 1707.06347, eqs. 11 and 12.
    """
    continuing = torch.where(terminated, 0.0, next_values)
    delta = rewards + discount * continuing - values
    carry = discount * gae_lambda * (~(terminated | truncated)).to(rewards.dtype)
    return discounted_sums(delta, carry)


def standardise(values: Tensor) -> Tensor:
    """(x − mean) / (std + 1e-8) over axis 1 of [S, B], seed by seed.

    The variance divides by B − 1, as in torch and Stable-Baselines3; openai/baselines divides by B,
    which makes std 0.8% smaller at 64 samples.
    """
    correction = min(1, values.shape[1] - 1)
    deviation, mean = torch.std_mean(values, dim=1, keepdim=True, correction=correction)
    return (values - mean) / (deviation + 1e-8)
