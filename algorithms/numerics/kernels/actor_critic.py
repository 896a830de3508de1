"""The gradient of actor and critic on some samples of one seed, and the updates made of it.

What a rung maximises stands beside its equation as `slope`; everything else is here: gather,
forward, loss, backward, clip, Adam, one seed from its first minibatch to its last.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from algorithms.numerics.kernels.compilation import compiled
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
    activations_size,
    backward,
    forward,
    outputs_place,
)

ZERO: Final = np.float32(0)
ONE: Final = np.float32(1)
HALF: Final = np.float32(0.5)
TINY: Final = np.float32(1e-8)
NOBODY: Final = np.float32(np.inf)
_BLOCK: Final = 64


def slope(
    ratio: np.float32, advantage: np.float32, divergence: np.float32, numbers: np.ndarray
) -> tuple[np.float32, np.float32]:
    """Stand in for a rung's own: ∂/∂ρ and ∂/∂KL of what it maximises."""
    raise NotImplementedError


@compiled
def network_size(sizes: np.ndarray) -> int:
    """Parameters of a network."""
    total = 0
    for layer in range(len(sizes) - 1):
        total += (sizes[layer] + 1) * sizes[layer + 1]
    return total


@compiled
def largest_layer(sizes: np.ndarray) -> int:
    """Weights of the largest layer."""
    largest = 0
    for layer in range(len(sizes) - 1):
        largest = max(largest, sizes[layer] * sizes[layer + 1])
    return largest


@compiled
def standardise(values: np.ndarray) -> None:
    """(x − mean) / (std + 1e-8) in place, 0 where all are one number.

    As `algorithms.returns.standardise` does.
    """
    count = values.size
    first = values[0]
    shift = ZERO
    for i in range(count):
        shift += values[i] - first
    shift /= np.float32(count)
    squares = ZERO
    for i in range(count):
        values[i] = (values[i] - first) - shift
        squares += values[i] * values[i]
    deviation = np.float32(math.sqrt(squares / np.float32(max(count - 1, 1)))) + TINY
    for i in range(count):
        values[i] /= deviation


@compiled
def value_slope(
    prediction: np.float32, target: np.float32, old: np.float32, clip: np.float32
) -> tuple[np.float32, np.float32]:
    """Loss of a value and its slope, as `algorithms.surrogate.value_loss` and `value_gradient`."""
    error = prediction - target
    loss = HALF * error * error
    move = prediction - old
    if abs(move) > clip:
        bounded = old + (clip if move > ZERO else -clip) - target
        if abs(bounded) > abs(error):
            return HALF * bounded * bounded, ZERO
    return loss, error


