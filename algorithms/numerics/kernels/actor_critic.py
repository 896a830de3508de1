"""The gradient of actor and critic on some samples of one seed, and the updates made of it.

What a rung maximises stands beside its equation as `slope`; everything else is here: gather,
forward, loss, backward, clip, Adam, one seed from its first minibatch to its last.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from algorithms.numerics.compilation import compiled
from algorithms.numerics.kernels.distributions import (
    divergence,
    entropy,
    invert_deviation,
    log_probability,
    read,
    unread,
)
from algorithms.numerics.kernels.optimizers import adam, clipped_share, norm, rmsprop
from algorithms.numerics.kernels.perceptron import (
    Network,
    backward,
    forward,
    network_size,
    outputs_place,
    room_for,
)

ZERO: Final = np.float32(0)
ONE: Final = np.float32(1)
HALF: Final = np.float32(0.5)
TINY: Final = np.float32(1e-8)
BLOCK: Final = 64


class Memory(NamedTuple):
    """Parameters (policy's network, log σ, critic's network), an optimiser's memory, its steps.

    `steps` are two: of the policy's columns and of the critic's.
    """

    parameters: np.ndarray
    first: np.ndarray
    second: np.ndarray
    steps: np.ndarray


class Samples(NamedTuple):
    """B steps: observations [B, O], actions [B, A or 1], φ of θ' [B, K], and what a critic says.

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


class Optimizer(NamedTuple):
    """ε, bound of the norm, whether actor and critic have one norm together, step sizes.

    RMSProp with `decay` and ε `inside` the root or not, where `decay` isn't negative; else Adam.
    """

    epsilon: float
    norm_clip: float
    together: bool = True
    decay: float = -1.0
    inside: bool = False
    actor_rate: float = 0.0
    critic_rate: float = 0.0


def slope(*terms: Any) -> Any:
    """Stand in for a rung's own."""
    raise NotImplementedError


@compiled
def of_ratio(
    ratio: Any, advantage: Any, numbers: np.ndarray, old: np.ndarray, new: np.ndarray,
    precision: np.ndarray,
) -> Any:  # fmt: skip
    """∂/∂ρ and ∂/∂KL of an objective that is made of ρ and A."""
    return slope(ratio, advantage, numbers), ZERO


@compiled
def of_ratio_and_divergence(
    ratio: Any, advantage: Any, numbers: np.ndarray, old: np.ndarray, new: np.ndarray,
    precision: np.ndarray,
) -> Any:  # fmt: skip
    """∂/∂ρ and ∂/∂KL of an objective that is made of ρ, A and KL(θ' ‖ θ)."""
    return slope(ratio, advantage, divergence(old, new, precision), numbers)


slopes = of_ratio
"""Which of the two an update takes."""


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
    """Loss of a value, as `algorithms.surrogate.value_loss`, and its slope."""
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
def step(
    memory: Memory, gradient: np.ndarray, optimizer: Optimizer, policy_size: int
) -> np.float32:
    """Clip the gradient and go down it; its norm, or the actor's where each has its own."""
    bound = np.float32(optimizer.norm_clip)
    size = gradient.size if optimizer.together else policy_size
    length = norm(gradient[:size])
    share = clipped_share(length, bound)
    for part in range(2):
        begin, end = (0, policy_size) if part == 0 else (policy_size, gradient.size)
        if part == 1 and not optimizer.together:
            share = clipped_share(norm(gradient[begin:]), bound)
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


