"""Updates of one seed's actor and critic, and the diagnostics of how far the policy has moved.

A minibatch is gather, forward, loss, backward, clip, Adam; one call runs all of a seed's.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from algorithms.numerics.compilation import allocating
from algorithms.numerics.kernels.constants import HALF, ONE, ZERO
from algorithms.numerics.kernels.distributions import (
    divergence,
    entropy,
    invert_deviation,
    log_probability,
    read,
    unread,
)
from algorithms.numerics.kernels.losses import (
    Loss,
    Samples,
    all_samples,
    differentiate,
    gather,
    gather_turned,
    standardise,
    terms_of,
)
from algorithms.numerics.kernels.optimizers import (
    LINE,
    Memory,
    Optimizer,
    adam,
    aligned,
    at_work,
    copy,
    step,
)
from algorithms.numerics.kernels.perceptron import (
    Network,
    backward,
    forward,
    network_size,
    outputs_place,
    room_for,
)

BLOCK: Final = 64


@allocating
def update_actor_critic(
    memory: Memory, actor: Network, critic: Network, log_stds: int, samples: Samples,
    order: np.ndarray, size: int, numbers: np.ndarray, loss: Loss, optimizer: Optimizer,
) -> tuple[np.float32, np.float32]:  # fmt: skip
    """Take all minibatch steps of one seed; return its last value loss and gradient norm.

    Args:
        log_stds: A, or 0 for discrete actions.
        order: sample indices; every `size` of them are a minibatch.
        numbers: the last argument of `slope`.
    """
    policy_size = network_size(actor) + log_stds
    critic_begin = -(-policy_size // LINE) * LINE
    work = at_work(memory, policy_size, critic_begin)
    parameters, gradient = work.parameters, aligned(work.parameters.size)
    log_std = parameters[network_size(actor) : policy_size]
    of_log_std = gradient[network_size(actor) : policy_size]
    actor_room, critic_room = room_for(actor, size), room_for(critic, size)
    actor_out, critic_out = outputs_place(actor, size), outputs_place(critic, size)
    terms, old = terms_of(samples, log_stds, size), all_samples(samples, log_stds).old
    value_loss, norm = ZERO, ZERO
    for start in range(0, order.size, size):
        rows = order[start : start + size]
        gather(samples.observations, rows, actor_room.values)
        gather(samples.observations, rows, critic_room.values)
        gather_turned(samples.actions, rows, terms.actions)
        gather_turned(samples.statistics, rows, terms.before)
        for i in range(size):
            terms.old[i], terms.advantages[i] = old[rows[i]], samples.advantages[rows[i]]
        if loss.standardised:
            standardise(terms.advantages)
        forward(parameters, actor, actor_room, size)
        forward(parameters[critic_begin:], critic, critic_room, size)
        value_loss = differentiate(
            samples, rows, terms, numbers, loss,
            actor_room.values[actor_out:], log_std, critic_room.values[critic_out:],
            actor_room.slopes[actor_out:], of_log_std, critic_room.slopes[critic_out:],
        )  # fmt: skip
        backward(parameters, actor, actor_room, size, gradient)
        backward(parameters[critic_begin:], critic, critic_room, size, gradient[critic_begin:])
        norm = step(work, gradient, optimizer, policy_size, critic_begin)
    copy(work, critic_begin, memory, policy_size, policy_size)
    return value_loss, norm


@allocating
def fit_values(
    memory: Memory, critic: Network, observations: np.ndarray, targets: np.ndarray,
    order: np.ndarray, size: int, rate: float, epsilon: float,
) -> np.float32:  # fmt: skip
    """Regress one seed's critic on `targets` [B] by minibatch steps; return the last loss.

    Args:
        memory: the critic's columns alone.
    """
    work = at_work(memory, 0, 0)
    parameters, gradient = work.parameters, aligned(work.parameters.size)
    room = room_for(critic, size)
    out, share = outputs_place(critic, size), ONE / np.float32(size)
    loss = ZERO
    for start in range(0, order.size, size):
        rows = order[start : start + size]
        gather(observations, rows, room.values)
        forward(parameters, critic, room, size)
        loss = ZERO
        for i in range(size):
            error = room.values[out + i] - targets[rows[i]]
            room.slopes[out + i] = share * error
            loss += HALF * share * error * error
        backward(parameters, critic, room, size, gradient)
        work.steps[0] += 1
        moments = work.first, work.second
        adam(parameters, gradient, moments, work.steps[0], rate, epsilon, ONE)
    copy(work, 0, memory, 0, 0)
    return loss


@allocating
def outputs_of(
    parameters: np.ndarray, network: Network, observations: np.ndarray, outputs: np.ndarray
) -> None:
    """Write a network's outputs [B, out] of observations [B, O]."""
    width = network.sizes[-1]
    room, indices = room_for(network, BLOCK), np.arange(len(observations))
    for start in range(0, indices.size, BLOCK):
        rows = indices[start : start + BLOCK]
        gather(observations, rows, room.values)
        forward(parameters, network, room, rows.size)
        out = outputs_place(network, rows.size)
        for i in range(rows.size):
            for j in range(width):
                outputs[start + i, j] = room.values[out + i * width + j]