@compiled
def update_actor_critic(
    parameters: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    counts: np.ndarray,
    actor: np.ndarray,
    critic: np.ndarray,
    activation: int,
    log_stds: int,
    observations: np.ndarray,
    actions: np.ndarray,
    statistics: np.ndarray,
    advantages: np.ndarray,
    targets: np.ndarray,
    values: np.ndarray,
    order: np.ndarray,
    size: int,
    numbers: np.ndarray,
    settings: np.ndarray,
    optimizer: np.ndarray,
) -> tuple[np.float32, np.float32]:
    """All minibatch steps of one seed on one batch; its last value loss and gradient norm.

    Args:
        parameters: the policy's network, log σ, the critic's network; first, second: what the
            optimiser remembers of each; counts: [2], its steps, of policy and critic.
        actor, critic: sizes of the networks; activation: of both; log_stds: A, or 0.
        observations: [B, O]; actions: [B, A] or [B, 1]; statistics: φ of θ' [B, K]; advantages,
            targets, values: [B], the last as predicted before the update.
        order: places of samples, `size` of them a minibatch.
        numbers: what `slope` is given.
        settings: weights of value loss and entropy, how far a value may move, whether a
            minibatch's advantages are standardised.
        optimizer: step sizes of actor and critic, ε, bound of the norm, whether both have one
            norm; then, for RMSProp (else a decay of -1): its decay and whether ε is in the root.
    """
    value_weight, entropy_weight = np.float32(settings[0]), np.float32(settings[1])
    value_clip, standardised = np.float32(settings[2]), settings[3] != 0
    bound, together = np.float32(optimizer[3]), optimizer[4] != 0
    actor_size, outputs = network_size(actor), actor[-1]
    policy_size = actor_size + log_stds
    gradient = np.zeros_like(parameters)
    log_std, of_log_std = parameters[actor_size:policy_size], gradient[actor_size:policy_size]
    precision = np.empty(log_stds, np.float32)
    inputs = observations.shape[1]
    acts = np.zeros(activations_size(actor, size), np.float32)
    of_acts = np.zeros_like(acts)
    crits = np.zeros(activations_size(critic, size), np.float32)
    of_crits = np.zeros_like(crits)
    turned = np.empty(max(largest_layer(actor), largest_layer(critic)), np.float32)
    zeros = np.zeros(max(actor.max(), critic.max()), np.float32)
    phi = np.empty(statistics.shape[1], np.float32)
    advantage = np.empty(size, np.float32)
    out, predicted = outputs_place(actor, size), outputs_place(critic, size)
    share = ONE / np.float32(size)
    loss, length = ZERO, ZERO
    old = np.empty(len(observations), np.float32)
    for i in range(len(observations)):
        deviations = statistics[i, outputs : outputs + log_stds]
        invert_deviation(deviations, precision)
        old[i] = log_probability(statistics[i], actions[i], precision)
    for start in range(0, order.size, size):
        rows = order[start : start + size]
        # Gather.
        for i in range(size):
            acts[i * inputs : (i + 1) * inputs] = observations[rows[i]]
            advantage[i] = advantages[rows[i]]
        crits[: size * inputs] = acts[: size * inputs]
        if standardised:
            standardise(advantage)
        # Forward.
        forward(parameters, 0, actor, activation, acts, size)
        forward(parameters, policy_size, critic, activation, crits, size)
        # Loss: −E[objective] + c_v · value loss − c_e · entropy, and its slopes.
        invert_deviation(log_std, precision)
        of_log_std[:] = ZERO
        loss = ZERO
        for i in range(size):
            row = rows[i]
            place = out + i * outputs
            read(acts[place : place + outputs], log_std, phi)
            ratio = np.float32(math.exp(log_probability(phi, actions[row], precision) - old[row]))
            apart = divergence(statistics[row], phi, precision)
            of_ratio, of_divergence = slope(ratio, advantage[i], apart, numbers)
            unread(
                statistics[row],
                phi,
                actions[row],
                precision,
                np.float32(-of_ratio * ratio * share),
                np.float32(-of_divergence * share),
                np.float32(-entropy_weight * share),
                of_acts[place : place + outputs],
                of_log_std,
            )
            error, of_value = value_slope(
                crits[predicted + i], targets[row], values[row], value_clip
            )
            of_crits[predicted + i] = value_weight * share * of_value
            loss += error * share
        # Backward.
        backward(parameters, 0, actor, activation, acts, of_acts, size, turned, zeros, gradient)
        backward(
            parameters, policy_size, critic, activation, crits, of_crits, size,
            turned, zeros, gradient,
        )  # fmt: skip
        # Clip, and step.
        length = norm(gradient)
        actor_share = critic_share = clipped_share(length, bound)
        if not together:
            length = norm(gradient[:policy_size])
            actor_share = clipped_share(length, bound)
            critic_share = clipped_share(norm(gradient[policy_size:]), bound)
        for part in range(2):
            begin, end = (0, policy_size) if part == 0 else (policy_size, parameters.size)
            own = actor_share if part == 0 else critic_share
            counts[part] += 1
            if optimizer[5] < 0:
                adam(
                    parameters[begin:end], gradient[begin:end], first[begin:end],
                    second[begin:end], counts[part], optimizer[part], optimizer[2], own,
                )  # fmt: skip
            else:
                rmsprop(
                    parameters[begin:end], gradient[begin:end], second[begin:end],
                    optimizer[part], optimizer[5], optimizer[2], optimizer[6] != 0, own,
                )  # fmt: skip
    return loss, length


@compiled
def fit_values(
    parameters: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    counts: np.ndarray,
    critic: np.ndarray,
    activation: int,
    observations: np.ndarray,
    targets: np.ndarray,
    order: np.ndarray,
    size: int,
    rate: float,
    epsilon: float,
) -> np.float32:
    """All minibatch steps of one seed's critic, regressed on `targets` [B]; the last loss."""
    gradient = np.zeros_like(parameters)
    inputs = observations.shape[1]
    crits = np.zeros(activations_size(critic, size), np.float32)
    of_crits = np.zeros_like(crits)
    turned = np.empty(largest_layer(critic), np.float32)
    zeros = np.zeros(critic.max(), np.float32)
    predicted = outputs_place(critic, size)
    share = ONE / np.float32(size)
    loss = ZERO
    for start in range(0, order.size, size):
        rows = order[start : start + size]
        for i in range(size):
            crits[i * inputs : (i + 1) * inputs] = observations[rows[i]]
        forward(parameters, 0, critic, activation, crits, size)
        loss = ZERO
        for i in range(size):
            error = crits[predicted + i] - targets[rows[i]]
            of_crits[predicted + i] = share * error
            loss += HALF * share * error * error
        backward(parameters, 0, critic, activation, crits, of_crits, size, turned, zeros, gradient)
        counts[0] += 1
        adam(parameters, gradient, first, second, counts[0], rate, epsilon, ONE)
    return loss


