"""The seeds of a group as one learner: parameters, optimisers and statistics, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from algorithms.batch import Algorithm
from algorithms.hyperparameters import CriticHyperparameters, Hyperparameters
from algorithms.networks import stack_initial
from algorithms.normalization import RewardScale, RunningMoments
from algorithms.optimizers import Adam
from algorithms.policies import Critic, Policy, make_critic, make_policy
from algorithms.random_streams import Noise, stream
from algorithms.spaces import ActionSpace

NOISE_BLOCK = 64
"""Ticks of action noise drawn at once."""


class Learner:
    """S seeds that learn side by side and never touch one another.

    Attributes:
        parameters: float32 [S, P], one buffer; the policy's columns first, then the critic's.
        active: bool [S], seeds still learning; the others stay bitwise as they are.
        steps: int64 [S], environment steps taken before the batch at hand.
        updates: number of updates so far.
        memory: what the algorithm remembers between updates, each tensor [S, …].
    """

    def __init__(
        self,
        algorithm: Algorithm,
        hyperparameters: Hyperparameters,
        seeds: Sequence[int],
        observation_size: int,
        actions: ActionSpace,
        device: str = "cpu",
    ) -> None:
        self.algorithm = algorithm
        self.hyperparameters = hyperparameters
        self.seeds = tuple(seeds)
        self.device = device
        self.policy: Policy = make_policy(
            observation_size, actions, hyperparameters.hidden_sizes, hyperparameters.initial_log_std
        )
        self.critic: Critic | None = None
        if algorithm.critic(hyperparameters):
            self.critic = make_critic(observation_size, hyperparameters.hidden_sizes)
        self.parameters = stack_initial([self._draw(seed) for seed in seeds]).to(device)
        epsilon = hyperparameters.adam_epsilon
        self.policy_optimizer = Adam(self.policy_parameters, epsilon)
        self.critic_optimizer = Adam(self.critic_parameters, epsilon)
        self.observation_moments = RunningMoments(len(seeds), observation_size, device)
        self.return_moments = RunningMoments(len(seeds), 1, device)
        if isinstance(hyperparameters, CriticHyperparameters):
            discount = hyperparameters.discount
            self.reward_scale = RewardScale(len(seeds), hyperparameters.slots, discount, device)
        self.active = torch.ones(len(seeds), dtype=torch.bool, device=device)
        self.steps = torch.zeros(len(seeds), dtype=torch.int64, device=device)
        self.updates = 0
        self.memory: dict[str, Tensor] = {}
        algorithm.start(self)

    def _draw(self, seed: int) -> np.ndarray:
        generator = stream(seed, "parameters")
        initialization = self.hyperparameters.initialization
        columns = [self.policy.initial(generator, initialization)]
        if self.critic is not None:
            columns.append(self.critic.network.initial(generator, initialization))
        return np.concatenate(columns)

    @property
    def policy_parameters(self) -> Tensor:
        """The policy's columns of the buffer, a view [S, P_policy]."""
        return self.parameters[:, : self.policy.size]

    @property
    def critic_parameters(self) -> Tensor:
        """The critic's columns of the buffer, a view [S, P_critic]; empty without a critic."""
        return self.parameters[:, self.policy.size :]

    def noise(self) -> Noise:
        """Action noise of the rollout for the coming update."""
        shape = (self.hyperparameters.slots, self.policy.noise_size)
        return Noise(self.seeds, self.updates, shape, self.policy.noise_kind, NOISE_BLOCK)

    @torch.no_grad()
    def act(self, observations: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Actions and the φ they came from.

        Args:
            observations: normalised, [S, N, O]; noise: [S, N, K].

        Returns:
            actions [S, N, A] or [S, N], unclipped; statistics [S, N, K].
        """
        statistics = self.policy.statistics(self.policy_parameters, observations)
        return self.policy.sample(statistics, noise), statistics

    @torch.no_grad()
    def values(self, observations: Tensor) -> Tensor:
        """V [S, B] of observations [S, B, O]."""
        if self.critic is None:
            raise ValueError(f"{self.algorithm.name} has no critic")
        return self.critic(self.critic_parameters, observations)

    def observe(self, observations: Tensor, mask: Tensor) -> Tensor:
        """Take raw observations [S, N, O] into the statistics where `mask` [S, N]; normalise."""
        if self.hyperparameters.observation_normalization:
            self.observation_moments.update(observations, mask)
        return self.normalise(observations)

    def normalise(self, observations: Tensor) -> Tensor:
        """Observations [S, N, O] under the statistics as they stand."""
        if not self.hyperparameters.observation_normalization:
            return observations
        clip = self.hyperparameters.observation_clip
        return self.observation_moments.standardise(observations, clip)

    def annealed(self, learning_rate: float) -> Tensor:
        """A step size now, float64 [S]: annealed by the steps taken, never by the budget.

        The first batch has the whole of it, as in openai/baselines.
        """
        remaining = 1 - self.steps.double() / self.hyperparameters.learning_rate_decay_steps
        return learning_rate * remaining.clamp(min=0)

    def minibatches(self, valid: Tensor, epochs: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Random minibatches of the samples that are `valid` [S, B], epoch by epoch.

        A seed with fewer samples than its neighbours is inactive once it has been through
        its own. The last minibatch of an epoch is filled up from that epoch's beginning.

        Yields:
            index int64 [S, size] into axis 1 and active bool [S].
        """
        rows = [np.flatnonzero(row) for row in valid.cpu().numpy()]
        generators = [stream(seed, "minibatches", self.updates) for seed in self.seeds]
        counts = np.array([-(-len(row) // size) for row in rows])
        for _ in range(epochs):
            index = np.zeros((len(rows), counts.max(initial=0) * size), dtype=np.int64)
            for s, (row, generator) in enumerate(zip(rows, generators, strict=True)):
                if len(row):
                    filled = counts[s] * size
                    index[s, :filled] = np.resize(generator.permutation(row), filled)
            shuffled = torch.from_numpy(index).to(self.device)
            for m in range(counts.max(initial=0)):
                mine = torch.from_numpy(counts > m).to(self.device)
                yield shuffled[:, m * size : (m + 1) * size], self.active & mine


def take(values: Tensor, index: Tensor) -> Tensor:
    """values[s, index[s]]: [S, B, …] at int64 [S, M] -> [S, M, …]."""
    seeds = torch.arange(values.shape[0], device=values.device).unsqueeze(1)
    return values[seeds, index]
