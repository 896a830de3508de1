"""The seeds of a group as one learner: parameters, optimiser, activity and minibatches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from algorithms.hyperparameters import OptimizerHyperparameters
from algorithms.numerics.optimizers import Adam
from algorithms.numerics.random_streams import stream
from algorithms.policies import Policy

H_co = TypeVar("H_co", bound=OptimizerHyperparameters, covariant=True)
"""Covariant: a function that needs some hyperparameters accepts a learner that has more."""

POLICY, CRITIC = 0, 1
"""Which step count an optimiser's step advances: the policy's or the critic's."""


class Learner(Generic[H_co]):
    """S seeds that learn side by side and never touch one another.

    Args:
        seeds: the S seeds.
        parameters: float32 [S, P], one buffer; the policy's columns first, then the critic's.

    Attributes:
        active: bool [S], seeds still learning; the others stay bitwise as they are.
        steps: int64 [S], environment steps taken before the batch at hand.
        updates: number of updates so far.
        optimizer: Adam on the whole buffer; the policy's and critic's columns may step separately.
        compiled: whether kernels are used where they exist, one seed after the other.
        memory: what the algorithm remembers between updates, each tensor [S, …].
    """

    def __init__(
        self, hyperparameters: H_co, seeds: Sequence[int], policy: Policy, parameters: Tensor
    ) -> None:
        self.hyperparameters = hyperparameters
        self.seeds = tuple(seeds)
        self.policy = policy
        self.parameters = parameters
        self.device = parameters.device
        self.optimizer = Adam(parameters, hyperparameters.adam_epsilon)
        self.active = torch.ones(len(seeds), dtype=torch.bool, device=self.device)
        self.steps = torch.zeros(len(seeds), dtype=torch.int64, device=self.device)
        self.updates = 0
        self.compiled = False
        self.memory: dict[str, Tensor] = {}

    @property
    def policy_parameters(self) -> Tensor:
        """The policy's columns of the buffer, a view [S, P_policy]."""
        return self.parameters[:, : self.policy.size]

    @property
    def critic_parameters(self) -> Tensor:
        """The critic's columns of the buffer, a view [S, P_critic]; empty without a critic."""
        return self.parameters[:, self.policy.size :]

    def step_policy(self, gradient: Tensor, rate: Tensor, active: Tensor) -> None:
        """Descend along `gradient` [S, P_policy] with `rate` [S] where `active` [S]."""
        self.optimizer.step(slice(0, self.policy.size), POLICY, gradient, rate, active)

    def step_critic(self, gradient: Tensor, rate: Tensor, active: Tensor) -> None:
        """Descend along `gradient` [S, P_critic] with `rate` [S] where `active` [S]."""
        self.optimizer.step(slice(self.policy.size, None), CRITIC, gradient, rate, active)

    def saved(self, s: int) -> dict[str, np.ndarray]:
        """Return a copy of seed number `s`'s policy parameters, for saving."""
        return {"policy": self.policy_parameters[s].detach().cpu().numpy().copy()}

    def annealed(self, learning_rate: float) -> Tensor:
        """The present step size, float64 [S]: annealed by the steps taken, never by the budget.

        The first batch uses the full step size, as in openai/baselines.
        """
        remaining = 1 - self.steps.double() / self.hyperparameters.learning_rate_decay_steps
        return learning_rate * remaining.clamp(min=0)

    def orders(self, valid: Tensor, epochs: int, size: int) -> list[np.ndarray]:
        """Draw the order in which each seed takes its samples, as their indices.

        The last minibatch of an epoch is filled up from that epoch's beginning.

        Args:
            valid: bool [S, B], the samples to be taken; size: of a minibatch.

        Returns:
            for each seed int64 [epochs, minibatches · size].
        """
        orders = []
        for seed, mask in zip(self.seeds, valid.cpu().numpy(), strict=True):
            rows = np.flatnonzero(mask)
            generator = stream(seed, "minibatches", self.updates)
            length = -(-len(rows) // size) * size
            order = np.empty((epochs, length), np.int64)
            for epoch in order:
                epoch[:] = np.resize(generator.permutation(rows), length)
            orders.append(order)
        return orders

    def minibatches(
        self, valid: Tensor, epochs: int, size: int, samples: Sequence[Tensor]
    ) -> Iterator[tuple[list[Tensor], Tensor]]:
        """Yield random minibatches of the samples that are `valid` [S, B], epoch by epoch.

        A seed with fewer samples than its neighbours is inactive once it has been through its own.

        Args:
            samples: tensors [S, B, …] to take the minibatches from.

        Yields:
            the rows [S, size, …] of each tensor; and which seeds are active, bool [S].
        """
        orders = self.orders(valid, epochs, size)
        lengths = np.array([order.shape[1] for order in orders])
        for epoch in range(epochs):
            for start in range(0, lengths.max(initial=0), size):
                rows = np.zeros((len(orders), size), np.int64)
                for s in np.flatnonzero(start < lengths):
                    rows[s] = orders[s][epoch, start : start + size]
                index = torch.from_numpy(rows).to(self.device)
                unfinished = torch.from_numpy(start < lengths).to(self.device)
                yield [take(values, index) for values in samples], self.active & unfinished


def take(values: Tensor, index: Tensor) -> Tensor:
    """values[s, index[s]]: [S, B, …] at int64 [S, M] -> [S, M, …]."""
    offsets = values.shape[1] * torch.arange(len(values), device=values.device).unsqueeze(1)
    rows = torch.index_select(values.flatten(0, 1), 0, (offsets + index).flatten())
    return rows.view(*index.shape, *rows.shape[1:])
