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
    before, taken = single(old)[:, None], single(action).reshape(-1, 1)
    deviations, said = single(log_std), np.zeros((3, 1), np.float32)
    phi, precision = np.zeros_like(before), np.zeros_like(deviations[:, None])
    distributions.read(single(outputs), deviations, phi)
    distributions.invert_deviation(deviations, precision)
    distributions.log_probability(phi, taken, precision, said[0])
    distributions.divergence(before, phi, precision, said[1])
    distributions.entropy(phi, precision, said[2])
    of_outputs, of_log_std = np.zeros(len(outputs), np.float32), np.zeros_like(deviations)
    of_terms = single(weights[:1]), single(weights[1:2]), np.float32(weights[2])
    of_phi = np.zeros_like(phi)
    distributions.unread(before, phi, taken, precision, of_terms, of_phi, of_outputs, of_log_std)
    return double(said[:, 0]), double(of_outputs), double(of_log_std)


def passed(
    network: Perceptron, parameters: Tensor, inputs: Tensor, of_outputs: Tensor
) -> tuple[Tensor, Tensor]:
    """Outputs [B, out] of inputs [B, in], and the gradient [P] of Σ of_outputs · outputs."""
    rows, layout = len(inputs), network.for_kernels
    room, columns = room_for(layout, rows), single(parameters)
    room.values[: inputs.numel()] = single(inputs).ravel()
    forward(columns, layout, room, rows)
    out = outputs_place(layout, rows)
    end = out + of_outputs.numel()
    outputs = room.values[out:end].reshape(of_outputs.shape).copy()
    room.slopes[out:end] = single(of_outputs).ravel()
    gradient = np.zeros_like(columns)
    backward(columns, layout, room, rows, gradient)
    return double(outputs), double(gradient)


def standardised(values: Any) -> np.ndarray:
    """A minibatch's advantages [B]."""
    given = single(values)
    losses.standardise(given)
    return given


def value_loss(prediction: float, target: float, old: float, clip: float) -> tuple[float, float]:
    """The loss and its slope in the prediction."""
    numbers = (np.float32(each) for each in (prediction, target, old, clip))
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
    how = 0.99, 1e-5, inside
    optimizers.rmsprop(after, single(gradient), squares, 0.1, how, np.float32(1))
    return after


def norm(values: Any) -> float:
    """Of the whole, given in two parts."""
    given = single(values)
    return float(optimizers.norm(given[: len(given) // 3], given[len(given) // 3 :]))


def clipped_share(length: float, bound: float) -> float:
    return float(optimizers.clipped_share(np.float32(length), np.float32(bound)))


def moments(values: Any, kept: Any, clip: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and variance [O] of the rows that count, and the rows standardised by them [B, O]."""
    rows = np.array(values, dtype=np.float64)
    seen, mean, variance = np.zeros((1, 1)), np.zeros(rows.shape[1:]), np.ones(rows.shape[1:])
    acting.take_in(rows, np.array(kept), seen[0], mean, variance)
    normalizer = acting.Normalizer(seen, mean[None], variance[None], True, False, clip)
    shown, deviations = np.zeros(rows.shape, np.float32), np.zeros(rows.shape[1:])
    acting.deviate(normalizer, 0, deviations)
    for row, out in zip(rows, shown, strict=True):
        acting.standardise(row, normalizer, 0, deviations, out)
    return mean, variance, shown


def advantages(
    rewards: Any, values: Any, following: Any, ends: tuple[Any, Any], numbers: tuple[float, float]
) -> np.ndarray:
    """A [T, N]; `ends` are terminated and truncated, `numbers` γ and λ."""
    columns = (single(each) for each in (rewards, values, following))
    found = np.zeros(np.shape(rewards), np.float32)
    returns.generalized_advantage(*columns, *map(np.array, ends), *numbers, found)
    return found


def discounted_returns(rewards: Any, ended: Any, discount: float) -> np.ndarray:
    """R_t = r_t + γ R_{t−1} [T, N]."""
    given = single(rewards)
    found, before = np.zeros_like(given), np.zeros(given.shape[1], np.float32)
    returns.discounted_returns(given, np.array(ended), discount, before, found)
    return found


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
    wide = size, size, width, learner.policy.statistics_size
    columns = [np.zeros((*shape, each), np.float32) for each in wide]
    columns += [np.zeros(shape, kind) for kind in (np.float32, bool, bool, bool)]
    sent, bound = np.zeros((seeds * slots, width), np.float32), np.ones(width, np.float32)
    batch, everybody = acting.Batch(*columns), np.ones((seeds, slots), bool)
    acting.act(
        raw, everybody, normalizer, learner.parameters.numpy(), network, log_stds, noise,
        (-bound, bound), 0, batch, sent,
    )  # fmt: skip
    return [batch.observations, batch.actions, batch.statistics, sent, *moments]