@compiled
def outputs_of(
    parameters: np.ndarray,
    sizes: np.ndarray,
    activation: int,
    observations: np.ndarray,
    outputs: np.ndarray,
) -> None:
    """Write a network's outputs [B, out] of observations [B, O]."""
    inputs, count = observations.shape[1], sizes[-1]
    block = min(_BLOCK, len(observations))
    values = np.zeros(activations_size(sizes, block), np.float32)
    for start in range(0, len(observations), block):
        rows = min(block, len(observations) - start)
        for i in range(rows):
            values[i * inputs : (i + 1) * inputs] = observations[start + i]
        forward(parameters, 0, sizes, activation, values, rows)
        out = outputs_place(sizes, rows)
        for i in range(rows):
            outputs[start + i] = values[out + i * count : out + (i + 1) * count]


@compiled
def trajectory_gradients(
    parameters: np.ndarray,
    actor: np.ndarray,
    activation: int,
    log_stds: int,
    observations: np.ndarray,
    actions: np.ndarray,
    valid: np.ndarray,
    weights: np.ndarray,
    gradients: np.ndarray,
) -> None:
    """Write ∇ Σₜ wₜ log p(aₜ|sₜ) of every slot of one seed, [N, P].

    Args:
        observations: [T, N, O]; actions: [T, N, A] or [T, N, 1]; valid, weights: [T, N].
    """
    ticks, slots, inputs = observations.shape
    outputs, actor_size = actor[-1], network_size(actor)
    log_std = parameters[actor_size : actor_size + log_stds]
    precision = np.empty(log_stds, np.float32)
    invert_deviation(log_std, precision)
    values = np.zeros(activations_size(actor, _BLOCK), np.float32)
    slopes = np.zeros_like(values)
    turned = np.empty(largest_layer(actor), np.float32)
    zeros = np.zeros(actor.max(), np.float32)
    gradient = np.zeros(actor_size + log_stds, np.float32)
    of_log_std = gradient[actor_size:]
    phi = np.empty(outputs + log_stds, np.float32)
    chosen = np.empty(_BLOCK, np.int64)
    for slot in range(slots):
        total = gradients[slot]
        total[:] = ZERO
        tick = 0
        while tick < ticks:
            rows = 0
            while tick < ticks and rows < _BLOCK:
                if valid[tick, slot]:
                    values[rows * inputs : (rows + 1) * inputs] = observations[tick, slot]
                    chosen[rows] = tick
                    rows += 1
                tick += 1
            if rows == 0:
                continue
            forward(parameters, 0, actor, activation, values, rows)
            out = outputs_place(actor, rows)
            of_log_std[:] = ZERO
            for i in range(rows):
                place = out + i * outputs
                read(values[place : place + outputs], log_std, phi)
                unread(
                    phi, phi, actions[chosen[i], slot], precision, weights[chosen[i], slot],
                    ZERO, ZERO, slopes[place : place + outputs], of_log_std,
                )  # fmt: skip
            backward(
                parameters, 0, actor, activation, values, slopes, rows, turned, zeros, gradient
            )
            for i in range(total.size):
                total[i] += gradient[i]


@compiled
def changes(
    parameters: np.ndarray,
    actor: np.ndarray,
    activation: int,
    log_stds: int,
    observations: np.ndarray,
    actions: np.ndarray,
    statistics: np.ndarray,
    log_ratio: np.ndarray,
    divergences: np.ndarray,
    entropies: np.ndarray,
) -> None:
    """Write log ρ, KL(θ' ‖ θ) and H(θ), each [B], of one seed's steps.

    Args:
        observations: [B, O]; actions: [B, A] or [B, 1]; statistics: φ of θ' [B, K].
    """
    outputs, actor_size = actor[-1], network_size(actor)
    log_std = parameters[actor_size : actor_size + log_stds]
    new, old = np.empty(log_stds, np.float32), np.empty(log_stds, np.float32)
    invert_deviation(log_std, new)
    rows = np.empty((len(observations), outputs), np.float32)
    outputs_of(parameters, actor, activation, observations, rows)
    phi = np.empty(outputs + log_stds, np.float32)
    for i in range(len(observations)):
        before = statistics[i]
        read(rows[i], log_std, phi)
        invert_deviation(before[outputs : outputs + log_stds], old)
        log_ratio[i] = log_probability(phi, actions[i], new) - log_probability(
            before, actions[i], old
        )
        divergences[i] = divergence(before, phi, new)
        entropies[i] = entropy(phi, new)
