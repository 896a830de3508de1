"""`ActorCritic`: the seeds of a group, with a policy, perhaps a critic, and normalisers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from algorithms.hyperparameters import CriticHyperparameters, Hyperparameters
from algorithms.learner import Learner
from algorithms.numerics.networks import Perceptron
from algorithms.numerics.normalization import RewardScale, RunningMoments
from algorithms.numerics.random_streams import Noise, stream
from algorithms.policies import make_critic, make_policy
from algorithms.spaces import ActionSpace

H_co = TypeVar("H_co", bound=Hyperparameters, covariant=True)


class ActorCritic(Learner[H_co]):
    """A `Learner` whose policy acts on observation vectors.

    Args:
        seeds: the S seeds; observation_size: O; critic: whether V is learned.

    Attributes:
        critic: the network of V, or None.
        observation_moments: running mean and variance of all observations so far.
        normalizer: the moments that standardise observations: those, or a frozen copy of them.
        return_moments: running moments of the returns, for a critic that learns standardised ones.
        reward_scale: running scale by which rewards are divided for the critic.
    """

    def __init__(
        self,
        hyperparameters: H_co,
        seeds: Sequence[int],
        observation_size: int,
        actions: ActionSpace,
        *,
        critic: bool = False,
        device: str = "cpu",
    ) -> None:
        h = hyperparameters
        policy = make_policy(observation_size, actions, h)
        self.actions = actions
        self.critic = make_critic(observation_size, h) if critic else None
        networks = [policy, *([self.critic] if self.critic else [])]
        rows = [
            np.concatenate([network.initial(generator, h.initialization) for network in networks])
            for generator in (stream(seed, "parameters") for seed in seeds)
        ]
        super().__init__(h, seeds, policy, torch.from_numpy(np.stack(rows)).to(device))
        self.compiled = self.device.type == "cpu"
        self.observation_moments = RunningMoments(len(seeds), observation_size, device)
        self.normalizer = self.observation_moments
        self.return_moments = RunningMoments(len(seeds), 1, device)
        discount = h.discount if isinstance(h, CriticHyperparameters) else 1.0
        self.reward_scale = RewardScale(len(seeds), h.slots, discount, device)

    def noise(self) -> Noise:
        """Return the action noise of the coming update's rollout."""
        shape = (self.hyperparameters.slots, self.policy.noise_size)
        return Noise(self.seeds, self.updates, shape, self.policy.noise_kind)

    @torch.no_grad()
    def act(self, observations: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Sample actions; return them and the φ of their distributions.

        Args:
            observations: normalised, [S, N, O]; noise: [S, N, K].

        Returns:
            actions [S, N, A] or [S, N], unclipped; statistics [S, N, K].
        """
        statistics = self.policy.statistics(self.policy_parameters, observations)
        return self.policy.sample(statistics, noise), statistics

    @property
    def known_critic(self) -> Perceptron:
        """The network of V; raises ValueError if the learner has no critic."""
        if self.critic is None:
            raise ValueError("this learner has no critic")
        return self.critic

    def values(self, parameters: Tensor, observations: Tensor) -> Tensor:
        """V [S, B] of observations [S, B, O] under the critic's columns [S, P_critic]."""
        return self.known_critic(parameters, observations).squeeze(2)

    def observe(self, observations: Tensor, mask: Tensor) -> Tensor:
        """Return normalised observations [S, N, O]; raw ones at `mask` [S, N] enter the moments."""
        if self.hyperparameters.observation_normalization:
            self.observation_moments.update(observations, mask)
        return self.normalise(observations)

    def normalise(self, observations: Tensor) -> Tensor:
        """Normalise observations [S, N, O] by the moments as they are, without updating them."""
        if not self.hyperparameters.observation_normalization:
            return observations
        clip = self.hyperparameters.observation_clip
        return self.normalizer.standardise(observations, clip)

    def freeze_normalizer(self) -> None:
        """Standardise by the statistics as they are now, until this is called again."""
        seeds, size = self.observation_moments.mean.shape
        if self.normalizer is self.observation_moments:
            self.normalizer = RunningMoments(seeds, size, str(self.device))
        self.normalizer.take(self.observation_moments)

    def saved(self, s: int) -> dict[str, np.ndarray]:
        """Return copies of seed number `s`'s parameters and observation moments, for saving."""
        moments = self.observation_moments
        tensors = {
            "critic": self.critic_parameters,
            "observation_mean": moments.mean,
            "observation_variance": moments.variance,
            "observation_count": moments.count,
        }
        arrays = {name: value[s].cpu().numpy().copy() for name, value in tensors.items()}
        return {**super().saved(s), **arrays}
