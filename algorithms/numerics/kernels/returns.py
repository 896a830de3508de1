"""Returns of one seed, tick by tick: the kernels of `algorithms.returns` and `normalization`."""

from __future__ import annotations

import numpy as np

from algorithms.numerics.compilation import compiled
from algorithms.numerics.kernels.constants import ZERO


@compiled
def generalized_advantage(
    rewards: np.ndarray,
    values: np.ndarray,
    next_values: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    discount: float,
    gae_lambda: float,
    advantages: np.ndarray,
) -> None:
    """Write A [T, N], given rewards, V(s), V(s') and ends, each [T, N]."""
    gamma, decay = np.float32(discount), np.float32(discount * gae_lambda)
    ticks, slots = rewards.shape
    for slot in range(slots):
        advantage = ZERO
        for tick in range(ticks - 1, -1, -1):
            next_value = ZERO if terminated[tick, slot] else next_values[tick, slot]
            error = rewards[tick, slot] + gamma * next_value - values[tick, slot]
            if terminated[tick, slot] or truncated[tick, slot]:
                advantage = ZERO
            advantage = error + decay * advantage
            advantages[tick, slot] = advantage


@compiled
def discounted_returns(
    rewards: np.ndarray, ended: np.ndarray, discount: float, carried: np.ndarray, out: np.ndarray
) -> None:
    """Write R_t = r_t + γ R_{t−1} [T, N], from `carried` [N], updated, and from 0 after an end."""
    gamma = np.float32(discount)
    ticks, slots = rewards.shape
    for slot in range(slots):
        running = carried[slot]
        for tick in range(ticks):
            running = rewards[tick, slot] + gamma * running
            out[tick, slot] = running
            if ended[tick, slot]:
                running = ZERO
        carried[slot] = running
