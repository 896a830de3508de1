"""The loss of a minibatch, and its derivatives in the outputs of actor and critic.

What a rung maximises stands beside its equation as `slope`, which is compiled in, in place of the
stand-in below.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from algorithms.numerics.compilation import allocating, compiled
from algorithms.numerics.kernels.constants import HALF, ONE, ZERO
from algorithms.numerics.kernels.distributions import (
    divergence,
    invert_deviation,
    log_probability,
    read,
    unread,
)

TINY: Final = np.float32(1e-8)


class Samples(NamedTuple):
    """B steps: observations [B, O], actions [B, A or 1], φ of θ' [B, K], a critic's estimates.

    `advantages`, `targets` and `values` are [B], the last as predicted before the update.
    """

    observations: np.ndarray
    actions: np.ndarray
    statistics: np.ndarray
    advantages: np.ndarray
    targets: np.ndarray
    values: np.ndarray


class Loss(NamedTuple):
    """Weights of value loss and entropy, how far a value may move, whether advantages are
    standardised over a minibatch."""

    value_weight: float
    entropy_weight: float
    value_clip: float = math.inf
    standardised: bool = False


@compiled
def gather(columns: np.ndarray, rows: np.ndarray, gathered: np.ndarray) -> None:
    """Write the given rows [B] of columns [any, O] one behind the other."""
    width = columns.shape[1]
    for i in range(rows.size):
        for j in range(width):
            gathered[i * width + j] = columns[rows[i], j]


@compiled
def gather_turned(columns: np.ndarray, rows: np.ndarray, gathered: np.ndarray) -> None:
    """Write the given rows [B] of columns [any, K], transposed, into [K, B]."""
    for i in range(rows.size):
        for j in range(columns.shape[1]):
            gathered[j, i] = columns[rows[i], j]


def slope(*terms: Any) -> Any:
    """Placeholder that a rung's own slope replaces (`Kernel.bind`)."""
    raise NotImplementedError


class Terms(NamedTuple):
    """What is computed of B samples: φ of θ' and θ and ∂loss/∂φ [K, B], actions [A or 1, B], 1/σ of
    θ [A, B], and [B] each: log p_θ', ρ, A, and the slopes in log p and in KL(θ' ‖ θ).

    `ratios` hold log p_θ before they hold ρ; the slopes are those of the objective in ρ and KL
    before they are those of the loss.
    """

    before: np.ndarray
    phi: np.ndarray
    of_phi: np.ndarray
    actions: np.ndarray
    precision: np.ndarray
    old: np.ndarray
    ratios: np.ndarray
    advantages: np.ndarray
    of_ratios: np.ndarray
    of_divergences: np.ndarray


@allocating
def terms_of(samples: Samples, log_stds: int, rows: int) -> Terms:
    """Return zeros for the terms of `rows` samples of this kind."""
    phi_shape, action_shape = (samples.statistics.shape[1], rows), (samples.actions.shape[1], rows)
    return Terms(
        np.zeros(phi_shape, np.float32), np.zeros(phi_shape, np.float32),
        np.zeros(phi_shape, np.float32),
        np.zeros(action_shape, np.float32), np.zeros((log_stds, rows), np.float32),
        np.zeros(rows, np.float32),
        np.zeros(rows, np.float32), np.zeros(rows, np.float32), np.zeros(rows, np.float32),
        np.zeros(rows, np.float32),
    )  # fmt: skip


@allocating
def all_samples(samples: Samples, log_stds: int) -> Terms:
    """Return the terms of all samples, filled with φ and log p of θ' and with the actions."""
    count, components = samples.statistics.shape
    terms, indices = terms_of(samples, log_stds, count), np.arange(count)
    gather_turned(samples.actions, indices, terms.actions)
    gather_turned(samples.statistics, indices, terms.before)
    for i in range(count):
        for j in range(log_stds):
            terms.precision[j, i] = math.exp(-terms.before[components - log_stds + j, i])
    log_probability(terms.before, terms.actions, terms.precision, terms.old)
    return terms


