"""What the updates do in torch, done by kernels, one seed after the other.

Everything here has its other form beside where it is called from; the tests hold the two to one
reference. Arrays are those of torch's tensors, rows of one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.batch import Batch, Estimates
from algorithms.hyperparameters import CriticRegression, Hyperparameters, OptimizerHyperparameters
from algorithms.learner import Learner
from algorithms.numerics.kernels import actor_critic as kernels
from algorithms.numerics.kernels import returns
from algorithms.numerics.networks import Perceptron
from algorithms.policies import GaussianPolicy, Policy

Slope = Callable[[float, float, float, np.ndarray], tuple[float, float]]
"""(ρ, A, KL, numbers) -> ∂/∂ρ and ∂/∂KL of what a rung maximises: what its kernel trains by."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A policy as kernels take it: sizes of its network, its activation, A or 0 log σ's."""

    sizes: np.ndarray
    activation: int
    log_stds: int


def layout_of(policy: Policy) -> Layout:
    """The layout of a policy whose network is a perceptron."""
    assert isinstance(policy.network, Perceptron)
    sizes, activation = policy.network.for_kernels
    log_stds = policy.actions if isinstance(policy, GaussianPolicy) else 0
    return Layout(sizes=sizes, activation=activation, log_stds=log_stds)


def rows_of(actions: Tensor) -> Tensor:
    """Actions float32 [..., A], or choices int64 [...] as float32 [..., 1]."""
    return actions if actions.is_floating_point() else actions.float().unsqueeze(-1)


def flat(values: Tensor) -> np.ndarray:
    """One seed's [T, N, …] as [T·N, …]."""
    array: np.ndarray = values.flatten(0, 1).contiguous().numpy()
    return array


def learning(learner: ActorCritic[Hyperparameters]) -> Iterator[int]:
    """The seeds that are active."""
    yield from np.flatnonzero(learner.active.numpy()).tolist()


def values(
    learner: ActorCritic[Hyperparameters], observations: Tensor, only: int | None = None
) -> Tensor:
    """V [S, T, N] of observations [S, T, N, O]; of one seed `only`, where it is named."""
    sizes, activation = learner.known_critic.network.for_kernels
    found = torch.zeros(observations.shape[:3])
    for s in range(len(learner.seeds)) if only is None else [only]:
        out = found[s].view(-1, 1).numpy()
        parameters = learner.critic_parameters[s].numpy()
        kernels.outputs_of(parameters, sizes, activation, flat(observations[s]), out)
    return found


def generalized_advantage(
    rewards: Tensor,
    found: Tensor,
    next_values: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    discount: float,
    gae_lambda: float,
) -> Tensor:
    """A [S, T, N], as `algorithms.returns.generalized_advantage`."""
    advantages = torch.empty_like(found)
    for s in range(len(found)):
        columns = (rewards[s], found[s], next_values[s], terminated[s], truncated[s])
        arrays: list[Any] = [each.contiguous().numpy() for each in columns]
        arrays += [discount, gae_lambda, advantages[s].numpy()]
        returns.generalized_advantage(*arrays)
    return advantages


def trajectory_gradients(
    policy: Policy, parameters: Tensor, batch: Batch, weights: Tensor
) -> Tensor:
    """∇_θ Σₜ wₜ log p_θ(aₜ|sₜ) of every slot [S, N, P], as in `algorithms.policy_gradient`."""
    layout = layout_of(policy)
    seeds, _, slots = weights.shape
    gradients = torch.zeros(seeds, slots, policy.size)
    actions, weights = rows_of(batch.actions), weights.contiguous()
    for s in range(seeds):
        kernels.trajectory_gradients(
            parameters[s].numpy(), layout.sizes, layout.activation, layout.log_stds,
            batch.observations[s].contiguous().numpy(), actions[s].contiguous().numpy(),
            batch.valid[s].contiguous().numpy(), weights[s].numpy(), gradients[s].numpy(),
        )  # fmt: skip
    return gradients


