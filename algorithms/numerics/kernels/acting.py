"""One tick of all seeds: update moments, standardise, forward, sample; then store the steps."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from algorithms.numerics.compilation import allocating, compiled
from algorithms.numerics.kernels.distributions import read
from algorithms.numerics.kernels.perceptron import (
    Network,
    forward,
    network_size,
    outputs_place,
    room_for,
)

EPSILON: Final = 1e-8


class Normalizer(NamedTuple):
    """Number of observations `seen` [S, 1], moments [S, O]; whether those are used, or stand still.

    Standardised observations are bounded to ±clip.
    """

    seen: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    used: bool
    still: bool
    clip: float


class Batch(NamedTuple):
    """Columns of a batch [S, T, N, …]; actions [S, T, N, A], or choices [S, T, N, 1]."""

    observations: np.ndarray
    next_observations: np.ndarray
    actions: np.ndarray
    statistics: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    valid: np.ndarray


class Running(NamedTuple):
    """Running episodes: returns, lengths [S, N], steps [S]; which ended this tick, bool [S, N]."""

    returns: np.ndarray
    lengths: np.ndarray
    steps: np.ndarray
    ended: np.ndarray


@compiled
def take_in(
    values: np.ndarray, mask: np.ndarray, count: np.ndarray, mean: np.ndarray, variance: np.ndarray
) -> None:
    """Bring one seed's running moments up to date (Chan et al. 1979).

    Args:
        values: [B, O]; mask: bool [B], rows that count; count: [1]; mean, variance: [O].
    """
    rows = 0
    for i in range(len(mask)):
        rows += mask[i]
    if rows == 0:
        return
    new_count = float(rows)
    total = count[0] + new_count
    share = new_count / total
    for j in range(mean.size):
        center = 0.0
        for i in range(len(mask)):
            if mask[i]:
                center += values[i, j]
        center /= new_count
        squares = 0.0
        for i in range(len(mask)):
            if mask[i]:
                squares += (values[i, j] - center) ** 2
        shift = center - mean[j]
        combined = variance[j] * count[0] + squares
        variance[j] = (combined + shift * shift * (count[0] * share)) / total
        mean[j] += shift * share
    count[0] = total


@compiled
def deviate(normalizer: Normalizer, s: int, deviations: np.ndarray) -> None:
    """Write √(variance + 1e-8) [O] of seed s."""
    for j in range(deviations.size):
        deviations[j] = math.sqrt(normalizer.variance[s, j] + EPSILON)


@compiled
def standardise(
    values: np.ndarray, normalizer: Normalizer, s: int, deviations: np.ndarray, out: np.ndarray
) -> None:
    """Write (x − mean) / deviation of one row [O] of seed s, bounded; NaN stays NaN."""
    if not normalizer.used:
        for j in range(values.size):
            out[j] = values[j]
        return
    clip = normalizer.clip
    for j in range(values.size):
        x = (values[j] - normalizer.mean[s, j]) / deviations[j]
        x = clip if x > clip else x
        out[j] = np.float32(-clip if x < -clip else x)


@allocating
def act(
    raw: np.ndarray, acting: np.ndarray, normalizer: Normalizer, parameters: np.ndarray,
    actor: Network, log_stds: int, noise: np.ndarray, bounds: tuple[np.ndarray, np.ndarray],
    tick: int, batch: Batch, sent: np.ndarray,
) -> None:  # fmt: skip
    """Write a tick's normalised observations, φ and actions to `batch`, clipped actions to `sent`.

    Args:
        raw: observations [S, N, O]; acting: bool [S, N].
        parameters: [S, P], the policy's network and log σ first.
        noise: [S, N, K]; bounds: low and high [A], to which sent actions are clipped.
        sent: [S · N, A or 1], written.
    """
    seeds, slots, inputs = raw.shape
    outputs, size = actor.sizes[-1], network_size(actor)
    room, out = room_for(actor, slots), outputs_place(actor, slots)
    low, high = bounds
    deviations, phi = np.zeros(inputs), np.zeros((outputs + log_stds, slots), np.float32)
    for s in range(seeds):
        if normalizer.used and not normalizer.still:
            moments = normalizer.seen[s], normalizer.mean[s], normalizer.variance[s]
            take_in(raw[s], acting[s], *moments)
        deviate(normalizer, s, deviations)
        for n in range(slots):
            row = batch.observations[s, tick, n]
            standardise(raw[s, n], normalizer, s, deviations, row)
            room.values[n * inputs : (n + 1) * inputs] = row
        log_std = parameters[s, size : size + log_stds]
        forward(parameters[s], actor, room, slots)
        read(room.values[out:], log_std, phi)
        for n in range(slots):
            for j in range(len(phi)):
                batch.statistics[s, tick, n, j] = phi[j, n]
            action, sent_action = batch.actions[s, tick, n], sent[s * slots + n]
            if log_stds == 0:
                choice = 0
                for j in range(1, outputs):
                    if phi[j, n] + noise[s, n, j] > phi[choice, n] + noise[s, n, choice]:
                        choice = j
                action[0] = sent_action[0] = np.float32(choice)
            else:
                for j in range(outputs):
                    x = phi[j, n] + math.exp(log_std[j]) * noise[s, n, j]
                    action[j] = x
                    x = low[j] if x < low[j] else x
                    sent_action[j] = high[j] if x > high[j] else x


@allocating
def receive(
    acting: np.ndarray, rewards: np.ndarray, terminated: np.ndarray, truncated: np.ndarray,
    last: np.ndarray, normalizer: Normalizer, tick: int, batch: Batch, running: Running,
) -> tuple[bool, bool]:  # fmt: skip
    """Write a tick's steps; return whether an episode ended, and whether all values are finite.

    Args:
        acting: bool [S, N], which slots stepped.
        rewards, terminated, truncated: of the steps, [S · N]; last: observations that they led
            to, [S, N, O], standardised into the batch where an episode ended.
    """
    seeds, slots, inputs = last.shape
    any_ended, finite = False, True
    deviations = np.zeros(inputs)
    for s in range(seeds):
        for n in range(slots):
            row = s * slots + n
            running.ended[s, n] = ends = acting[s, n] and (terminated[row] or truncated[row])
            batch.valid[s, tick, n] = acting[s, n]
            batch.rewards[s, tick, n] = rewards[row]
            batch.terminated[s, tick, n] = terminated[row]
            batch.truncated[s, tick, n] = truncated[row]
            if not acting[s, n]:
                continue
            running.returns[s, n] += rewards[row]
            running.lengths[s, n] += 1
            running.steps[s] += 1
            # A reward beyond float32 is infinite in the batch.
            total = float(batch.rewards[s, tick, n])
            for j in range(inputs):
                total += last[s, n, j]
            # An action may be infinite although the clipped one that was sent is not.
            for j in range(batch.actions.shape[3]):
                total += batch.actions[s, tick, n, j]
            finite = finite and math.isfinite(total)
            if ends:
                any_ended = True
                deviate(normalizer, s, deviations)
                next_observation = batch.next_observations[s, tick, n]
                standardise(last[s, n], normalizer, s, deviations, next_observation)
    return any_ended, finite
