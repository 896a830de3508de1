"""Gymnasium: every id that is registered with it, including users' own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np

from bench.errors import InputError
from bench.train.environments.catalogue import registered_name
from bench.train.environments.gymnasium_spaces import (
    action_space_of,
    is_vector,
    native,
    observation_size_of,
)
from bench.train.environments.protocol import (
    BoolArray,
    Environments,
    Float32Array,
    Float64Array,
    Int64Array,
    Specification,
)
from bench.train.environments.slot_seeds import episode_seed


def describe(environment_id: str) -> Specification:
    """Return sizes and time limit of an environment, by making one and closing it."""
    environments = GymnasiumEnvironments(environment_id, [0], 1, time_limit=None)
    environments.close()
    return environments.specification


class GymnasiumEnvironments(Environments):
    """M environments, stepped one after the other; every episode has its own seed."""

    def __init__(
        self, environment_id: str, seeds: Sequence[int], slots: int, *, time_limit: int | None
    ) -> None:
        """Take the arguments of `bench.train.environments.make`."""
        name = registered_name(environment_id)
        self._id = environment_id
        self._places = [(seed, slot) for seed in seeds for slot in range(slots)]
        self._environments = [self._made(name, time_limit) for _ in self._places]
        specification = Specification(
            environment=environment_id,
            back_end="gymnasium",
            observation_size=observation_size_of(
                environment_id, self._environments[0].observation_space
            ),
            action_space=action_space_of(environment_id, self._environments[0].action_space),
            time_limit=time_limit or gymnasium.spec(name).max_episode_steps,
        )
        super().__init__(specification, len(self._places))
        self._episodes = np.zeros(self._count, np.int64)

    def _made(self, name: str, time_limit: int | None) -> gymnasium.Env[Any, Any]:
        with self._named():
            try:
                environment = gymnasium.make(name, max_episode_steps=time_limit)
            # ImportError: a package that the environment needs isn't installed.
            except (gymnasium.error.Error, ImportError) as error:
                line = " ".join(str(error).split())
                raise InputError(f"the environment {self._id!r} can't be made: {line}") from error
        try:
            action_space_of(self._id, environment.action_space)
            observation_size_of(self._id, environment.observation_space)
        except InputError:
            # Threads that it has started would keep this process from ending.
            environment.close()
            raise
        if is_vector(environment.observation_space):
            return environment
        return gymnasium.wrappers.FlattenObservation(environment)

    def _begin(self, slots: BoolArray) -> None:
        with self._named():
            for n in np.flatnonzero(slots).tolist():
                seed = episode_seed(*self._places[n], int(self._episodes[n]))
                observation, _ = self._environments[n].reset(seed=seed, options={})
                self._observe(n, observation)
        self._episodes += slots

    def _let_elapse(self, steps: Int64Array) -> None:
        for environment, elapsed in zip(self._environments, steps.tolist(), strict=True):
            environment.set_wrapper_attr("_elapsed_steps", elapsed)

    def _advance(
        self, actions: Float32Array | Int64Array, active: BoolArray
    ) -> tuple[Float64Array, BoolArray, BoolArray]:
        rewards, (terminated, truncated) = np.zeros(self._count), np.zeros((2, self._count), bool)
        with self._named():
            for n in np.flatnonzero(active).tolist():
                action = native(actions[n], self._environments[n].action_space)
                observation, reward, ended, cut, _ = self._environments[n].step(action)
                rewards[n], terminated[n], truncated[n] = float(reward), ended, cut and not ended
                self._observe(n, observation)
        return rewards, terminated, truncated

    def close(self) -> None:
        for environment in self._environments:
            environment.close()

    def _observe(self, n: int, observation: Any) -> None:
        # Numbers beyond float32 become infinite, which the divergence check looks for.
        with np.errstate(over="ignore"):
            declared = np.asarray(observation, self._environments[n].observation_space.dtype)
            self._observations[n] = declared.reshape(self.observation_size)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            error.add_note(f"raised by the environment {self._id!r}")
            raise
