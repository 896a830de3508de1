"""Policies as pure functions of parameters [S, P]: samples, log p, entropy and KL of actions.

A policy maps observations [S, B, O] to *distribution statistics* φ [S, B, K], one row per
distribution: φ = (μ, log σ) for continuous actions, the log-probabilities for discrete
ones. Everything else (samples, log p, entropy, KL) is a function of φ, so that a batch
can keep the φ of its behaviour policy θ' as a plain tensor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from algorithms.hyperparameters import Hyperparameters
from algorithms.numerics.networks import Perceptron
from algorithms.spaces import ActionSpace, Continuous

_LOG_TWO_PI = math.log(2 * math.pi)


class Network(Protocol):
    """The interface that a policy needs of its network."""

    @property
    def size(self) -> int: ...
    @property
    def sizes(self) -> tuple[int, ...]: ...
    def initial(self, generator: np.random.Generator, initialization: str) -> np.ndarray: ...
    def __call__(self, parameters: Tensor, inputs: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class _OverNetwork:
    """The base of all policies: sizes that follow from those of their network."""

    network: Network

    @property
    def noise_size(self) -> int:
        return self.network.sizes[-1]

    @property
    def log_stds(self) -> int:
        """Number of parameters log σ after the network's: A, or 0 for discrete actions."""
        return 0

    @property
    def size(self) -> int:
        return self.network.size + self.log_stds

    @property
    def statistics_size(self) -> int:
        return self.noise_size + self.log_stds

    def initial(self, generator: np.random.Generator, initialization: str) -> np.ndarray:
        """float32 [P]: the network's columns, then log σ."""
        return self.network.initial(generator, initialization)


@dataclass(frozen=True)
class GaussianPolicy(_OverNetwork):
    """a ~ N(μ(s), σ²), σ independent of the state. Actions are float32 [..., A]."""

    initial_log_std: float
    noise_kind: ClassVar = "normal"

    @property
    def log_stds(self) -> int:
        return self.noise_size

    def initial(self, generator: np.random.Generator, initialization: str) -> np.ndarray:
        log_std = np.full(self.log_stds, self.initial_log_std, dtype=np.float32)
        return np.concatenate([super().initial(generator, initialization), log_std])

    def statistics(self, parameters: Tensor, observations: Tensor) -> Tensor:
        """φ = (μ, log σ) [S, B, 2A] at observations [S, B, O], under parameters [S, P]."""
        columns, log_std = parameters.split([self.network.size, self.log_stds], dim=1)
        mean = self.network(columns, observations)
        return torch.cat([mean, log_std.unsqueeze(1).expand_as(mean)], dim=2)

    def sample(self, statistics: Tensor, noise: Tensor) -> Tensor:
        """a = μ + σ·noise, noise [..., A] standard normal."""
        mean, log_std = statistics.chunk(2, dim=-1)
        return mean + log_std.exp() * noise

    def log_probability(self, statistics: Tensor, actions: Tensor) -> Tensor:
        """log p(a) [...], of the unclipped action."""
        mean, log_std = statistics.chunk(2, dim=-1)
        z = (actions - mean) * torch.exp(-log_std)
        constant = -0.5 * _LOG_TWO_PI * self.log_stds
        return constant - torch.addcmul(log_std, z, z, value=0.5).sum(-1)

    def entropy(self, statistics: Tensor) -> Tensor:
        """Differential entropy [...], in nats."""
        return (statistics.chunk(2, dim=-1)[1] + 0.5 * (1 + _LOG_TWO_PI)).sum(-1)

    def divergence(self, old: Tensor, new: Tensor) -> Tensor:
        """KL(old ‖ new) [...], in nats, exactly."""
        old_mean, old_log_std = old.chunk(2, dim=-1)
        new_mean, new_log_std = new.chunk(2, dim=-1)
        variance_ratio = torch.exp(2 * (old_log_std - new_log_std))
        distance = (old_mean - new_mean) * torch.exp(-new_log_std)
        terms = variance_ratio + distance.square() - 1
        return (new_log_std - old_log_std + 0.5 * terms).sum(-1)


@dataclass(frozen=True)
class CategoricalPolicy(_OverNetwork):
    """a ~ Categorical(softmax(logits(s))). Actions are int64 [...]."""

    noise_kind: ClassVar = "gumbel"

    def statistics(self, parameters: Tensor, observations: Tensor) -> Tensor:
        """φ = log p(a = 0 … n-1) [S, B, n] at observations [S, B, O], under parameters [S, P]."""
        return torch.log_softmax(self.network(parameters, observations), dim=2)

    def sample(self, statistics: Tensor, noise: Tensor) -> Tensor:
        """argmax(log p + noise), noise [..., n] standard Gumbel (the Gumbel-max trick)."""
        return (statistics + noise).argmax(-1)

    def log_probability(self, statistics: Tensor, actions: Tensor) -> Tensor:
        """log p(a) [...]."""
        return statistics.gather(-1, actions.unsqueeze(-1)).squeeze(-1)

    def entropy(self, statistics: Tensor) -> Tensor:
        """Entropy [...], in nats."""
        return -(statistics.exp() * statistics).sum(-1)

    def divergence(self, old: Tensor, new: Tensor) -> Tensor:
        """KL(old ‖ new) [...], in nats, exactly."""
        return (old.exp() * (old - new)).sum(-1)


Policy = GaussianPolicy | CategoricalPolicy


def log_ratio(policy: Policy, new: Tensor, old: Tensor, actions: Tensor) -> Tensor:
    """log p_new(a) − log p_old(a) [...], of the actions that were taken."""
    return policy.log_probability(new, actions) - policy.log_probability(old, actions)


def make_policy(
    observation_size: int, actions: ActionSpace, hyperparameters: Hyperparameters
) -> Policy:
    """The policy for an action space: Gaussian if continuous, categorical if discrete."""
    h = hyperparameters
    continuous = isinstance(actions, Continuous)
    outputs = actions.size if isinstance(actions, Continuous) else actions.count
    sizes = (observation_size, *h.hidden_sizes, outputs)
    network = Perceptron(sizes, h.policy_head_gain, h.activation)
    return GaussianPolicy(network, h.initial_log_std) if continuous else CategoricalPolicy(network)


def make_critic(observation_size: int, hyperparameters: Hyperparameters) -> Perceptron:
    """The network of V(s), sized as the policy's, in (normalised) units of the batch's rewards."""
    h = hyperparameters
    return Perceptron((observation_size, *h.hidden_sizes, 1), 1.0, h.activation)
