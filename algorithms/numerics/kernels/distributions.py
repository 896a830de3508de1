"""What `algorithms.policies` says of one action, a row at a time: φ of a policy and its slopes.

φ of a continuous policy is (μ, log σ) [2·A], of a discrete one log p(a = 0 … n-1) [n]; an action is
[A] numbers, or [1] number that is the choice.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from algorithms.numerics.compilation import compiled

HALF: Final = np.float32(0.5)
ZERO: Final = np.float32(0)
ONE: Final = np.float32(1)
TWO: Final = np.float32(2)
HALF_LOG_TWO_PI: Final = np.float32(0.5 * math.log(2 * math.pi))


@compiled
def read(outputs: np.ndarray, log_std: np.ndarray, phi: np.ndarray) -> None:
    """Write φ [K] of a network's outputs, and of log σ [A]; a discrete policy's is empty."""
    size = outputs.size
    if log_std.size:
        for j in range(size):
            phi[j] = outputs[j]
            phi[size + j] = log_std[j]
        return
    largest = outputs[0]
    for j in range(size):
        largest = outputs[j] if outputs[j] > largest else largest
    total = ZERO
    for j in range(size):
        total += math.exp(outputs[j] - largest)
    shift = largest + math.log(total)
    for j in range(size):
        phi[j] = outputs[j] - shift


@compiled
def log_probability(phi: np.ndarray, action: np.ndarray, precision: np.ndarray) -> Any:
    """log p(a), of an action that was not clipped.

    Args:
        precision: 1/σ [A]; empty for a discrete policy, which is how a kernel knows one.
    """
    size = precision.size
    if size == 0:
        return phi[int(action[0])]
    total = ZERO
    for j in range(size):
        z = (action[j] - phi[j]) * precision[j]
        total -= HALF * z * z + phi[size + j] + HALF_LOG_TWO_PI
    return total


@compiled
def divergence(old: np.ndarray, new: np.ndarray, precision: np.ndarray) -> np.float32:
    """KL(old ‖ new), in nats; `precision` is that of `new`."""
    size = precision.size
    total = ZERO
    if size == 0:
        for j in range(new.size):
            total += math.exp(old[j]) * (old[j] - new[j])
        return total
    for j in range(size):
        apart = old[size + j] - new[size + j]
        distance = (old[j] - new[j]) * precision[j]
        total += HALF * (math.exp(TWO * apart) + distance * distance - ONE) - apart
    return total


@compiled
def entropy(phi: np.ndarray, precision: np.ndarray) -> np.float32:
    """Entropy, in nats (a density's where the policy is continuous)."""
    size = precision.size
    total = ZERO
    if size == 0:
        for j in range(phi.size):
            total -= math.exp(phi[j]) * phi[j]
        return total
    for j in range(size):
        total += phi[size + j] + HALF + HALF_LOG_TWO_PI
    return total


@compiled
def unread(
    old: np.ndarray,
    new: np.ndarray,
    action: np.ndarray,
    precision: np.ndarray,
    of_terms: tuple[np.float32, np.float32, np.float32],
    of_outputs: np.ndarray,
    of_log_std: np.ndarray,
) -> None:
    """Write ∂/∂outputs of a sample and add to ∂/∂log σ, given its slopes in three numbers.

    Args:
        old, new: φ [K] of θ' and θ; action: [A] or [1]; precision: 1/σ of `new`.
        of_terms: slopes in log p_θ(a), KL(θ' ‖ θ) and H(θ).
    """
    of_log_probability, of_divergence, of_entropy = of_terms
    size = precision.size
    if size == 0:
        chosen = int(action[0])
        # Where its weight is 0, it must not bring in 0 · infinity.
        uncertainty = entropy(new, precision) if of_entropy != ZERO else ZERO
        for j in range(new.size):
            probability = math.exp(new[j])
            slope = of_log_probability * ((ONE if j == chosen else ZERO) - probability)
            if of_divergence != ZERO:
                slope += of_divergence * (probability - math.exp(old[j]))
            if of_entropy != ZERO:
                slope -= of_entropy * probability * (new[j] + uncertainty)
            of_outputs[j] = slope
        return
    for j in range(size):
        z = (action[j] - new[j]) * precision[j]
        of_mean = of_log_probability * z * precision[j]
        of_spread = of_log_probability * (z * z - ONE) + of_entropy
        if of_divergence != ZERO:
            distance = (old[j] - new[j]) * precision[j]
            ratio = math.exp(TWO * (old[size + j] - new[size + j]))
            of_mean -= of_divergence * distance * precision[j]
            of_spread += of_divergence * (ONE - ratio - distance * distance)
        of_outputs[j] = of_mean
        of_log_std[j] += of_spread


@compiled
def invert_deviation(log_std: np.ndarray, precision: np.ndarray) -> None:
    """Write 1/σ [A]."""
    for j in range(log_std.size):
        precision[j] = math.exp(-log_std[j])
