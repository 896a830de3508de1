"""The loss of a minibatch, and its derivatives in the outputs of actor and critic.

The `slope` beside a rung's equation replaces the placeholder `slope` here.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from algorithms.numerics.compilation import allocating, compiled
from algorithms.numerics.kernels.distributions import (
    divergence,
    invert_deviation,
    log_probability,
    read,
    unread,
)

ZERO: Final = np.float32(0)
ONE: Final = np.float32(1)
HALF: Final = np.float32(0.5)
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


class Room(NamedTuple):
    """Arrays of a minibatch: φ of θ' and θ and ∂/∂φ [K, B]; actions [A or 1, B]; 1/σ [A]; and, each
    [B], log p_θ', ρ, A, and the derivatives of the objective in log ρ and in KL(θ' ‖ θ)."""

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
def room_of(samples: Samples, log_stds: int, rows: int) -> Room:
    """Allocate the arrays for minibatches of `rows` samples."""
    phi, taken = (samples.statistics.shape[1], rows), (samples.actions.shape[1], rows)
    return Room(
        np.zeros(phi, np.float32), np.zeros(phi, np.float32), np.zeros(phi, np.float32),
        np.zeros(taken, np.float32), np.zeros(log_stds, np.float32), np.zeros(rows, np.float32),
        np.zeros(rows, np.float32), np.zeros(rows, np.float32), np.zeros(rows, np.float32),
        np.zeros(rows, np.float32),
    )  # fmt: skip


@allocating
def all_samples(samples: Samples, log_stds: int) -> Room:
    """Return a `Room` for all samples, with φ of θ', actions and log p_θ' filled in."""
    count, components = samples.statistics.shape
    room = room_of(samples, log_stds, count)
    gather_turned(samples.actions, np.arange(count), room.actions)
    gather_turned(samples.statistics, np.arange(count), room.before)
    invert_deviation(samples.statistics[0, components - log_stds :], room.precision)
    log_probability(room.before, room.actions, room.precision, room.old)
    return room


@compiled
def of_ratio(room: Room, numbers: np.ndarray) -> None:
    """Write ∂/∂ρ of an objective that is made of ρ and A."""
    for i in range(room.ratios.size):
        room.of_ratios[i] = slope(room.ratios[i], room.advantages[i], numbers)


@compiled
def of_ratio_and_divergence(room: Room, numbers: np.ndarray) -> None:
    """Write ∂/∂ρ and ∂/∂KL of an objective that is made of ρ, A and KL(θ' ‖ θ)."""
    divergences = room.of_divergences
    divergence(room.before, room.phi, room.precision, divergences)
    for i in range(room.ratios.size):
        terms = room.ratios[i], room.advantages[i], divergences[i], numbers
        room.of_ratios[i], divergences[i] = slope(*terms)


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
        within = clip if move > clip else (-clip if move < -clip else move)
        bounded = old + within - target
        if not abs(bounded) <= abs(error):
            return HALF * bounded * bounded, ZERO * bounded
    return HALF * error * error, error


@compiled
def differentiate(
    samples: Samples, rows: np.ndarray, room: Room, numbers: np.ndarray, loss: Loss,
    outputs: np.ndarray, log_std: np.ndarray, predicted: np.ndarray,
    of_outputs: np.ndarray, of_log_std: np.ndarray, of_predicted: np.ndarray,
) -> np.float32:  # fmt: skip
    """Write the slopes of −E[objective] + c_v · value loss − c_e · entropy; return the value loss.

    Args:
        room: holds actions, φ, log p and A of θ' at those rows.
        outputs, predicted: outputs of actor and critic at those rows, flat.
    """
    share = ONE / np.float32(rows.size)
    value_weight, value_clip = np.float32(loss.value_weight), np.float32(loss.value_clip)
    of_entropy = np.float32(-loss.entropy_weight) * share
    read(outputs, log_std, room.phi)
    invert_deviation(log_std, room.precision)
    log_probability(room.phi, room.actions, room.precision, room.ratios)
    for i in range(rows.size):
        room.ratios[i] = math.exp(room.ratios[i] - room.old[i])
    slopes(room, numbers)
    value_loss = ZERO
    for i in range(rows.size):
        room.of_ratios[i] = np.float32(-room.of_ratios[i] * room.ratios[i]) * share
        room.of_divergences[i] = -room.of_divergences[i] * share
        row = rows[i]
        error, of_value = value_slope(
            predicted[i], samples.targets[row], samples.values[row], value_clip
        )
        of_predicted[i] = value_weight * share * of_value
        value_loss += error * share
    unread(
        room.before, room.phi, room.actions, room.precision,
        (room.of_ratios, room.of_divergences, of_entropy), room.of_phi, of_outputs, of_log_std,
    )  # fmt: skip
    return value_loss
