"""One seed's parameters and moments, and the optimiser steps that change them."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from algorithms.numerics.compilation import allocating, compiled

ZERO: Final = np.float32(0)
ONE: Final = np.float32(1)
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
    room = np.zeros(size + LINE, np.float32)
    return room[(-room.ctypes.data // 4) % LINE :][:size]


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
        of = i if i < policy_size else i - policy_size + source_begin
        to = i if i < policy_size else i - policy_size + target_begin
        target.parameters[to] = source.parameters[of]
        target.first[to] = source.first[of]
        target.second[to] = source.second[of]


@compiled
def add_squares(values: np.ndarray, sums: np.ndarray, lane: int) -> int:
    """Add squares to the running sums in turn, from sum `lane` on; return the sum that is next."""
    count = sums.size
    head = min((count - lane) % count, values.size)
    for j in range(head):
        sums[lane + j] += values[j] * values[j]
    whole = head + (values.size - head) // count * count
    for i in range(head, whole, count):
        part = values[i : i + count]
        for j in range(count):
            sums[j] += part[j] * part[j]
    rest = values[whole:]
    for j in range(rest.size):
        sums[j] += rest[j] * rest[j]
    return int((lane + values.size) % count)


@allocating
def norm(values: np.ndarray, more: np.ndarray) -> np.float32:
    """L2 norm of both together: squares in 64 running sums, which are then added up in order."""
    sums = np.zeros(LANES, np.float32)
    add_squares(more, sums, add_squares(values, sums, 0))
    total = ZERO
    for j in range(LANES):
        total += sums[j]
    return np.float32(math.sqrt(total))


@compiled
def clipped_share(length: np.float32, bound: np.float32) -> np.float32:
    """Return the factor that shortens a gradient of this norm to at most `bound`."""
    share = bound / (length + TINY)
    return ONE if share > ONE else share


@compiled
def adam(
    parameters: np.ndarray,
    gradient: np.ndarray,
    moments: tuple[np.ndarray, np.ndarray],
    count: float,
    rate: float,
    epsilon: float,
    share: np.float32,
) -> None:
    """Take step number `count` = 1, 2, … of Adam, down `share` · gradient.

    Source: Kingma & Ba 2015, algorithm 1, with betas 0.9 and 0.999; equal to torch.optim.Adam.
    """
    first, second = moments
    one, two = np.float32(0.9), np.float32(0.999)
    other_one, other_two = np.float32(1 - 0.9), np.float32(1 - 0.999)
    # √v̂ + ε = (√v + ε·root) / root: one division for each parameter.
    root = math.sqrt(1 - 0.999**count)
    step, small = np.float32(rate * root / (1 - 0.9**count)), np.float32(epsilon * root)
    for i in range(parameters.size):
        slope = gradient[i] * share
        first[i] = one * first[i] + other_one * slope
        second[i] = two * second[i] + other_two * slope * slope
        parameters[i] -= step * first[i] / (np.float32(math.sqrt(second[i])) + small)


@compiled
def rmsprop(
    parameters: np.ndarray,
    gradient: np.ndarray,
    square: np.ndarray,
    rate: float,
    how: tuple[float, float, bool],
    share: np.float32,
) -> None:
    """Take a step of RMSProp down `share` · gradient.

    Args:
        how: decay of the mean square, ε, and whether it is inside the root.
    """
    decay, epsilon, inside = how
    kept, added = np.float32(decay), np.float32(1 - decay)
    step, small = np.float32(rate), np.float32(epsilon)
    within, outside = (small, ZERO) if inside else (ZERO, small)
    for i in range(parameters.size):
        slope = gradient[i] * share
        square[i] = kept * square[i] + added * slope * slope
        root = np.float32(math.sqrt(square[i] + within)) + outside
        parameters[i] -= step * slope / root


@compiled
def step(
    memory: Memory, gradient: np.ndarray, optimizer: Optimizer, policy_size: int, critic_begin: int
) -> np.float32:
    """Clip the gradient and descend along it; return its norm, or the actor's if clipped apart.

    Args:
        memory, gradient: whose critic's columns begin at `critic_begin`.
    """
    bound, nothing = np.float32(optimizer.norm_clip), gradient[:0]
    of_actor, of_critic = gradient[:policy_size], gradient[critic_begin:]
    length = norm(of_actor, of_critic if optimizer.together else nothing)
    share = clipped_share(length, bound)
    for part in range(2):
        begin, end = (0, policy_size) if part == 0 else (critic_begin, gradient.size)
        if part == 1 and not optimizer.together:
            share = clipped_share(norm(of_critic, nothing), bound)
        rate = optimizer.actor_rate if part == 0 else optimizer.critic_rate
        parameters, slopes = memory.parameters[begin:end], gradient[begin:end]
        second = memory.second[begin:end]
        memory.steps[part] += 1
        if optimizer.decay < 0:
            moments = memory.first[begin:end], second
            adam(parameters, slopes, moments, memory.steps[part], rate, optimizer.epsilon, share)
        else:
            how = optimizer.decay, optimizer.epsilon, optimizer.inside
            rmsprop(parameters, slopes, second, rate, how, share)
    return length