@compiled
def update_actor_critic(
    memory: Memory, actor: Network, critic: Network, log_stds: int, samples: Samples,
    order: np.ndarray, size: int, numbers: np.ndarray, loss: Loss, optimizer: Optimizer,
) -> tuple[np.float32, np.float32]:  # fmt: skip
    """All minibatch steps of one seed on one batch; its last value loss and gradient norm.

    Args:
        log_stds: A, or 0 where actions are choices.
        order: places of samples, `size` of them a minibatch.
        numbers: what `slope` is given.
    """
    parameters, gradient = memory.parameters, np.zeros_like(memory.parameters)
    policy_size = network_size(actor) + log_stds
    log_std = parameters[network_size(actor) : policy_size]
    of_log_std = gradient[network_size(actor) : policy_size]
    old = old_log_probabilities(samples, log_stds)
    acting, judging = room_for(actor, size), room_for(critic, size)
    inputs, outputs = samples.observations.shape[1], actor.sizes[-1]
    out, predicted = outputs_place(actor, size), outputs_place(critic, size)
    advantages, phi = np.zeros(size, np.float32), np.zeros(outputs + log_stds, np.float32)
    precision, share = np.zeros(log_stds, np.float32), ONE / np.float32(size)
    value_weight, value_clip = np.float32(loss.value_weight), np.float32(loss.value_clip)
    of_entropy = np.float32(-loss.entropy_weight) * share
    value_loss, length = ZERO, ZERO
    for start in range(0, order.size, size):
        rows = order[start : start + size]
        # Gather.
        for i in range(size):
            acting.values[i * inputs : (i + 1) * inputs] = samples.observations[rows[i]]
            advantages[i] = samples.advantages[rows[i]]
        judging.values[: size * inputs] = acting.values[: size * inputs]
        if loss.standardised:
            standardise(advantages)
        # Forward.
        forward(parameters, actor, acting, size)
        forward(parameters[policy_size:], critic, judging, size)
        # Loss: −E[objective] + c_v · value loss − c_e · entropy, by its slopes.
        invert_deviation(log_std, precision)
        of_log_std[:] = ZERO
        value_loss = ZERO
        for i in range(size):
            row = rows[i]
            action, before = samples.actions[row], samples.statistics[row]
            place = out + i * outputs
            read(acting.values[place : place + outputs], log_std, phi)
            ratio = np.float32(math.exp(log_probability(phi, action, precision) - old[row]))
            upward = slopes(ratio, advantages[i], numbers, before, phi, precision)
            of_log_probability = np.float32(-upward[0] * ratio) * share
            of_terms = of_log_probability, np.float32(-upward[1]) * share, of_entropy
            of_outputs = acting.slopes[place : place + outputs]
            unread(before, phi, action, precision, of_terms, of_outputs, of_log_std)
            error, of_value = value_slope(
                judging.values[predicted + i], samples.targets[row], samples.values[row], value_clip
            )
            judging.slopes[predicted + i] = value_weight * share * of_value
            value_loss += error * share
        # Backward.
        backward(parameters, actor, acting, size, gradient)
        backward(parameters[policy_size:], critic, judging, size, gradient[policy_size:])
        # Clip, and step.
        length = step(memory, gradient, optimizer, policy_size)
    return value_loss, length


@compiled
def old_log_probabilities(samples: Samples, log_stds: int) -> np.ndarray:
    """log p_θ'(a|s) [B]."""
    precision = np.zeros(log_stds, np.float32)
    old = np.zeros(len(samples.observations), np.float32)
    for i in range(old.size):
        before = samples.statistics[i]
        invert_deviation(before[before.size - log_stds :], precision)
        old[i] = log_probability(before, samples.actions[i], precision)
    return old


@compiled
def fit_values(
    memory: Memory, critic: Network, observations: np.ndarray, targets: np.ndarray,
    order: np.ndarray, size: int, rate: float, epsilon: float,
) -> np.float32:  # fmt: skip
    """All minibatch steps of one seed's critic, regressed on `targets` [B]; the last loss.

    Args:
        memory: of the critic's columns alone.
    """
    parameters, gradient = memory.parameters, np.zeros_like(memory.parameters)
    room, inputs = room_for(critic, size), observations.shape[1]
    predicted, share = outputs_place(critic, size), ONE / np.float32(size)
    loss = ZERO
    for start in range(0, order.size, size):
        rows = order[start : start + size]
        for i in range(size):
            room.values[i * inputs : (i + 1) * inputs] = observations[rows[i]]
        forward(parameters, critic, room, size)
        loss = ZERO
        for i in range(size):
            error = room.values[predicted + i] - targets[rows[i]]
            room.slopes[predicted + i] = share * error
            loss += HALF * share * error * error
        backward(parameters, critic, room, size, gradient)
        memory.steps[0] += 1
        moments = memory.first, memory.second
        adam(parameters, gradient, moments, memory.steps[0], rate, epsilon, ONE)
    return loss