def fit_critic(
    learner: ActorCritic[Hyperparameters], batch: Batch, targets: Tensor, h: CriticRegression
) -> Tensor:
    """Regress V(s) on `targets` [S, T, N]; the last losses [S]."""
    sizes, activation = learner.known_critic.network.for_kernels
    rate = learner.annealed(h.critic_learning_rate)
    orders = learner.orders(batch.valid.flatten(1), h.critic_epochs, h.critic_minibatch)
    optimizer, columns = learner.optimizer, slice(learner.policy.size, None)
    last = torch.zeros(len(learner.seeds))
    for s in learning(learner):
        loss = kernels.fit_values(
            learner.parameters[s, columns].numpy(), optimizer.first_moment[s, columns].numpy(),
            optimizer.second_moment[s, columns].numpy(), optimizer.counts[s, 1:].numpy(),
            sizes, activation, flat(batch.observations[s]), flat(targets[s]),
            orders[s].ravel(), h.critic_minibatch, float(rate[s]), optimizer.epsilon,
        )  # fmt: skip
        last[s] = float(loss)
    return last


@dataclass(frozen=True, kw_only=True)
class Step:
    """How the optimiser of actor and critic steps; RMSProp where `decay` is not negative.

    Attributes:
        rates: of actor and critic, float64 [S].
        together: both share one norm of the gradient, else each is bounded apart.
        decay, inside, square: of RMSProp, whether ε is in the root, its mean squares [S, P].
    """

    rates: tuple[Tensor, Tensor]
    epsilon: float
    norm_clip: float
    together: bool = True
    decay: float = -1.0
    inside: bool = False
    square: Tensor | None = None


def update_actor_critic(
    learner: ActorCritic[Hyperparameters],
    batch: Batch,
    estimates: Estimates,
    orders: Sequence[np.ndarray],
    size: int,
    slope: Slope,
    numbers: Tensor,
    settings: tuple[float, float, float, bool],
    step: Step,
) -> tuple[Tensor, Tensor]:
    """All minibatch steps of all seeds; the last value losses and gradient norms, each [S].

    Args:
        orders: of each seed, places of samples, `size` of them a minibatch.
        numbers: float32 [S, …], what each seed's slope is given.
        settings: weights of value loss and entropy, how far a value may move, whether a
            minibatch's advantages are standardised.
    """
    layout = layout_of(learner.policy)
    critic, activation = learner.known_critic.network.for_kernels
    kernel = kernels.update_actor_critic.bind(slope=slope)
    optimizer, actions = learner.optimizer, rows_of(batch.actions)
    second = optimizer.second_moment if step.square is None else step.square
    losses, norms = torch.zeros(len(learner.seeds)), torch.zeros(len(learner.seeds))
    for s in learning(learner):
        rates = [float(rate[s]) for rate in step.rates]
        how = [*rates, step.epsilon, step.norm_clip, step.together, step.decay, step.inside]
        loss, norm = kernel(
            learner.parameters[s].numpy(), optimizer.first_moment[s].numpy(), second[s].numpy(),
            optimizer.counts[s].numpy(), layout.sizes, critic, activation, layout.log_stds,
            flat(batch.observations[s]), flat(actions[s]), flat(batch.statistics[s]),
            flat(estimates.advantages[s]), flat(estimates.targets[s]), flat(estimates.values[s]),
            orders[s].ravel(), size, numbers[s].numpy(), np.array(settings, np.float64),
            np.array(how, np.float64),
        )  # fmt: skip
        losses[s], norms[s] = float(loss), float(norm)
    return losses, norms


def changes(
    learner: Learner[OptimizerHyperparameters], batch: Batch
) -> tuple[Tensor, Tensor, Tensor]:
    """log ρ, KL(θ' ‖ θ) and H(θ), each [S, T·N]."""
    layout = layout_of(learner.policy)
    actions = rows_of(batch.actions)
    found = torch.zeros(3, len(learner.seeds), batch.valid[0].numel())
    for s in range(len(learner.seeds)):
        kernels.changes(
            learner.policy_parameters[s].numpy(), layout.sizes, layout.activation,
            layout.log_stds, flat(batch.observations[s]), flat(actions[s]),
            flat(batch.statistics[s]), *(each[s].numpy() for each in found),
        )  # fmt: skip
    log_ratio, divergence, entropy = found
    return log_ratio, divergence, entropy
