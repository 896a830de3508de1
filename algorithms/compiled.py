"""Updates by compiled kernels, one seed after the other.

Every function has a torch version in its caller's module; tests compare both with one reference.
Arrays share the memory of torch's tensors: they are the rows of one seed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.batch import Batch, Estimates
from algorithms.hyperparameters import CriticRegression, Hyperparameters, OptimizerHyperparameters
from algorithms.learner import Learner
from algorithms.numerics.kernels import actor_critic as kernels
from algorithms.numerics.kernels import losses
from algorithms.numerics.kernels.optimizers import Memory, Optimizer
from algorithms.numerics.kernels.perceptron import Network
from algorithms.numerics.networks import Perceptron
from algorithms.policies import Policy

Slope = Callable[..., Any]
"""(ρ, A, numbers) -> ∂/∂ρ of what a rung maximises, or (ρ, A, KL, numbers) -> ∂/∂ρ and ∂/∂KL.

A kernel calls it with scalars and trains by the scalars it returns; `numbers` is an array, such as
the bounds of a clip.
"""


def for_kernels(policy: Policy) -> tuple[Network, int]:
    """Return a policy's network as kernels take it, and A (0 for discrete actions)."""
    assert isinstance(policy.network, Perceptron)
    return policy.network.for_kernels, policy.log_stds


def rows_of(actions: Tensor) -> Tensor:
    """Actions float32 [..., A], or choices int64 [...] as float32 [..., 1]."""
    return actions if actions.is_floating_point() else actions.float().unsqueeze(-1)


def flat(values: Tensor) -> np.ndarray:
    """One seed's [T, N, …] as [T·N, …]."""
    array: np.ndarray = values.flatten(0, 1).contiguous().numpy()
    return array


def samples_of(batch: Batch, s: int, estimates: Estimates | None = None) -> losses.Samples:
    """One seed's steps and estimates; without `estimates` rewards fill those columns, unread."""
    step_columns = batch.observations, rows_of(batch.actions), batch.statistics
    estimate_columns = (batch.rewards,) * 3
    if estimates is not None:
        estimate_columns = estimates.advantages, estimates.targets, estimates.values
    return losses.Samples(*(flat(column[s]) for column in (*step_columns, *estimate_columns)))


def learning(learner: Learner[OptimizerHyperparameters]) -> Iterator[int]:
    """Yield the numbers of the active seeds."""
    yield from np.flatnonzero(learner.active.numpy()).tolist()


def memory_of(
    learner: Learner[OptimizerHyperparameters],
    s: int,
    columns: slice = slice(None),
    parts: slice = slice(None),
    second: Tensor | None = None,
) -> Memory:
    """One seed's parameters and optimiser state, or some columns of them, as views.

    Args:
        parts: the step counts of these columns: `POLICY`, `CRITIC` or both.
        second: [S, P], in place of Adam's second moments.
    """
    optimizer = learner.optimizer
    moments = optimizer.first_moment, optimizer.second_moment if second is None else second
    tensors = learner.parameters, *moments
    parameters, first, squares = (tensor[s, columns].numpy() for tensor in tensors)
    steps = optimizer.counts[s, parts].numpy()
    return Memory(parameters, first, squares, steps)


def values(learner: ActorCritic[Hyperparameters], s: int, observations: Tensor) -> Tensor:
    """V [T, N] of seed number `s` at observations [T, N, O]."""
    rows = flat(observations)
    out = torch.zeros(len(rows), 1)
    parameters, network = learner.critic_parameters[s].numpy(), learner.known_critic.for_kernels
    kernels.outputs_of(parameters, network, rows, out.numpy())
    return out.view(observations.shape[:-1])


def trajectory_gradients(
    learner: Learner[OptimizerHyperparameters], batch: Batch, weights: Tensor
) -> Tensor:
    """∇_θ Σₜ wₜ log p_θ(aₜ|sₜ) of every slot [S, N, P], as in `algorithms.policy_gradient`."""
    gradients = torch.zeros(len(weights), weights.shape[2], learner.policy.size)
    kernels.trajectory_gradients.over_seeds(
        learner.policy_parameters, *for_kernels(learner.policy), batch.observations.flatten(1, 2),
        rows_of(batch.actions).flatten(1, 2), batch.valid, weights, gradients,
    )  # fmt: skip
    return gradients


def fit_critic(
    learner: ActorCritic[Hyperparameters], batch: Batch, targets: Tensor, h: CriticRegression
) -> Tensor:
    """Regress V(s) on `targets` [S, T, N]; return the last losses [S]."""
    network, size = learner.known_critic.for_kernels, h.critic_minibatch
    rate, epsilon = learner.annealed(h.critic_learning_rate), learner.optimizer.epsilon
    orders = learner.orders(batch.valid.flatten(1), h.critic_epochs, size)
    last_losses = torch.zeros(len(learner.seeds))
    for s in learning(learner):
        memory = memory_of(learner, s, slice(learner.policy.size, None), slice(1, None))
        columns = flat(batch.observations[s]), flat(targets[s]), orders[s].ravel()
        loss = kernels.fit_values(memory, network, *columns, size, float(rate[s]), epsilon)
        last_losses[s] = float(loss)
    return last_losses


def update_actor_critic(
    learner: ActorCritic[Hyperparameters],
    batch: Batch,
    estimates: Estimates,
    orders: Sequence[np.ndarray],
    size: int,
    slope: Slope,
    numbers: Tensor | Sequence[float],
    loss: losses.Loss,
    optimizer: Optimizer,
    rates: tuple[Tensor, Tensor],
    mean_square: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Take all minibatch steps of all seeds; return the last value losses and gradient norms [S].

    Args:
        orders: sample indices, one array per seed; every `size` of them are a minibatch.
        numbers: the slope's last argument, one row for all seeds or one each [S, any].
        rates: step sizes of actor and critic, float64 [S].
        mean_square: mean squares of RMSProp [S, P].
    """
    actor, log_stds = for_kernels(learner.policy)
    critic = learner.known_critic.for_kernels
    with_divergence = len(inspect.signature(slope).parameters) > 3
    slopes = losses.of_ratio_and_divergence if with_divergence else losses.of_ratio
    kernel = kernels.update_actor_critic.bind(slope=slope, slopes=slopes)
    slope_numbers = torch.as_tensor(numbers, dtype=torch.float32).expand(len(learner.seeds), -1)
    results = torch.zeros(2, len(learner.seeds))
    for s in learning(learner):
        actor_rate, critic_rate = (float(rate[s]) for rate in rates)
        value_loss, norm = kernel(
            memory_of(learner, s, second=mean_square), actor, critic, log_stds,
            samples_of(batch, s, estimates), orders[s].ravel(), size,
            slope_numbers[s].contiguous().numpy(), loss,
            optimizer._replace(actor_rate=actor_rate, critic_rate=critic_rate),
        )  # fmt: skip
        results[0, s], results[1, s] = float(value_loss), float(norm)
    return results[0], results[1]


def changes(
    learner: Learner[OptimizerHyperparameters], batch: Batch
) -> tuple[Tensor, Tensor, Tensor]:
    """log ρ, KL(θ' ‖ θ) and H(θ), each [S, T·N]."""
    network, log_stds = for_kernels(learner.policy)
    results = torch.zeros(len(learner.seeds), 3, batch.valid[0].numel())
    for s in range(len(learner.seeds)):
        parameters, samples = learner.policy_parameters[s].numpy(), samples_of(batch, s)
        kernels.changes(parameters, network, log_stds, samples, results[s].numpy())
    log_ratio, divergence, entropy = results.unbind(1)
    return log_ratio, divergence, entropy
