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
from bench.train.environments.finite_actions import withhold_not_finite
from bench.train.environments.gymnasium_spaces import (
    action_space_of,
    is_vector,
    observation_size_of,
)
from bench.train.environments.protocol import (
    BoolArray,
    Float32Array,
    Int64Array,
    Specification,
    Step,
)
from bench.train.environments.slot_seeds import episode_seed


def describe(environment_id: str) -> Specification:
    """Sizes and time limit of one environment, which is made and closed for it."""
    environments = GymnasiumEnvironments(environment_id, [0], 1, time_limit=None)
    environments.close()
    return Specification(
        environment=environment_id,
        back_end="gymnasium",
        observation_size=environments.observation_size,
        action_space=environments.action_space,
        time_limit=environments.time_limit,
    )


class GymnasiumEnvironments:
    """M environments in one synchronous vector. Every episode is seeded on its own."""

    def __init__(
        self, environment_id: str, seeds: Sequence[int], slots: int, *, time_limit: int | None
    ) -> None:
        """`bench.train.environments.make` says what the arguments mean."""
        name = registered_name(environment_id)
        self.back_end = "gymnasium"
        self.time_limit = (
            gymnasium.spec(name).max_episode_steps if time_limit is None else time_limit
        )
        self._id = environment_id
        self._places = [(seed, slot) for seed in seeds for slot in range(slots)]
        self._count = len(self._places)
        limit = {} if time_limit is None else {"max_episode_steps": time_limit}
        with self._named():
            try:
                self._vector: Any = gymnasium.make_vec(
                    name,
                    num_envs=self._count,
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
        self.action_space = action_space_of(environment_id, self._vector.single_action_space)
        self.observation_size = observation_size_of(
            environment_id, self._vector.single_observation_space
        )
        self._episodes = np.zeros(self._count, np.int64)
        self._observations = np.zeros((self._count, self.observation_size), np.float32)
        self._idle = np.zeros(self._count, np.bool_)

    def reset(self, elapsed: Int64Array | None = None) -> Float32Array:
        """See `Environments.reset`."""
        self._begin(np.ones(self._count, np.bool_))
        if elapsed is not None:
            for slot, steps in zip(self._vector.envs, elapsed.tolist(), strict=True):
                slot.env.set_wrapper_attr("_elapsed_steps", steps)
        return self._observations.copy()

    def step(self, actions: Float32Array | Int64Array, active: BoolArray) -> Step:
        """See `Environments.step`.

        Raises:
            Exception: whatever the environment raises, with a note that names it.
        """
        actions, withheld = withhold_not_finite(actions, self.action_space)
        self._let_idle(~active)
        with self._named():
            raw, rewards, terminated, truncated, _ = self._vector.step(self._native(actions))
        self._observe(active, raw)
        if withheld is not None:
            rewards[withheld & active] = np.nan
        truncated = truncated & ~terminated
        last_observations = observations = self._observations.copy()
        finished = terminated | truncated
        if finished.any():
            self._begin(finished)
            observations = self._observations.copy()
        return Step(
            observations=observations,
            last_observations=last_observations,
            rewards=rewards,
            terminated=terminated,
            truncated=truncated,
        )

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

    def _let_idle(self, idle: BoolArray) -> None:
        for slot in np.flatnonzero(idle != self._idle):
            self._vector.envs[slot].idle = bool(idle[slot])
        self._idle = idle

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