@compiled
def outputs_of(
    parameters: np.ndarray, network: Network, observations: np.ndarray, outputs: np.ndarray
) -> None:
    """Write a network's outputs [B, out] of observations [B, O]."""
    inputs, count = observations.shape[1], network.sizes[-1]
    room = room_for(network, BLOCK)
    for start in range(0, len(observations), BLOCK):
        rows = min(BLOCK, len(observations) - start)
        for i in range(rows):
            room.values[i * inputs : (i + 1) * inputs] = observations[start + i]
        forward(parameters, network, room, rows)
        out = outputs_place(network, rows)
        for i in range(rows):
            outputs[start + i] = room.values[out + i * count : out + (i + 1) * count]


@compiled
def trajectory_gradients(
    parameters: np.ndarray, actor: Network, log_stds: int, observations: np.ndarray,
    actions: np.ndarray, valid: np.ndarray, weights: np.ndarray, gradients: np.ndarray,
) -> None:  # fmt: skip
    """Write ∇ Σₜ wₜ log p(aₜ|sₜ) of every slot of one seed, [N, P].

    Args:
        observations: [T, N, O]; actions: [T, N, A or 1]; valid, weights: [T, N].
    """
    ticks, slots, inputs = observations.shape
    outputs, actor_size = actor.sizes[-1], network_size(actor)
    log_std, precision = parameters[actor_size:], np.zeros(log_stds, np.float32)
    invert_deviation(log_std, precision)
    room, phi = room_for(actor, BLOCK), np.zeros(outputs + log_stds, np.float32)
    gradient, chosen = np.zeros_like(parameters), np.zeros(BLOCK, np.int64)
    for slot in range(slots):
        total = gradients[slot]
        total[:] = ZERO
        tick = 0
        while tick < ticks:
            rows = 0
            while tick < ticks and rows < BLOCK:
                if valid[tick, slot]:
                    room.values[rows * inputs : (rows + 1) * inputs] = observations[tick, slot]
                    chosen[rows] = tick
                    rows += 1
                tick += 1
            forward(parameters, actor, room, rows)
            out = outputs_place(actor, rows)
            gradient[actor_size:] = ZERO
            for i in range(rows):
                place = out + i * outputs
                action, weight = actions[chosen[i], slot], weights[chosen[i], slot]
                read(room.values[place : place + outputs], log_std, phi)
                of_outputs = room.slopes[place : place + outputs]
                of_terms = weight, ZERO, ZERO
                unread(phi, phi, action, precision, of_terms, of_outputs, gradient[actor_size:])
            backward(parameters, actor, room, rows, gradient)
            for i in range(total.size):
                total[i] += gradient[i]


@compiled
def changes(
    parameters: np.ndarray, actor: Network, log_stds: int, samples: Samples, found: np.ndarray
) -> None:
    """Write log ρ, KL(θ' ‖ θ) and H(θ) of one seed's steps, [3, B]."""
    outputs, actor_size = actor.sizes[-1], network_size(actor)
    log_std, precision = parameters[actor_size:], np.zeros(log_stds, np.float32)
    invert_deviation(log_std, precision)
    rows = np.zeros((len(samples.observations), outputs), np.float32)
    outputs_of(parameters, actor, samples.observations, rows)
    phi, old = np.zeros(outputs + log_stds, np.float32), old_log_probabilities(samples, log_stds)
    for i in range(len(rows)):
        read(rows[i], log_std, phi)
        found[0, i] = log_probability(phi, samples.actions[i], precision) - old[i]
        found[1, i] = divergence(samples.statistics[i], phi, precision)
        found[2, i] = entropy(phi, precision)
