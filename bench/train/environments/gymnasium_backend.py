"""Gymnasium: every id that is registered with it, users' own ones included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np

from algorithms.spaces import Discrete
from bench.errors import InputError
from bench.train.environments.catalogue import registered_name
from bench.train.environments.gymnasium_spaces import (
    action_space_of,
    is_vector,
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
    """Sizes and time limit of one environment, which is made and closed for it."""
    environments = GymnasiumEnvironments(environment_id, [0], 1, time_limit=None)
    environments.close()
    return environments.specification


class GymnasiumEnvironments(Environments):
    """M environments in one synchronous vector. Every episode is seeded on its own."""

    def __init__(
        self, environment_id: str, seeds: Sequence[int], slots: int, *, time_limit: int | None
    ) -> None:
        """`bench.train.environments.make` says what the arguments mean."""
        name = registered_name(environment_id)
        self._id = environment_id
        self._places = [(seed, slot) for seed in seeds for slot in range(slots)]
        limit = {} if time_limit is None else {"max_episode_steps": time_limit}
        with self._named():
            try:
                self._vector: Any = gymnasium.make_vec(
                    name,
                    num_envs=len(self._places),
                    vectorization_mode="sync",
                    # The vector's arrays are copied here anyway, in float32.
                    vector_kwargs={
                        "autoreset_mode": gymnasium.vector.AutoresetMode.DISABLED,
                        "copy": False,
                    },
                    wrappers=[self._prepare],
                    **limit,
                )
            # ImportError: what the environment needs isn't installed.
            except (gymnasium.error.Error, ImportError) as error:
                line = " ".join(str(error).split())
                raise InputError(
                    f"the environment {environment_id!r} can't be made: {line}"
                ) from error
        specification = Specification(
            environment=environment_id,
            back_end="gymnasium",
            observation_size=observation_size_of(
                environment_id, self._vector.single_observation_space
            ),
            action_space=action_space_of(environment_id, self._vector.single_action_space),
            time_limit=time_limit or gymnasium.spec(name).max_episode_steps,
        )
        super().__init__(specification, len(self._places))
        self._episodes = np.zeros(self._count, np.int64)
        self._idle = np.zeros(self._count, np.bool_)

    def _let_elapse(self, steps: Int64Array) -> None:
        for slot, each in zip(self._vector.envs, steps.tolist(), strict=True):
            slot.env.set_wrapper_attr("_elapsed_steps", each)

    def _advance(
        self, actions: Float32Array | Int64Array, active: BoolArray
    ) -> tuple[Float64Array, BoolArray, BoolArray]:
        for slot in np.flatnonzero(active == self._idle):
            self._vector.envs[slot].idle = not active[slot]
        self._idle = ~active
        with self._named():
            raw, rewards, terminated, truncated, _ = self._vector.step(self._native(actions))
        self._observe(active, raw)
        return rewards, terminated, truncated & ~terminated

    def close(self) -> None:
        """See `Environments.close`."""
        self._vector.close()

    def _prepare(self, environment: gymnasium.Env[Any, Any]) -> _Slot:
        try:
            action_space_of(self._id, environment.action_space)
            observation_size_of(self._id, environment.observation_space)
        except InputError:
            # What it has started would keep this process from ending.
            environment.close()
            raise
        if not is_vector(environment.observation_space):
            environment = gymnasium.wrappers.FlattenObservation(environment)
        return _Slot(environment)

    def _begin(self, slots: BoolArray) -> None:
        seeds = [
            episode_seed(seed, slot, int(episode)) if begins else None
            for (seed, slot), episode, begins in zip(
                self._places, self._episodes, slots, strict=True
            )
        ]
        with self._named():
            raw, _ = self._vector.reset(seed=seeds, options={"reset_mask": slots})
        self._episodes += slots
        self._observe(slots, raw)

    def _native(self, actions: Float32Array | Int64Array) -> Any:
        if isinstance(self.action_space, Discrete):
            return actions + self._vector.single_action_space.start
        space = self._vector.single_action_space
        return actions.reshape(self._count, *space.shape).astype(space.dtype, copy=False)

    def _observe(self, slots: BoolArray, observations: Any) -> None:
        # What is beyond float32 becomes an infinity, which the divergence check looks for.
        with np.errstate(over="ignore"):
            self._observations[slots] = observations[slots]

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            error.add_note(f"raised by the environment {self._id!r}")
            raise


class _Slot(gymnasium.Wrapper[Any, Any, Any, Any]):
    """One environment of the vector, which always steps all: an idle one answers without a step.

    The extra information is dropped, because nobody reads it and batching it costs time.
    """

    def __init__(self, environment: gymnasium.Env[Any, Any]) -> None:
        super().__init__(environment)
        self.idle = False
        self._observation: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        self._observation, _ = self.env.reset(seed=seed, options=options)
        return self._observation, {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        if self.idle:
            return self._observation, 0.0, False, False, {}
        self._observation, reward, terminated, truncated, _ = self.env.step(action)
        return self._observation, reward, terminated, truncated, {}
