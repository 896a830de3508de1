"""The kernels, called one at a time on tensors: the only tests that know their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.compiled import for_kernels
from algorithms.numerics.kernels import acting, distributions, losses, optimizers, returns
from algorithms.numerics.kernels.perceptron import backward, forward, outputs_place, room_for
from algorithms.numerics.networks import Perceptron


def single(values: Any) -> np.ndarray:
    """A float32 array of its own."""
    return np.array(np.asarray(values), dtype=np.float32)


def double(values: Any) -> Tensor:
    return torch.as_tensor(np.array(values, dtype=np.float64))


def terms_of_an_action(
    outputs: Tensor, log_std: Tensor, old: Tensor, action: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """log p, KL(old ‖ new), H [3]; and slopes of their weighted sum in outputs and log σ."""
    before, action_column = single(old)[:, None], single(action).reshape(-1, 1)
    deviations, terms = single(log_std), np.zeros((3, 1), np.float32)
    phi, precision = np.zeros_like(before), np.zeros_like(deviations[:, None])
    distributions.read(single(outputs), deviations, phi)
    distributions.invert_deviation(deviations, precision)
    distributions.log_probability(phi, action_column, precision, terms[0])
    distributions.divergence(before, phi, precision, terms[1])
    distributions.entropy(phi, precision, terms[2])
    of_outputs, of_log_std = np.zeros(len(outputs), np.float32), np.zeros_like(deviations)
    of_terms = single(weights[:1]), single(weights[1:2]), np.float32(weights[2])
    of_phi = np.zeros_like(phi)
    distributions.unread(
        before, phi, action_column, precision, of_terms, of_phi, of_outputs, of_log_std
    )
    return double(terms[:, 0]), double(of_outputs), double(of_log_std)


def passed(
    network: Perceptron, parameters: Tensor, inputs: Tensor, of_outputs: Tensor
) -> tuple[Tensor, Tensor]:
    """Outputs [B, out] of inputs [B, in], and the gradient [P] of Σ of_outputs · outputs."""
    rows, layout = len(inputs), network.for_kernels
    room, columns = room_for(layout, rows), single(parameters)
    room.values[: inputs.numel()] = single(inputs).ravel()
    forward(columns, layout, room, rows)
    start = outputs_place(layout, rows)
    end = start + of_outputs.numel()
    outputs = room.values[start:end].reshape(of_outputs.shape).copy()
    room.slopes[start:end] = single(of_outputs).ravel()
    gradient = np.zeros_like(columns)
    backward(columns, layout, room, rows, gradient)
    return double(outputs), double(gradient)


def standardised(values: Any) -> np.ndarray:
    """A minibatch's advantages [B]."""
    array = single(values)
    losses.standardise(array)
    return array


def value_loss(prediction: float, target: float, old: float, clip: float) -> tuple[float, float]:
    """The loss and its slope in the prediction."""
    numbers = (np.float32(value) for value in (prediction, target, old, clip))
    loss, slope = losses.value_slope(*numbers)
    return float(loss), float(slope)


def adam(parameters: Any, gradient: Any) -> np.ndarray:
    """The parameters after a first step of 0.1."""
    after = single(parameters)
    moments = np.zeros_like(after), np.zeros_like(after)
    optimizers.adam(after, single(gradient), moments, np.float32(1), 0.1, 1e-8, np.float32(1))
    return after


def rmsprop(parameters: Any, gradient: Any, inside: bool) -> np.ndarray:
    """The parameters after a first step of 0.1."""
    after, squares = single(parameters), single(np.ones(len(gradient)))
    settings = 0.99, 1e-5, inside
    optimizers.rmsprop(after, single(gradient), squares, 0.1, settings, np.float32(1))
    return after


def norm(values: Any) -> float:
    """Of the whole, given in two parts."""
    array = single(values)
    return float(optimizers.norm(array[: len(array) // 3], array[len(array) // 3 :]))


def clipped_share(length: float, bound: float) -> float:
    return float(optimizers.clipped_share(np.float32(length), np.float32(bound)))


def moments(values: Any, mask: Any, clip: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and variance [O] of the rows that count, and the rows standardised by them [B, O]."""
    rows = np.array(values, dtype=np.float64)
    seen, mean, variance = np.zeros((1, 1)), np.zeros(rows.shape[1:]), np.ones(rows.shape[1:])
    acting.take_in(rows, np.array(mask), seen[0], mean, variance)
    normalizer = acting.Normalizer(seen, mean[None], variance[None], True, False, clip)
    normalised, deviations = np.zeros(rows.shape, np.float32), np.zeros(rows.shape[1:])
    acting.deviate(normalizer, 0, deviations)
    for row, out in zip(rows, normalised, strict=True):
        acting.standardise(row, normalizer, 0, deviations, out)
    return mean, variance, normalised


def advantages(
    rewards: Any, values: Any, next_values: Any, ends: tuple[Any, Any], numbers: tuple[float, float]
) -> np.ndarray:
    """A [T, N]; `ends` are terminated and truncated, `numbers` γ and λ."""
    columns = (single(column) for column in (rewards, values, next_values))
    estimates = np.zeros(np.shape(rewards), np.float32)
    returns.generalized_advantage(*columns, *map(np.array, ends), *numbers, estimates)
    return estimates


def discounted_returns(rewards: Any, ended: Any, discount: float) -> np.ndarray:
    """R_t = r_t + γ R_{t−1} [T, N]."""
    single_rewards = single(rewards)
    discounted, before = (
        np.zeros_like(single_rewards),
        np.zeros(single_rewards.shape[1], np.float32),
    )
    returns.discounted_returns(single_rewards, np.array(ended), discount, before, discounted)
    return discounted


def tick(learner: ActorCritic[Any]) -> list[np.ndarray]:
    """Observations as seen, actions, φ and what is sent, of a tick of all seeds and slots."""
    network, log_stds = for_kernels(learner.policy)
    seeds, slots, size = len(learner.seeds), learner.hyperparameters.slots, network.sizes[0]
    width, shape = max(log_stds, 1), (seeds, 1, slots)
    generator = np.random.default_rng(2)
    raw = 3 + 2 * generator.standard_normal((seeds, slots, size))
    noise = single(generator.standard_normal((seeds, slots, learner.policy.noise_size)))
    moments = np.zeros((seeds, 1)), np.zeros((seeds, size)), np.ones((seeds, size))
    normalizer = acting.Normalizer(*moments, True, False, 1.5)
    widths = size, size, width, learner.policy.statistics_size
    columns = [np.zeros((*shape, count), np.float32) for count in widths]
    columns += [np.zeros(shape, kind) for kind in (np.float32, bool, bool, bool)]
    sent, bound = np.zeros((seeds * slots, width), np.float32), np.ones(width, np.float32)
    batch, active = acting.Batch(*columns), np.ones((seeds, slots), bool)
    acting.act(
        raw, active, normalizer, learner.parameters.numpy(), network, log_stds, noise,
        (-bound, bound), 0, batch, sent,
    )  # fmt: skip
    return [batch.observations, batch.actions, batch.statistics, sent, *moments]
