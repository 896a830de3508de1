"""Environments whose answers are known, registered with Gymnasium by importing this module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from bench.train.environments.slot_seeds import episode_seed


class Small(gymnasium.Env[Any, Any]):
    """Counts its steps; knows the seed of its episode."""

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)
    action_space: Any = Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.seed = seed
        self.step_number = 0
        self.begin()
        return self.observation(), {}

    def begin(self) -> None:
        """What an episode begins with."""

    def observation(self) -> np.ndarray:
        return np.array([self.step_number, 1.0], np.float32)


class Coin(Small):
    """Heads: a reward of 1 at once, and the end. Tails: nothing, for nine steps more.

    Mean return 0.5, whatever the policy; the lucky episodes are the short ones.
    """

    def begin(self) -> None:
        self.heads = bool(self.np_random.random() < 0.5)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.step_number += 1
        ended = self.heads or self.step_number == 10
        return self.observation(), float(self.heads), ended, False, {}


class Diary(Small):
    """Tells where it is: observation (episode's own number, step), reward = 100·number + step.

    Episodes last from 1 to 5 steps, as their seed says; those of 5 are cut by the limit.
    """

    def begin(self) -> None:
        self.number = int(self.np_random.integers(1, 1000))
        self.length = int(self.np_random.integers(1, 9))

    def observation(self) -> np.ndarray:
        return np.array([self.number, self.step_number], np.float32)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.step_number += 1
        reward = 100.0 * self.number + self.step_number
        return self.observation(), reward, self.step_number >= self.length, False, {}


class Echo(Small):
    """Rewards an action by its first component as it arrived; ends after 4 steps."""

    action_space = Box(np.array([-0.5, -1.0], np.float32), np.array([0.25, 1.0], np.float32))

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.step_number += 1
        return self.observation(), float(action[0]), self.step_number == 4, False, {}


class Same(Small):
    """Reward 1 for repeating the state, which is redrawn every step; 20 steps."""

    observation_space = Box(0, 1, (4,), np.float32)
    action_space = Discrete(4)

    def begin(self) -> None:
        self.state = int(self.np_random.integers(4))

    def observation(self) -> np.ndarray:
        return np.eye(4, dtype=np.float32)[self.state]

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.step_number += 1
        reward = float(action == self.state)
        self.begin()
        return self.observation(), reward, False, False, {}


class Near(Same):
    """The continuous sibling: minus the distance of the action to a target that is shown."""

    observation_space = Box(-1, 1, (1,), np.float32)
    action_space = Box(-1, 1, (1,), np.float32)

    def begin(self) -> None:
        self.state = float(self.np_random.uniform(-0.9, 0.9))

    def observation(self) -> np.ndarray:
        return np.array([self.state], np.float32)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.step_number += 1
        reward = -abs(float(action[0]) - self.state)
        self.begin()
        return self.observation(), reward, False, False, {}


class Fragile(Small):
    """A noisy walk of up to 12 steps in which a fault happens to chosen seeds.

    The fault happens in an episode of slot 1, number 2 unless told, at step 3, to the seeds in
    `victims`: `fault` is the reward then, or "observation" for a NaN in what is seen, or "reset"
    for one in what the episode begins with.
    """

    victims: ClassVar[frozenset[int]] = frozenset()
    fault: ClassVar[float | str] = float("nan")
    stepped: ClassVar[dict[int, int]] = {}
    """Steps taken by episodes of a seed's faulty slot: episode seed -> steps."""

    @classmethod
    def set(cls, victims: Iterable[int], fault: float | str, episode: int = 2) -> None:
        cls.victims = frozenset(episode_seed(seed, 1, episode) for seed in victims)
        cls.fault = fault
        cls.stepped = {}

    def begin(self) -> None:
        self.place = 0.0
        self.length = int(self.np_random.integers(4, 13))
        self.struck = self.fault == "reset" and self.seed in self.victims

    def observation(self) -> np.ndarray:
        if self.struck and isinstance(self.fault, str):
            return np.array([np.nan, 1.0], np.float32)
        return np.array([self.place, self.step_number], np.float32)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.step_number += 1
        self.place += float(np.sum(action)) + float(self.np_random.normal())
        reward = -abs(self.place)
        assert self.seed is not None
        self.stepped[self.seed] = self.step_number
        if self.seed in self.victims and self.step_number == 3:
            self.struck = True
            reward = reward if isinstance(self.fault, str) else self.fault
        return self.observation(), reward, self.step_number >= self.length, False, {}


class FragileContinuous(Fragile):
    """The same with real actions."""

    action_space = Box(-1, 1, (1,), np.float32)


class Shown(Near):
    """Can be looked at."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": 50}

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.shown = 0

    def render(self) -> Any:
        self.shown += 1
        if self.render_mode == "human":
            return None
        return np.full((5, 7, 3), min(255, self.step_number), np.uint8)


class Mute(Shown):
    """Fails when it is looked at."""

    def render(self) -> Any:
        raise RuntimeError("blind")


LIMITS = {
    Coin: 10,
    Diary: 5,
    Echo: None,
    Same: 20,
    Near: 20,
    Fragile: 12,
    FragileContinuous: 12,
    Shown: 20,
    Mute: 20,
}

for _class, _limit in LIMITS.items():
    gymnasium.register(
        id=f"{_class.__name__}-v0",
        entry_point=_class,
        max_episode_steps=_limit,
        disable_env_checker=True,
    )
