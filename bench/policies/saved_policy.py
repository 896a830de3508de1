"""A trained policy, loaded as it was saved: acts as at the end of its training, learns nothing.

Its observation normaliser is part of it and stays frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.hyperparameters import Hyperparameters
from algorithms.numerics.normalization import RunningMoments
from algorithms.policies import Policy, make_critic, make_policy
from algorithms.spaces import Continuous
from bench.errors import InputError
from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm
from bench.train.environments.protocol import Float32Array, Int64Array, Specification

Kinds = Mapping[str, tuple[type[np.floating[Any]], tuple[int, ...]]]
"""Name of an array -> its type and shape."""


@dataclass(frozen=True, kw_only=True)
class SavedPolicy:
    """One seed's policy π_θ.

    Attributes:
        parameters: float32 [1, P], θ.
        moments: moments of the observations seen in training; None if they were not normalised.
        bounds: smallest and largest action, if actions are clipped to them.
        chooses: whether actions in training were chosen by the algorithm's own `act`, not sampled
            from π_θ.
    """

    policy: Policy
    parameters: Tensor
    hyperparameters: Hyperparameters
    moments: RunningMoments | None
    bounds: tuple[Float32Array, Float32Array] | None
    chooses: bool

    @torch.no_grad()
    def act(self, observations: Float32Array, noise: Tensor | None) -> Float32Array | Int64Array:
        """Return actions [N, A] or [N] at raw observations [N, O].

        Args:
            noise: [N, K], for a sample of π_θ; None: its mode.

        Raises:
            InputError: observations, or the policy's outputs, are not finite. (The argmax of NaN
                would be action 0.)
        """
        inputs = torch.from_numpy(observations).unsqueeze(0)
        if self.moments is not None:
            inputs = self.moments.standardise(inputs, self.hyperparameters.observation_clip)
        statistics = self.policy.statistics(self.parameters, inputs)
        if not torch.isfinite(statistics).all():
            culprit = "the policy's output" if np.isfinite(observations).all() else "an observation"
            raise InputError(f"{culprit} was not finite, so that no action follows from it")
        if noise is None:
            noise = torch.zeros(len(observations), self.policy.noise_size)
        actions = self.policy.sample(statistics, noise.unsqueeze(0))[0].numpy()
        if self.bounds is not None:
            low, high = self.bounds
            actions = np.minimum(np.maximum(actions, low), high)
        result: Float32Array | Int64Array = actions
        return result


def saved_policy(
    description: Description, arrays: Mapping[str, np.ndarray], specification: Specification
) -> SavedPolicy:
    """Rebuild a run's policy from its stored arrays.

    Args:
        description: the run's description.
        arrays: `bench.store.Store.policy` of the run.
        specification: the environment to act in.

    Raises:
        InputError: the algorithm can't be loaded, or the arrays are not those that it saves in
            this environment (`check_arrays`).
    """
    algorithm = load_algorithm(description.algorithm)
    values: dict[str, Any] = dict(description.hyperparameters)
    h = algorithm.hyperparameters(**values)
    size, actions = specification.observation_size, specification.action_space
    policy = make_policy(size, actions, h)
    critic = make_critic(size, h).size if algorithm.critic(h) else 0
    expected: Kinds = {
        "policy": (np.float32, (policy.size,)),
        "critic": (np.float32, (critic,)),
        "observation_mean": (np.float64, (size,)),
        "observation_variance": (np.float64, (size,)),
        "observation_count": (np.float64, (1,)),
    }
    policy_name = f"the saved policy of {description.algorithm}"
    check_arrays(arrays, expected, policy_name, specification.environment)
    moments = None
    if h.observation_normalization:
        moments = RunningMoments(1, size)
        for name in ("mean", "variance", "count"):
            setattr(moments, name, torch.from_numpy(arrays[f"observation_{name}"]).unsqueeze(0))
    bounds = None
    if isinstance(actions, Continuous) and h.action_clipping:
        bounds = np.asarray(actions.low, np.float32), np.asarray(actions.high, np.float32)
    return SavedPolicy(
        policy=policy,
        parameters=torch.from_numpy(arrays["policy"]).unsqueeze(0),
        hyperparameters=h,
        moments=moments,
        bounds=bounds,
        chooses=algorithm.act is not None,
    )


def check_arrays(
    arrays: Mapping[str, np.ndarray],
    expected: Kinds,
    policy: str,
    environment: str,
) -> None:
    """Check that a run's stored arrays are complete, of the expected kinds, and finite.

    Args:
        arrays: name -> array, as stored.
        expected: name -> type and shape of every array.
        policy, environment: names of the two, for messages.

    Raises:
        InputError: an array is missing, of another type or shape, not finite, or not expected.
    """
    no_network = f"{policy} is no network for {environment}"
    for name, (kind, shape) in expected.items():
        if name not in arrays:
            raise InputError(f"{no_network}: it has no {name!r}")
        array = arrays[name]
        if (array.dtype, array.shape) != (np.dtype(kind), shape):
            raise InputError(
                f"{no_network}: {name!r} is {array.dtype} {array.shape}, expected is "
                f"{np.dtype(kind)} {shape}"
            )
        if not np.isfinite(array).all():
            raise InputError(
                f"{policy} is not played: {name!r} is not finite, as where training diverges"
            )
    if unexpected := sorted(arrays.keys() - expected.keys()):
        raise InputError(f"{no_network}: it has {', '.join(map(repr, unexpected))} besides")
