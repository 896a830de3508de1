"""The seeds of a group as one learner: parameters, optimisers and statistics, seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from algorithms.batch import Batch, Diagnostics
from algorithms.hyperparameters import CriticHyperparameters, Hyperparameters
from algorithms.numerics.networks import Networks, Pass, stack_initial
from algorithms.numerics.normalization import RewardScale, RunningMoments
from algorithms.numerics.optimizers import Adam
from algorithms.numerics.random_streams import Noise, stream
from algorithms.policies import Critic, Policy, make_critic, make_policy
from algorithms.spaces import ActionSpace

NOISE_BLOCK = 64
"""Ticks of action noise drawn at once."""


class Chosen(Protocol):
    """What a learner, and who collects for it, ask of its `algorithms.algorithm.Algorithm`."""

    @property
    def name(self) -> str: ...
    @property
    def collects(self) -> Literal["trajectories", "steps"]: ...
    @property
    def update(self) -> Callable[[Learner, Batch], Diagnostics]: ...
    @property
    def start(self) -> Callable[[Learner], None]: ...
    @property
    def critic(self) -> Callable[[Hyperparameters], bool]: ...
    @property
    def act(self) -> Callable[[Learner, Tensor, Tensor], tuple[Tensor, Tensor]] | None: ...
    @property
    def recordable(self) -> bool: ...


class Learner:
    """S seeds that learn side by side and never touch one another.

    Attributes:
        parameters: float32 [S, P], one buffer; the policy's columns first, then the critic's.
        actor: the policy's networks over that buffer.
        active: bool [S], seeds still learning; the others stay bitwise as they are.
        steps: int64 [S], environment steps taken before the batch at hand.
        updates: number of updates so far.
        optimizer, policy_optimizer, critic_optimizer: of all columns, or of the policy's and the
            critic's apart; an algorithm uses the one or the others.
        observation_moments: of all observations so far; normalizer: what observations are
            standardised by, the same unless an algorithm lets it stand still for a while.
        memory: what the algorithm remembers between updates, each tensor [S, …].
    """

    def __init__(
        self,
        algorithm: Chosen,
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
        self.actions = actions
        self.policy: Policy = make_policy(
            observation_size, actions, hyperparameters.hidden_sizes, hyperparameters.initial_log_std
        )
        self.critic: Critic | None = None
        if algorithm.critic(hyperparameters):
            self.critic = make_critic(self.policy)
        self.parameters = stack_initial([self._draw(seed) for seed in seeds]).to(device)
        network = self.policy.network
        self.actor = Networks(network, self.policy_parameters)
        if self.critic is not None:
            self._both = Networks(network, self.parameters.view(-1, self.policy.size))
        epsilon = hyperparameters.adam_epsilon
        self.optimizer = Adam(self.parameters, epsilon)
        self.policy_optimizer = Adam(self.policy_parameters, epsilon)
        self.critic_optimizer = Adam(self.critic_parameters, epsilon)
        self.observation_moments = RunningMoments(len(seeds), observation_size, device)
        self.normalizer = self.observation_moments
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
            columns.append(self.critic.initial(generator, initialization))
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
        if self.algorithm.act is not None:
            return self.algorithm.act(self, observations, noise)
        passed = self.actor(observations)
        statistics = self.policy.read(passed.outputs, passed.others)
        return self.policy.sample(statistics, noise), statistics

    @torch.no_grad()
    def values(self, observations: Tensor) -> Tensor:
        """V [S, B] of observations [S, B, O]."""
        if self.critic is None:
            raise ValueError(f"{self.algorithm.name} has no critic")
        return self.critic(self.critic_parameters, observations)

    def forward(self, observations: Tensor) -> tuple[Pass, Tensor, Tensor]:
        """Policy and critic at once, in products of 2·S networks.

        Args:
            observations: normalised, [S, B, O].

        Returns:
            the pass; φ [S, B, K]; V [S, B].
        """
        assert self.critic is not None
        passed = self._both(observations.repeat_interleave(2, dim=0))
        actor, critic = passed.outputs.unflatten(0, (-1, 2)).unbind(1)
        return passed, self.policy.read(actor, passed.others[::2]), self.critic.read(critic)

    def backward(
        self, passed: Pass, statistics: Tensor, of_statistics: Tensor, of_values: Tensor
    ) -> Tensor:
        """∂L/∂parameters [S, P], given ∂L/∂φ [S, B, K] and ∂L/∂V [S, B] of what `forward` gave."""
        assert self.critic is not None
        outputs, others = self.policy.unread(statistics, of_statistics)
        of_outputs = outputs.new_zeros(len(outputs), 2, *outputs.shape[1:])
        of_others = others.new_zeros(len(others), 2, others.shape[1])
        of_outputs[:, 0], of_others[:, 0] = outputs, others
        self.critic.read(of_outputs[:, 1])[:] = of_values
        gradient = passed.gradient(of_outputs.flatten(0, 1), of_others.flatten(0, 1))
        return gradient.view_as(self.parameters)

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
        return self.normalizer.standardise(observations, clip)

    def saved(self, s: int) -> dict[str, np.ndarray]:
        """What is kept of seed number `s`: parameters and the observations' statistics, copied."""
        moments = self.observation_moments
        tensors = {
            "policy": self.policy_parameters[s],
            "critic": self.critic_parameters[s],
            "observation_mean": moments.mean[s],
            "observation_variance": moments.variance[s],
            "observation_count": moments.count[s],
        }
        return {name: value.detach().cpu().numpy().copy() for name, value in tensors.items()}

    def annealed(self, learning_rate: float) -> Tensor:
        """A step size now, float64 [S]: annealed by the steps taken, never by the budget.

        The first batch has the whole of it, as in openai/baselines.
        """
        remaining = 1 - self.steps.double() / self.hyperparameters.learning_rate_decay_steps
        return learning_rate * remaining.clamp(min=0)

    def minibatches(
        self, valid: Tensor, epochs: int, size: int, samples: Sequence[Tensor]
    ) -> Iterator[tuple[list[Tensor], Tensor]]:
        """Random minibatches of the samples that are `valid` [S, B], epoch by epoch.

        A seed with fewer samples than its neighbours is inactive once it has been through
        its own. The last minibatch of an epoch is filled up from that epoch's beginning.

        Args:
            samples: tensors [S, B, …] to take the minibatches from.

        Yields:
            of each tensor its rows [S, size, …], views that last until the next epoch; and
            active bool [S].
        """
        rows = [np.flatnonzero(row) for row in valid.cpu().numpy()]
        generators = [stream(seed, "minibatches", self.updates) for seed in self.seeds]
        counts = np.array([-(-len(row) // size) for row in rows])
        turns = [torch.from_numpy(counts > m).to(self.device) for m in range(counts.max(initial=0))]
        shuffled: list[Tensor] = []
        for _ in range(epochs if turns else 0):
            index = np.zeros((len(rows), len(turns) * size), dtype=np.int64)
            for s, (row, generator) in enumerate(zip(rows, generators, strict=True)):
                if len(row):
                    filled = counts[s] * size
                    index[s, :filled] = np.resize(generator.permutation(row), filled)
            order = torch.from_numpy(index).to(self.device)
            # Taken for the whole epoch at once, then cut: one gather instead of one a minibatch;
            # and into the last epoch's memory, which is in the cache.
            into: Sequence[Tensor | None] = shuffled or [None] * len(samples)
            shuffled = [take(x, order, out) for x, out in zip(samples, into, strict=True)]
            cuts = (values.split(size, dim=1) for values in shuffled)
            for *parts, turn in zip(*cuts, turns, strict=True):
                yield parts, self.active & turn


def take(values: Tensor, index: Tensor, out: Tensor | None = None) -> Tensor:
    """values[s, index[s]]: [S, B, …] at int64 [S, M] -> [S, M, …], into `out` where given."""
    first = values.shape[1] * torch.arange(len(values), device=values.device).unsqueeze(1)
    into = None if out is None else out.flatten(0, 1)
    rows = torch.index_select(values.flatten(0, 1), 0, (first + index).flatten(), out=into)
    return rows.view(*index.shape, *rows.shape[1:])