@allocating
def trajectory_gradients(
    parameters: np.ndarray, actor: Network, log_stds: int, observations: np.ndarray,
    actions: np.ndarray, valid: np.ndarray, weights: np.ndarray, gradients: np.ndarray,
) -> None:  # fmt: skip
    """Write ∇ Σₜ wₜ log p(aₜ|sₜ) of every slot of one seed, [N, P].

    Args:
        observations: [T·N, O]; actions: [T·N, A or 1]; valid, weights: [T, N].
    """
    slots, actor_size = valid.shape[1], network_size(actor)
    log_std = parameters[actor_size:]
    room, gradient = room_for(actor, BLOCK), np.zeros_like(parameters)
    indices, slot_weights = np.zeros(len(valid), np.int64), np.zeros(len(valid), np.float32)
    for slot in range(slots):
        count = 0
        for tick in range(len(valid)):
            if valid[tick, slot]:
                indices[count], slot_weights[count] = tick * slots + slot, weights[tick, slot]
                count += 1
        slot_gradient = gradients[slot]
        slot_gradient[:] = ZERO
        for start in range(0, count, BLOCK):
            rows = indices[start : min(start + BLOCK, count)]
            gather(observations, rows, room.values)
            forward(parameters, actor, room, rows.size)
            out = outputs_place(actor, rows.size)
            phi = np.zeros((2, actor.sizes[-1] + log_stds, rows.size), np.float32)
            block_actions = np.zeros((actions.shape[1], rows.size), np.float32)
            precision = np.zeros((log_stds, rows.size), np.float32)
            invert_deviation(log_std, precision)
            gather_turned(actions, rows, block_actions)
            read(room.values[out:], log_std, phi[0])
            of_terms = (
                slot_weights[start : start + rows.size],
                np.zeros(rows.size, np.float32),
                ZERO,
            )
            unread(
                phi[0], phi[0], block_actions, precision, of_terms, phi[1],
                room.slopes[out:], gradient[actor_size:],
            )  # fmt: skip
            backward(parameters, actor, room, rows.size, gradient)
            for i in range(slot_gradient.size):
                slot_gradient[i] += gradient[i]


@allocating
def changes(
    parameters: np.ndarray, actor: Network, log_stds: int, samples: Samples, out: np.ndarray
) -> None:
    """Write log ρ, KL(θ' ‖ θ) and H(θ) of one seed's steps, [3, B]."""
    log_std, terms = parameters[network_size(actor) :], all_samples(samples, log_stds)
    invert_deviation(log_std, terms.precision)
    outputs = np.zeros((terms.old.size, actor.sizes[-1]), np.float32)
    outputs_of(parameters, actor, samples.observations, outputs)
    read(outputs.reshape(-1), log_std, terms.phi)
    log_probability(terms.phi, terms.actions, terms.precision, out[0])
    for i in range(terms.old.size):
        out[0, i] -= terms.old[i]
    divergence(terms.before, terms.phi, terms.precision, out[1])
    entropy(terms.phi, terms.precision, out[2])
