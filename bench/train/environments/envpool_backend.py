"""EnvPool: the physics of MuJoCo, Box2D and classic control in C++.

It runs on one thread: a process trains one group of seeds, and there is one process per core.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np

from bench.errors import InputError
from bench.train.environments.gymnasium_spaces import action_space_of, observation_size_of
from bench.train.environments.protocol import (
    BoolArray,
    Environments,
    Float32Array,
    Float64Array,
    Int64Array,
    Specification,
)
from bench.train.environments.slot_seeds import slot_seed

try:
    import envpool
except ImportError as missing:
    raise InputError(
        f"EnvPool can't be imported ({missing}); install envpool, or choose the back end "
        "'gymnasium', which is slower"
    ) from missing


def describe(environment_id: str) -> Specification:
    """Sizes and time limit as EnvPool states them; makes no environment."""
    specification: Any = envpool.make_spec(environment_id)
    observations, actions = _spaces_of(specification)
    return Specification(
        environment=environment_id,
        back_end="envpool",
        observation_size=observation_size_of(environment_id, observations),
        action_space=action_space_of(environment_id, actions),
        time_limit=int(specification.config.max_episode_steps),
    )


def _spaces_of(source: Any) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
    # Gymnasium warns of EnvPool's float64 bounds of float32 spaces, which can't be fixed here.
    # A pool makes its spaces at the first access, in its first step at the latest, and keeps them.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*precision lowered by casting")
        observations, actions = source.observation_space, source.action_space
        if isinstance(actions, gymnasium.spaces.Box):
            # MuJoCo's tasks have float32 bounds, and EnvPool states 0.4 in float64 for 0.4 in
            # float32: one that is rounded inwards would not be Gymnasium's.
            actions = gymnasium.spaces.Box(actions.low, actions.high, dtype=np.float32)
        return observations, actions


class EnvPoolEnvironments(Environments):
    """M environments in one pool. A slot's generator runs on from episode to episode."""

    def __init__(
        self, environment_id: str, seeds: Sequence[int], slots: int, *, time_limit: int | None
    ) -> None:
        """Take the arguments of `bench.train.environments.make`."""
        specification = describe(environment_id)
        limit = specification.time_limit if time_limit is None else time_limit
        assert limit is not None
        super().__init__(replace(specification, time_limit=limit), len(seeds) * slots)
        self._limit = limit
        # EnvPool reports a fall exactly at its limit as truncated only. So it gets a limit that it
        # never reaches, and the real one is counted here.
        self._pool: Any = envpool.make_gymnasium(
            environment_id,
            num_envs=self._count,
            seed=[slot_seed(seed, slot) for seed in seeds for slot in range(slots)],
            num_threads=1,
            max_episode_steps=limit + 1,
        )
        _spaces_of(self._pool)
        keys = list(self._pool._state_keys)
        names = ("info:env_id", "obs", "reward", "done", "trunc")
        self._indices = [keys.index(name) for name in names]
        self._action_type = self._pool.spec.action_array_spec["action"].dtype
        self._all_ids = np.arange(self._count, dtype=np.int32)
        self._elapsed = np.zeros(self._count, np.int64)
        self._begun = False

    def _advance(
        self, actions: Float32Array | Int64Array, active: BoolArray
    ) -> tuple[Float64Array, BoolArray, BoolArray]:
        # EnvPool would take the first step of a slot for its reset, and lose it.
        if not self._begun:
            raise RuntimeError("reset() comes before the first step()")
        rewards, terminated = np.zeros(self._count), np.zeros(self._count, np.bool_)
        ids = self._all_ids
        if not active.all():
            ids = np.flatnonzero(active).astype(np.int32)
            actions = actions[ids]
        if ids.size:
            # Bypasses the pool's own step(), which builds a tree of dictionaries: 45 µs per call,
            # where the physics of ten HalfCheetahs takes 300 µs (an AMD EPYC, one core).
            self._pool._send([ids, ids, actions.astype(self._action_type, order="C")])
            order, reward, done, truncation = self._receive()
            rewards[order] = reward
            terminated[order] = done & ~truncation
        self._elapsed += active
        return rewards, terminated, (self._elapsed >= self._limit) & ~terminated

    def close(self) -> None:
        """See `Environments.close`."""
        # EnvPool ends its threads when the pool goes out of scope, and only then.
        self._pool = None

    def _begin(self, slots: BoolArray) -> None:
        self._pool._reset(np.flatnonzero(slots).astype(np.int32))
        self._receive()
        self._elapsed[slots] = 0
        self._begun = True

    def _let_elapse(self, steps: Int64Array) -> None:
        self._elapsed[:] = steps

    def _receive(self) -> tuple[Any, ...]:
        """Return the ids of the slots with results, and their rewards, ends and truncations."""
        state = self._pool._recv()
        ids, observations, *results = (state[index] for index in self._indices)
        # The rows come back in the order of the ids, but scattering by id does not rely on it; if
        # all are in their places, a slice is several times as fast.
        in_order = len(ids) == self._count and np.array_equal(ids, self._all_ids)
        rows = slice(None) if in_order else ids
        # Numbers beyond float32 become infinite, which the divergence check looks for.
        with np.errstate(over="ignore"):
            self._observations[rows] = observations
        return rows, *results
