"""Kernels of `algorithms.policies` for B actions: φ and its slopes, one component per row.

φ [K, B] of a continuous policy is μ and log σ (K = 2·A), of a discrete one log p(a = 0 … K−1);
actions [A, B] are numbers, or [1, B] the number that is the choice. `precision` is 1/σ [A, B], and
[0, B] for a discrete policy, which is how a kernel knows one. The processor works on several of the
B at once; sums for one of them are in the order of components.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from algorithms.numerics.compilation import compiled
from algorithms.numerics.kernels.constants import HALF, ONE, TWO, ZERO

HALF_LOG_TWO_PI: Final = np.float32(0.5 * math.log(2 * math.pi))


@compiled
def read(outputs: np.ndarray, log_std: np.ndarray, phi: np.ndarray) -> None:
    """Write φ, given a network's outputs, flat [B, out], and log σ [A] (empty if discrete)."""
    components, count = phi.shape
    size = components - log_std.size
    for i in range(count):
        for j in range(size):
            phi[j, i] = outputs[i * size + j]
    for j in range(log_std.size):
        for i in range(count):
            phi[size + j, i] = log_std[j]
    if log_std.size:
        return
    for i in range(count):
        largest = phi[0, i]
        for j in range(size):
            largest = phi[j, i] if phi[j, i] > largest else largest
        total = ZERO
        for j in range(size):
            total += math.exp(phi[j, i] - largest)
        shift = largest + math.log(total)
        for j in range(size):
            phi[j, i] -= shift


@compiled
def log_probability(
    phi: np.ndarray, actions: np.ndarray, precision: np.ndarray, out: np.ndarray
) -> None:
    """Write log p(a) [B], of actions that were not clipped."""
    size = len(precision)
    for i in range(out.size):
        out[i] = ZERO if size else phi[int(actions[0, i]), i]
    for j in range(size):
        for i in range(out.size):
            z = (actions[j, i] - phi[j, i]) * precision[j, i]
            out[i] -= HALF * z * z + phi[size + j, i] + HALF_LOG_TWO_PI


@compiled
def divergence(old: np.ndarray, new: np.ndarray, precision: np.ndarray, out: np.ndarray) -> None:
    """Write KL(old ‖ new) [B], in nats; `precision` is that of `new`."""
    size = len(precision)
    for i in range(out.size):
        total = ZERO
        if size == 0:
            for j in range(len(new)):
                total += math.exp(old[j, i]) * (old[j, i] - new[j, i])
        for j in range(size):
            log_std_gap = old[size + j, i] - new[size + j, i]
            distance = (old[j, i] - new[j, i]) * precision[j, i]
            total += HALF * (math.exp(TWO * log_std_gap) + distance * distance - ONE) - log_std_gap
        out[i] = total


@compiled
def entropy(phi: np.ndarray, precision: np.ndarray, out: np.ndarray) -> None:
    """Write the entropy [B], in nats (a density's where the policy is continuous)."""
    size = len(precision)
    for i in range(out.size):
        total = ZERO
        if size == 0:
            for j in range(len(phi)):
                total -= math.exp(phi[j, i]) * phi[j, i]
        for j in range(size):
            total += phi[size + j, i] + HALF + HALF_LOG_TWO_PI
        out[i] = total


Slopes = tuple[np.ndarray, np.ndarray, np.float32]
"""∂loss/∂ log p_θ(a) [B], KL(θ' ‖ θ) [B], and H(θ), the same number for all B.

Where one of the last two is 0, its term must not bring in 0 · infinity.
"""


@compiled
def of_numbers(
    old: np.ndarray, new: np.ndarray, actions: np.ndarray, precision: np.ndarray,
    of_terms: Slopes, of_phi: np.ndarray,
) -> None:  # fmt: skip
    """Write a continuous policy's ∂/∂(μ, log σ)."""
    of_log_probability, of_divergence, of_entropy = of_terms
    size = len(precision)
    for j in range(size):
        for i in range(of_divergence.size):
            z = (actions[j, i] - new[j, i]) * precision[j, i]
            of_phi[j, i] = of_log_probability[i] * z * precision[j, i]
            of_phi[size + j, i] = of_log_probability[i] * (z * z - ONE) + of_entropy
    for i in range(of_divergence.size):
        of_log, of_kl = of_log_probability[i], of_divergence[i]
        if of_kl != ZERO:
            # From the beginning: the compiler fuses a sum of two products otherwise than an update.
            for j in range(size):
                z = (actions[j, i] - new[j, i]) * precision[j, i]
                distance = (old[j, i] - new[j, i]) * precision[j, i]
                ratio = math.exp(TWO * (old[size + j, i] - new[size + j, i]))
                of_mean, of_log_std = (
                    of_log * z * precision[j, i],
                    of_log * (z * z - ONE) + of_entropy,
                )
                of_phi[j, i] = of_mean - of_kl * distance * precision[j, i]
                of_phi[size + j, i] = of_log_std + of_kl * (ONE - ratio - distance * distance)


@compiled
def of_choices(
    old: np.ndarray, new: np.ndarray, actions: np.ndarray, of_terms: Slopes, of_phi: np.ndarray
) -> None:
    """Write a discrete policy's ∂/∂logits."""
    of_log_probability, of_divergence, of_entropy = of_terms
    for i in range(of_divergence.size):
        of_log, of_kl, uncertainty = of_log_probability[i], of_divergence[i], ZERO
        if of_entropy != ZERO:
            for j in range(len(new)):
                uncertainty -= math.exp(new[j, i]) * new[j, i]
        for j in range(len(new)):
            probability = math.exp(new[j, i])
            chosen = ONE if j == int(actions[0, i]) else ZERO
            old_probability = math.exp(old[j, i]) if of_kl != ZERO else probability
            slope = of_log * (chosen - probability) + of_kl * (probability - old_probability)
            if of_entropy != ZERO:
                slope -= of_entropy * probability * (new[j, i] + uncertainty)
            of_phi[j, i] = slope


@compiled
def unread(
    old: np.ndarray, new: np.ndarray, actions: np.ndarray, precision: np.ndarray,
    of_terms: Slopes, of_phi: np.ndarray, of_outputs: np.ndarray, of_log_std: np.ndarray,
) -> None:  # fmt: skip
    """Write ∂/∂outputs, flat [B, out], and ∂/∂log σ [A], the sum over the B.

    Args:
        old, new: φ of θ' and θ; precision: 1/σ of `new`.
        of_phi: working memory [K, B] for ∂/∂φ.
    """
    size = len(precision)
    outputs = len(new) - size
    if size:
        of_numbers(old, new, actions, precision, of_terms, of_phi)
    else:
        of_choices(old, new, actions, of_terms, of_phi)
    for i in range(of_phi.shape[1]):
        for j in range(outputs):
            of_outputs[i * outputs + j] = of_phi[j, i]
    for j in range(size):
        of_log_std[j] = ZERO
        for i in range(of_phi.shape[1]):
            of_log_std[j] += of_phi[size + j, i]


@compiled
def invert_deviation(log_std: np.ndarray, precision: np.ndarray) -> None:
    """Write 1/σ [A, B] of log σ [A], the same for all B."""
    for j in range(log_std.size):
        inverse = math.exp(-log_std[j])
        for i in range(precision.shape[1]):
            precision[j, i] = inverse
