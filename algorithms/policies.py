"""Policies as pure functions of parameters [S, P]: what they say of an action.

A policy maps observations [S, B, O] to *distribution statistics* φ [S, B, K], one row a
distribution: φ = (μ, log σ) for continuous actions, the log-probabilities for discrete
ones. Everything else (samples, log p, entropy, KL) is a function of φ, so that a batch
can keep the φ of its behaviour policy θ' as a plain tensor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from algorithms.numerics.networks import Perceptron
from algorithms.spaces import ActionSpace, Continuous

_LOG_TWO_PI = math.log(2 * math.pi)


class Policy(Protocol):
    """What the algorithms ask of a policy."""

    @property
    def size(self) -> int: ...
    @property
    def noise_size(self) -> int: ...
    @property
    def noise_kind(self) -> str: ...
    def initial(self, generator: np.random.Generator, initialization: str) -> np.ndarray: ...
    @property
    def network(self) -> Perceptron: ...
    def statistics(self, parameters: Tensor, observations: Tensor) -> Tensor: ...
    def read(self, outputs: Tensor, others: Tensor) -> Tensor: ...
    def unread(self, statistics: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]: ...
    def sample(self, statistics: Tensor, noise: Tensor) -> Tensor: ...
    def log_probability(self, statistics: Tensor, actions: Tensor) -> Tensor: ...
    def score(self, statistics: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]: ...
    def entropy(self, statistics: Tensor) -> Tensor: ...
    def divergence(self, old: Tensor, new: Tensor) -> Tensor: ...
    def log_std(self, statistics: Tensor) -> Tensor | None: ...


@dataclass(frozen=True)
class GaussianPolicy:
    """a ~ N(μ(s), σ²), σ independent of the state. Actions are float32 [..., A]."""

    network: Perceptron
    initial_log_std: float

    @property
    def actions(self) -> int:
        return self.network.sizes[-1]

    @property
    def size(self) -> int:
        return self.network.size + self.actions

    @property
    def noise_size(self) -> int:
        return self.actions

    @property
    def noise_kind(self) -> str:
        return "normal"

    def initial(self, generator: np.random.Generator, initialization: str) -> np.ndarray:
        """float32 [P]: the network's columns, then log σ."""
        log_std = np.full(self.actions, self.initial_log_std, dtype=np.float32)
        return np.concatenate([self.network.initial(generator, initialization), log_std])

    def statistics(self, parameters: Tensor, observations: Tensor) -> Tensor:
        """φ = (μ, log σ) [S, B, 2A] at observations [S, B, O], under parameters [S, P]."""
        passed = self.network(parameters, observations)
        return self.read(passed.outputs, passed.others)

    def read(self, outputs: Tensor, others: Tensor) -> Tensor:
        """φ [S, B, 2A] of the network's outputs μ [S, B, A] and the other columns log σ [S, A]."""
        return torch.cat([outputs, others.unsqueeze(1).expand_as(outputs)], dim=2)

    def unread(self, statistics: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient of what φ was read from, given that of φ [S, B, 2A]."""
        of_mean, of_log_std = gradient.chunk(2, dim=2)
        return of_mean, of_log_std.sum(1)

    def sample(self, statistics: Tensor, noise: Tensor) -> Tensor:
        """a = μ + σ·noise, noise [..., A] standard normal."""
        mean, log_std = statistics.chunk(2, dim=-1)
        return mean + log_std.exp() * noise

    def log_probability(self, statistics: Tensor, actions: Tensor) -> Tensor:
        """log p(a) [...], of the unclipped action."""
        mean, log_std = statistics.chunk(2, dim=-1)
        z = (actions - mean) * torch.exp(-log_std)
        constant = -0.5 * _LOG_TWO_PI * self.actions
        return constant - torch.addcmul(log_std, z, z, value=0.5).sum(-1)

    def score(self, statistics: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """log p(a) [...] and its gradient ∇_φ [..., 2A]: (a − μ)/σ² and ((a − μ)/σ)² − 1."""
        mean, log_std = statistics.chunk(2, dim=-1)
        inverse = torch.exp(-log_std)
        z = (actions - mean) * inverse
        square = z * z
        constant = -0.5 * _LOG_TWO_PI * self.actions
        log_probability = constant - torch.add(log_std, square, alpha=0.5).sum(-1)
        return log_probability, torch.cat([z * inverse, square - 1], dim=-1)

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

    def log_std(self, statistics: Tensor) -> Tensor | None:
        """log σ [..., A]."""
        return statistics.chunk(2, dim=-1)[1]


@dataclass(frozen=True)
class CategoricalPolicy:
    """a ~ Categorical(softmax(logits(s))). Actions are int64 [...]."""

    network: Perceptron

    @property
    def size(self) -> int:
        return self.network.size

    @property
    def noise_size(self) -> int:
        return self.network.sizes[-1]

    @property
    def noise_kind(self) -> str:
        return "gumbel"

    def initial(self, generator: np.random.Generator, initialization: str) -> np.ndarray:
        """float32 [P]."""
        return self.network.initial(generator, initialization)

    def statistics(self, parameters: Tensor, observations: Tensor) -> Tensor:
        """φ = log p(a = 0 … n-1) [S, B, n] at observations [S, B, O], under parameters [S, P]."""
        passed = self.network(parameters, observations)
        return self.read(passed.outputs, passed.others)

    def read(self, outputs: Tensor, others: Tensor) -> Tensor:
        """φ [S, B, n] of the network's outputs, the logits [S, B, n]."""
        return torch.log_softmax(outputs, dim=2)

    def unread(self, statistics: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient of what φ was read from, given that of φ [S, B, n]."""
        logits = gradient - statistics.exp() * gradient.sum(2, keepdim=True)
        return logits, logits.new_zeros(len(logits), 0)

    def sample(self, statistics: Tensor, noise: Tensor) -> Tensor:
        """argmax(log p + noise), noise [..., n] standard Gumbel (the Gumbel-max trick)."""
        return (statistics + noise).argmax(-1)

    def log_probability(self, statistics: Tensor, actions: Tensor) -> Tensor:
        """log p(a) [...]."""
        return statistics.gather(-1, actions.unsqueeze(-1)).squeeze(-1)

    def score(self, statistics: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """log p(a) [...] and its gradient ∇_φ [..., n]: 1 at the action, 0 elsewhere."""
        score = torch.nn.functional.one_hot(actions, statistics.shape[-1]).to(statistics)
        return self.log_probability(statistics, actions), score

    def entropy(self, statistics: Tensor) -> Tensor:
        """Entropy [...], in nats."""
        return -(statistics.exp() * statistics).sum(-1)

    def divergence(self, old: Tensor, new: Tensor) -> Tensor:
        """KL(old ‖ new) [...], in nats, exactly."""
        return (old.exp() * (old - new)).sum(-1)

    def log_std(self, statistics: Tensor) -> Tensor | None:
        """None: a discrete policy has no σ."""
        return None


def make_policy(
    observation_size: int, actions: ActionSpace, hidden: tuple[int, ...], initial_log_std: float
) -> Policy:
    """The policy for an action space: Gaussian if continuous, categorical if discrete."""
    if isinstance(actions, Continuous):
        network = Perceptron((observation_size, *hidden, actions.size), head_gain=0.01)
        return GaussianPolicy(network, initial_log_std)
    return CategoricalPolicy(Perceptron((observation_size, *hidden, actions.count), head_gain=0.01))


@dataclass(frozen=True)
class Critic:
    """V(s), the expected return from s, in the (normalised) units of the batch's rewards.

    A network of the policy's own shape, so that both can go through one product; V is its
    first output, and the columns of the others stay zero.

    Args:
        network: the policy's; `size` columns in all, as many as the policy has.
    """

    network: Perceptron
    size: int

    def initial(self, generator: np.random.Generator, initialization: str) -> np.ndarray:
        """float32 [P]: drawn as a network with one output, the other columns 0."""
        *hidden, outputs = self.network.sizes
        drawn = Perceptron((*hidden, 1), head_gain=1.0).initial(generator, initialization)
        trunk, weight, bias = np.split(drawn, [-hidden[-1] - 1, -1])
        head = np.zeros((hidden[-1] + 1, outputs), np.float32)
        head[:, 0] = np.concatenate([weight, bias])
        unused = np.zeros(self.size - self.network.size, np.float32)
        return np.concatenate([trunk, head.ravel(), unused])

    def __call__(self, parameters: Tensor, observations: Tensor) -> Tensor:
        """V [S, B] of observations [S, B, O] under the critic's columns [S, P]."""
        return self.read(self.network(parameters, observations).outputs)

    def read(self, outputs: Tensor) -> Tensor:
        """V [S, B] of the network's outputs [S, B, A]."""
        return outputs[..., 0]

    def unread(self, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient of what V was read from, given that of V [S, B]."""
        outputs = gradient.new_zeros(*gradient.shape, self.network.sizes[-1])
        self.read(outputs)[:] = gradient
        return outputs, gradient.new_zeros(len(gradient), self.size - self.network.size)


def make_critic(policy: Policy) -> Critic:
    """The critic that goes with a policy: a network of the same shape."""
    return Critic(policy.network, policy.size)
