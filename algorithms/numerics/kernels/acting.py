"""A tick of all seeds: take observations in, standardise, forward, sample; then take steps in."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from algorithms.numerics.kernels.actor_critic import network_size
from algorithms.numerics.kernels.compilation import compiled
from algorithms.numerics.kernels.distributions import read
from algorithms.numerics.kernels.perceptron import activations_size, forward, outputs_place

EPSILON: Final = 1e-8


@compiled
def take_in(
    values: np.ndarray, kept: np.ndarray, count: np.ndarray, mean: np.ndarray, variance: np.ndarray
) -> None:
    """Bring one seed's running moments up to date (Chan et al. 1979).

    Args:
        values: [B, O]; kept: bool [B], rows that count; count: [1]; mean, variance: [O].
    """
    rows = 0
    for i in range(len(kept)):
        rows += kept[i]
    if rows == 0:
        return
    added = float(rows)
    total = count[0] + added
    share = added / total
    for j in range(mean.size):
        center = 0.0
        for i in range(len(kept)):
            if kept[i]:
                center += values[i, j]
        center /= added
        squares = 0.0
        for i in range(len(kept)):
            if kept[i]:
                squares += (values[i, j] - center) ** 2
        shift = center - mean[j]
        combined = variance[j] * count[0] + squares
        variance[j] = (combined + shift * shift * (count[0] * share)) / total
        mean[j] += shift * share
    count[0] = total


@compiled
def standardise(
    values: np.ndarray, mean: np.ndarray, variance: np.ndarray, clip: float, out: np.ndarray
) -> None:
    """Write (x − mean) / √(variance + 1e-8) of one row [O], bounded to ±clip; NaN stays NaN."""
    for j in range(values.size):
        x = (values[j] - mean[j]) / math.sqrt(variance[j] + EPSILON)
        x = clip if x > clip else x
        out[j] = np.float32(-clip if x < -clip else x)


@compiled
def act(
    raw: np.ndarray,
    acting: np.ndarray,
    count: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    still: bool,
    normalised: bool,
    clip: float,
    parameters: np.ndarray,
    actor: np.ndarray,
    activation: int,
    log_stds: int,
    noise: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    tick: int,
    observations: np.ndarray,
    actions: np.ndarray,
    statistics: np.ndarray,
    sent: np.ndarray,
) -> None:
    """Write what the seeds see and do at a tick.

    Args:
        raw: observations [S, N, O]; acting: bool [S, N].
        count, mean, variance: moments of observations, [S, 1] and [S, O]; still: they stay as
            they are; normalised: observations are standardised by them, bounded to ±clip.
        parameters: [S, P], the policy's network and log σ first.
        noise: [S, N, K]; low, high: [A], between which an action is sent.
        observations [S, T, N, O], actions [S, T, N, A or 1], statistics [S, T, N, K]: written at
            `tick`; sent: [S · N, A or 1].
    """
    seeds, slots, inputs = raw.shape
    outputs, size = actor[-1], network_size(actor)
    values = np.zeros(activations_size(actor, slots), np.float32)
    out = outputs_place(actor, slots)
    for s in range(seeds):
        if normalised and not still:
            take_in(raw[s], acting[s], count[s], mean[s], variance[s])
        for n in range(slots):
            seen = observations[s, tick, n]
            if normalised:
                standardise(raw[s, n], mean[s], variance[s], clip, seen)
            else:
                seen[:] = raw[s, n]
            values[n * inputs : (n + 1) * inputs] = seen
        log_std = parameters[s, size : size + log_stds]
        forward(parameters[s], 0, actor, activation, values, slots)
        for n in range(slots):
            phi, action = statistics[s, tick, n], actions[s, tick, n]
            read(values[out + n * outputs : out + (n + 1) * outputs], log_std, phi)
            going = sent[s * slots + n]
            if log_stds == 0:
                chosen = 0
                for j in range(1, outputs):
                    if phi[j] + noise[s, n, j] > phi[chosen] + noise[s, n, chosen]:
                        chosen = j
                action[0] = going[0] = np.float32(chosen)
            else:
                for j in range(outputs):
                    x = phi[j] + math.exp(log_std[j]) * noise[s, n, j]
                    action[j] = x
                    x = low[j] if x < low[j] else x
                    going[j] = high[j] if x > high[j] else x


@compiled
def receive(
    acting: np.ndarray,
    rewards: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    last: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    normalised: bool,
    clip: float,
    once: bool,
    tick: int,
    returns: np.ndarray,
    lengths: np.ndarray,
    steps: np.ndarray,
    kept_rewards: np.ndarray,
    kept_terminated: np.ndarray,
    kept_truncated: np.ndarray,
    valid: np.ndarray,
    next_observations: np.ndarray,
    ended: np.ndarray,
    finite: np.ndarray,
) -> tuple[int, bool]:
    """Write what a tick's steps gave; how many episodes ended, and whether all is finite.

    Args:
        acting: bool [S, N], who stepped; where `once`, a slot whose episode ended acts no more.
        rewards, terminated, truncated: of the steps, [S · N]; last: observations that they led
            to, [S, N, O], standardised into `next_observations` where an episode ended.
        returns, lengths: running, [S, N]; steps: [S].
        kept_rewards, kept_terminated, kept_truncated, valid: [S, T, N], written at `tick`.
        ended: bool [S, N], written; finite: bool [S], set False where a number is not.
    """
    seeds, slots = acting.shape
    episodes, whole = 0, True
    for s in range(seeds):
        for n in range(slots):
            place = s * slots + n
            ends = (terminated[place] or truncated[place]) and acting[s, n]
            ended[s, n] = ends
            valid[s, tick, n] = acting[s, n]
            kept_rewards[s, tick, n] = rewards[place]
            kept_terminated[s, tick, n] = terminated[place]
            kept_truncated[s, tick, n] = truncated[place]
            if not acting[s, n]:
                continue
            returns[s, n] += rewards[place]
            lengths[s, n] += 1
            steps[s] += 1
            # What float32 can't hold is infinite in the batch.
            total = float(kept_rewards[s, tick, n])
            for j in range(last.shape[2]):
                total += last[s, n, j]
            if not math.isfinite(total):
                finite[s] = False
                whole = False
            if ends:
                episodes += 1
                following = next_observations[s, tick, n]
                if normalised:
                    standardise(last[s, n], mean[s], variance[s], clip, following)
                else:
                    following[:] = last[s, n]
                if once:
                    acting[s, n] = False
    return episodes, whole
