"""Updates of one seed's actor and critic, and the diagnostics of how far the policy has moved.

A minibatch is gather, forward, loss, backward, clip, Adam; one call runs all of a seed's.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from algorithms.numerics.compilation import allocating
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

ZERO: Final = np.float32(0)
ONE: Final = np.float32(1)
HALF: Final = np.float32(0.5)
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
    begin = -(-policy_size // LINE) * LINE
    work = at_work(memory, policy_size, begin)
    parameters, gradient = work.parameters, aligned(work.parameters.size)
    log_std = parameters[network_size(actor) : policy_size]
    of_log_std = gradient[network_size(actor) : policy_size]
    acting, judging = room_for(actor, size), room_for(critic, size)
    out, predicted = outputs_place(actor, size), outputs_place(critic, size)
    terms, old = terms_of(samples, log_stds, size), all_samples(samples, log_stds).old
    value_loss, length = ZERO, ZERO
    for start in range(0, order.size, size):
        rows = order[start : start + size]
        gather(samples.observations, rows, acting.values)
        gather(samples.observations, rows, judging.values)
        gather_turned(samples.actions, rows, terms.actions)
        gather_turned(samples.statistics, rows, terms.before)
        for i in range(size):
            terms.old[i], terms.advantages[i] = old[rows[i]], samples.advantages[rows[i]]
        if loss.standardised:
            standardise(terms.advantages)
        forward(parameters, actor, acting, size)
        forward(parameters[begin:], critic, judging, size)
        value_loss = differentiate(
            samples, rows, terms, numbers, loss,
            acting.values[out:], log_std, judging.values[predicted:],
            acting.slopes[out:], of_log_std, judging.slopes[predicted:],
        )  # fmt: skip
        backward(parameters, actor, acting, size, gradient)
        backward(parameters[begin:], critic, judging, size, gradient[begin:])
        length = step(work, gradient, optimizer, policy_size, begin)
    copy(work, begin, memory, policy_size, policy_size)
    return value_loss, length


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
    predicted, share = outputs_place(critic, size), ONE / np.float32(size)
    loss = ZERO
    for start in range(0, order.size, size):
        rows = order[start : start + size]
        gather(observations, rows, room.values)
        forward(parameters, critic, room, size)
        loss = ZERO
        for i in range(size):
            error = room.values[predicted + i] - targets[rows[i]]
            room.slopes[predicted + i] = share * error
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
    count = network.sizes[-1]
    room, places = room_for(network, BLOCK), np.arange(len(observations))
    for start in range(0, places.size, BLOCK):
        rows = places[start : start + BLOCK]
        gather(observations, rows, room.values)
        forward(parameters, network, room, rows.size)
        out = outputs_place(network, rows.size)
        for i in range(rows.size):
            for j in range(count):
                outputs[start + i, j] = room.values[out + i * count + j]


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
    places, weight = np.zeros(len(valid), np.int64), np.zeros(len(valid), np.float32)
    for slot in range(slots):
        count = 0
        for tick in range(len(valid)):
            if valid[tick, slot]:
                places[count], weight[count] = tick * slots + slot, weights[tick, slot]
                count += 1
        total = gradients[slot]
        total[:] = ZERO
        for start in range(0, count, BLOCK):
            rows = places[start : min(start + BLOCK, count)]
            gather(observations, rows, room.values)
            forward(parameters, actor, room, rows.size)
            out = outputs_place(actor, rows.size)
            phi = np.zeros((2, actor.sizes[-1] + log_stds, rows.size), np.float32)
            taken = np.zeros((actions.shape[1], rows.size), np.float32)
            precision = np.zeros((log_stds, rows.size), np.float32)
            invert_deviation(log_std, precision)
            gather_turned(actions, rows, taken)
            read(room.values[out:], log_std, phi[0])
            of_terms = weight[start : start + rows.size], np.zeros(rows.size, np.float32), ZERO
            unread(
                phi[0], phi[0], taken, precision, of_terms, phi[1],
                room.slopes[out:], gradient[actor_size:],
            )  # fmt: skip
            backward(parameters, actor, room, rows.size, gradient)
            for i in range(total.size):
                total[i] += gradient[i]


@allocating
def changes(
    parameters: np.ndarray, actor: Network, log_stds: int, samples: Samples, found: np.ndarray
) -> None:
    """Write log ρ, KL(θ' ‖ θ) and H(θ) of one seed's steps, [3, B]."""
    log_std, terms = parameters[network_size(actor) :], all_samples(samples, log_stds)
    invert_deviation(log_std, terms.precision)
    outputs = np.zeros((terms.old.size, actor.sizes[-1]), np.float32)
    outputs_of(parameters, actor, samples.observations, outputs)
    read(outputs.reshape(-1), log_std, terms.phi)
    log_probability(terms.phi, terms.actions, terms.precision, found[0])
    for i in range(terms.old.size):
        found[0, i] -= terms.old[i]
    divergence(terms.before, terms.phi, terms.precision, found[1])
    entropy(terms.phi, terms.precision, found[2])
