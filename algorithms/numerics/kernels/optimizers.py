"""One seed's parameters and moments, and the optimiser steps that change them."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from algorithms.numerics.compilation import allocating, compiled
from algorithms.numerics.kernels.constants import ONE, ZERO

TINY: Final = np.float32(1e-6)
LANES: Final = 64
LINE: Final = 16
"""Numbers in a cache line."""


class Memory(NamedTuple):
    """Parameters (policy's network, log σ, critic's network), two moments of each, and steps.

    `steps` are two, of the policy's columns and of the critic's, or one of the critic alone. At
    work, the critic's columns begin a cache line, and those between are not used.
    """

    parameters: np.ndarray
    first: np.ndarray
    second: np.ndarray
    steps: np.ndarray


class Optimizer(NamedTuple):
    """ε, bound of the norm, whether actor and critic are clipped `together`, step sizes.

    A negative `decay` means Adam; else RMSProp with that `decay`, and ε `inside` the root or not.
    """

    epsilon: float
    norm_clip: float
    together: bool = True
    decay: float = -1.0
    inside: bool = False
    actor_rate: float = 0.0
    critic_rate: float = 0.0


@allocating
def aligned(size: int) -> np.ndarray:
    """Zeros that begin a cache line, so that a vector of AVX-512 lies in one: Adam took three times
    as long on arrays at different places in a line."""
    buffer = np.zeros(size + LINE, np.float32)
    return buffer[(-buffer.ctypes.data // 4) % LINE :][:size]


@allocating
def at_work(memory: Memory, policy_size: int, begin: int) -> Memory:
    """A copy of a memory with the same `steps`, in which the critic's columns begin at `begin`."""
    size = begin + memory.parameters.size - policy_size
    work = Memory(aligned(size), aligned(size), aligned(size), memory.steps)
    copy(memory, policy_size, work, begin, policy_size)
    return work


@compiled
def copy(
    source: Memory, source_begin: int, target: Memory, target_begin: int, policy_size: int
) -> None:
    """Copy parameters and moments, of which the critic's columns begin where `…_begin` says."""
    for i in range(policy_size + source.parameters.size - source_begin):
        source_index = i if i < policy_size else i - policy_size + source_begin
        target_index = i if i < policy_size else i - policy_size + target_begin
        target.parameters[target_index] = source.parameters[source_index]
        target.first[target_index] = source.first[source_index]
        target.second[target_index] = source.second[source_index]


@compiled
def add_squares(values: np.ndarray, sums: np.ndarray, lane: int) -> int:
    """Add squares to the running sums in turn, from sum `lane` on; return the sum that is next."""
    count = sums.size
    head = min((count - lane) % count, values.size)
    for j in range(head):
        sums[lane + j] += values[j] * values[j]
    body_end = head + (values.size - head) // count * count
    for i in range(head, body_end, count):
        chunk = values[i : i + count]
        for j in range(count):
            sums[j] += chunk[j] * chunk[j]
    tail = values[body_end:]
    for j in range(tail.size):
        sums[j] += tail[j] * tail[j]
    return int((lane + values.size) % count)


@allocating
def norm(first: np.ndarray, second: np.ndarray) -> np.float32:
    """L2 norm of both together: squares in 64 running sums, which are then added up in order."""
    sums = np.zeros(LANES, np.float32)
    add_squares(second, sums, add_squares(first, sums, 0))
    total = ZERO
    for j in range(LANES):
        total += sums[j]
    return np.float32(math.sqrt(total))


@compiled
def clipped_share(gradient_norm: np.float32, bound: np.float32) -> np.float32:
    """Return the factor that shortens a gradient of this norm to at most `bound`."""
    share = bound / (gradient_norm + TINY)
    return ONE if share > ONE else share


@compiled
def adam(
    parameters: np.ndarray,
    gradient: np.ndarray,
    moments: tuple[np.ndarray, np.ndarray],
    count: float,
    rate: float,
    epsilon: float,
    scale: np.float32,
) -> None:
    """Take step number `count` = 1, 2, … of Adam, down `scale` · gradient.

    Source: Kingma & Ba 2015, algorithm 1, with betas 0.9 and 0.999; equal to torch.optim.Adam.
    """
    first, second = moments
    beta1, beta2 = np.float32(0.9), np.float32(0.999)
    weight1, weight2 = np.float32(1 - 0.9), np.float32(1 - 0.999)
    # √v̂ + ε = (√v + ε·root) / root: one division for each parameter.
    root = math.sqrt(1 - 0.999**count)
    step, scaled_epsilon = np.float32(rate * root / (1 - 0.9**count)), np.float32(epsilon * root)
    for i in range(parameters.size):
        slope = gradient[i] * scale
        first[i] = beta1 * first[i] + weight1 * slope
        second[i] = beta2 * second[i] + weight2 * slope * slope
        parameters[i] -= step * first[i] / (np.float32(math.sqrt(second[i])) + scaled_epsilon)


@compiled
def rmsprop(
    parameters: np.ndarray,
    gradient: np.ndarray,
    mean_square: np.ndarray,
    rate: float,
    settings: tuple[float, float, bool],
    scale: np.float32,
) -> None:
    """Take a step of RMSProp down `scale` · gradient.

    Args:
        settings: decay of the mean square, ε, and whether it is inside the root.
    """
    decay, epsilon, inside = settings
    kept_weight, added_weight = np.float32(decay), np.float32(1 - decay)
    step, single_epsilon = np.float32(rate), np.float32(epsilon)
    inner, outer = (single_epsilon, ZERO) if inside else (ZERO, single_epsilon)
    for i in range(parameters.size):
        slope = gradient[i] * scale
        mean_square[i] = kept_weight * mean_square[i] + added_weight * slope * slope
        root = np.float32(math.sqrt(mean_square[i] + inner)) + outer
        parameters[i] -= step * slope / root


@compiled
def step(
    memory: Memory, gradient: np.ndarray, optimizer: Optimizer, policy_size: int, critic_begin: int
) -> np.float32:
    """Clip the gradient and descend along it; return its norm, or the actor's if clipped apart.

    Args:
        memory, gradient: whose critic's columns begin at `critic_begin`.
    """
    bound, empty = np.float32(optimizer.norm_clip), gradient[:0]
    of_actor, of_critic = gradient[:policy_size], gradient[critic_begin:]
    gradient_norm = norm(of_actor, of_critic if optimizer.together else empty)
    scale = clipped_share(gradient_norm, bound)
    for part in range(2):
        begin, end = (0, policy_size) if part == 0 else (critic_begin, gradient.size)
        if part == 1 and not optimizer.together:
            scale = clipped_share(norm(of_critic, empty), bound)
        rate = optimizer.actor_rate if part == 0 else optimizer.critic_rate
        parameters, slopes = memory.parameters[begin:end], gradient[begin:end]
        second = memory.second[begin:end]
        memory.steps[part] += 1
        if optimizer.decay < 0:
            moments = memory.first[begin:end], second
            adam(parameters, slopes, moments, memory.steps[part], rate, optimizer.epsilon, scale)
        else:
            settings = optimizer.decay, optimizer.epsilon, optimizer.inside
            rmsprop(parameters, slopes, second, rate, settings, scale)
    return gradient_norm
