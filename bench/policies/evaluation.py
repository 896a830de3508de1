"""Evaluate a trained policy in new episodes, with its modes or with samples as actions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from algorithms.numerics.random_streams import Noise
from bench.errors import InputError
from bench.policies.saved_policy import SavedPolicy
from bench.train.environments import make
from bench.train.environments.protocol import Float64Array, Int64Array

SEED = 1_000_000
"""Seed of the evaluation episodes, far from those of training: no episode begins as one of them."""


@dataclass(frozen=True, kw_only=True)
class PlayedEpisodes:
    """The results of N whole episodes.

    Attributes:
        returns: float64 [N], sums of raw rewards.
        lengths: int64 [N], in environment steps.
    """

    returns: Float64Array
    lengths: Int64Array


def evaluate(
    policy: SavedPolicy,
    environment: str,
    *,
    episodes: int,
    sampled: bool,
    seed: int = SEED,
    time_limit: int | None = None,
) -> PlayedEpisodes:
    """Play episodes side by side, each to its end.

    An episode's initial state and noise follow from the seed and its number, so that all policies
    play the same episodes.

    Args:
        environment: its id.
        episodes: number of episodes.
        sampled: whether actions are samples of π_θ, as in training; else its modes.
        seed: seed of the environments and of the samples.
        time_limit: steps after which an episode is cut off; None: the environment's own.

    Raises:
        InputError: no such environment, or numbers that stop being finite (`SavedPolicy.act`),
            rewards among them.
    """
    environments = make(environment, [seed], episodes, time_limit=time_limit)
    try:
        observations = environments.reset()
        shape = (episodes, policy.policy.noise_size)
        noise = iter(Noise((seed,), 0, shape, policy.policy.noise_kind))
        returns = np.zeros(episodes)
        lengths = np.zeros(episodes, np.int64)
        playing = np.ones(episodes, np.bool_)
        while playing.any():
            step_noise = next(noise)[0] if sampled else None
            step = environments.step(policy.act(observations, step_noise), playing)
            returns += np.where(playing, step.rewards, 0.0)
            lengths += playing
            playing &= ~(step.terminated | step.truncated)
            observations = step.observations
    finally:
        environments.close()
    if not np.isfinite(returns).all():
        raise InputError(f"rewards of {environment} were not finite")
    return PlayedEpisodes(returns=returns, lengths=lengths)