@compiled
def of_ratio(terms: Terms, numbers: np.ndarray) -> None:
    """Write ∂/∂ρ of an objective that is made of ρ and A."""
    for i in range(terms.ratios.size):
        terms.of_ratios[i] = slope(terms.ratios[i], terms.advantages[i], numbers)


@compiled
def of_ratio_and_divergence(terms: Terms, numbers: np.ndarray) -> None:
    """Write ∂/∂ρ and ∂/∂KL of an objective that is made of ρ, A and KL(θ' ‖ θ)."""
    divergences = terms.of_divergences
    divergence(terms.before, terms.phi, terms.precision, divergences)
    for i in range(terms.ratios.size):
        ratio, advantage = terms.ratios[i], terms.advantages[i]
        terms.of_ratios[i], divergences[i] = slope(ratio, advantage, divergences[i], numbers)


slopes = of_ratio
"""Placeholder that an update replaces by the one of the two functions that suits its `slope`."""


@compiled
def standardise(values: np.ndarray) -> None:
    """(x − mean) / (std + 1e-8) in place, 0 where all are one number."""
    count = np.float32(values.size)
    first = values[0]
    shift = ZERO
    for i in range(values.size):
        shift += values[i] - first
    shift /= count
    squares = ZERO
    for i in range(values.size):
        values[i] = (values[i] - first) - shift
        squares += values[i] * values[i]
    deviation = np.float32(math.sqrt(squares / max(count - ONE, ONE))) + TINY
    for i in range(values.size):
        values[i] /= deviation


@compiled
def value_slope(prediction: Any, target: Any, old: Any, clip: Any) -> Any:
    """Return the loss of a value, as `algorithms.surrogate.value_loss`, and its slope."""
    error = prediction - target
    move = prediction - old
    # A comparison with NaN is false, so that NaN goes through.
    if not abs(move) <= clip:
        clipped_move = clip if move > clip else (-clip if move < -clip else move)
        clipped_error = old + clipped_move - target
        if not abs(clipped_error) <= abs(error):
            return HALF * clipped_error * clipped_error, ZERO * clipped_error
    return HALF * error * error, error


@compiled
def differentiate(
    samples: Samples, rows: np.ndarray, terms: Terms, numbers: np.ndarray, loss: Loss,
    outputs: np.ndarray, log_std: np.ndarray, predicted: np.ndarray,
    of_outputs: np.ndarray, of_log_std: np.ndarray, of_predicted: np.ndarray,
) -> np.float32:  # fmt: skip
    """Write the slopes of −E[objective] + c_v · value loss − c_e · entropy; return the value loss.

    Args:
        rows: places of the minibatch's samples.
        terms: with actions, φ, log p and A of θ' at those rows.
        outputs, predicted: of actor and critic at those rows, flat.
        of_outputs, of_log_std, of_predicted: written, the loss's slopes in these and in log σ.
    """
    share = ONE / np.float32(rows.size)
    value_weight, value_clip = np.float32(loss.value_weight), np.float32(loss.value_clip)
    of_entropy = np.float32(-loss.entropy_weight) * share
    read(outputs, log_std, terms.phi)
    invert_deviation(log_std, terms.precision)
    log_probability(terms.phi, terms.actions, terms.precision, terms.ratios)
    for i in range(rows.size):
        terms.ratios[i] = math.exp(terms.ratios[i] - terms.old[i])
    slopes(terms, numbers)
    value_loss = ZERO
    for i in range(rows.size):
        terms.of_ratios[i] = np.float32(-terms.of_ratios[i] * terms.ratios[i]) * share
        terms.of_divergences[i] = -terms.of_divergences[i] * share
        row = rows[i]
        loss_of_value, of_value = value_slope(
            predicted[i], samples.targets[row], samples.values[row], value_clip
        )
        of_predicted[i] = value_weight * share * of_value
        value_loss += loss_of_value * share
    unread(
        terms.before, terms.phi, terms.actions, terms.precision,
        (terms.of_ratios, terms.of_divergences, of_entropy), terms.of_phi, of_outputs, of_log_std,
    )  # fmt: skip
    return value_loss
