"""Environments that are unlike those of the suite, after public bug reports.

Importing this registers them with Gymnasium.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

LIMIT = 20
UNBOUNDED = Box(-np.inf, np.inf, (2,), np.float32)


def registered(
    limit: int | None = LIMIT, name: str | None = None
) -> Callable[[type[Odd]], type[Odd]]:
    def register(kind: type[Odd]) -> type[Odd]:
        identifier = name or f"{kind.__name__}-v0"
        gymnasium.register(id=identifier, entry_point=kind, max_episode_steps=limit)
        return kind

    return register


class Odd(gymnasium.Env[Any, Any]):
    """Counts its steps, never terminates, and rewards an action by its sum."""

    observation_space: Any = UNBOUNDED
    action_space: Any = Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.elapsed = 0
        return self.observation(), {}

    def observation(self) -> Any:
        return np.array([self.elapsed, self.np_random.normal()], np.float32)

    def reward(self, action: Any) -> Any:
        return float(np.sum(action))

    def step(self, action: Any) -> Any:
        self.elapsed += 1
        return self.observation(), self.reward(action), False, False, {}


@registered()
class Strict(Odd):
    """Refuses actions outside bounds that no float32 equals."""

    action_space = Box(-0.1, 0.1, (2,), np.float64)

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), f"{action!r} invalid"
        return super().step(action)


@registered(limit=None)
class Endless(Odd):
    """Has no time limit."""


@registered()
class Child(Odd):
    """Simulates in a process of its own, and tells its number where it is asked to."""

    method = "spawn"

    def __init__(self) -> None:
        context: Any = multiprocessing.get_context(self.method)
        self.process = context.Process(target=time.sleep, args=(3600.0,))
        self.process.start()
        folder = os.environ.get("CHILDREN")
        if folder:
            Path(folder, str(self.process.pid)).write_text(str(os.getpid()))

    def close(self) -> None:
        self.process.terminate()
        self.process.join()


@registered()
class ForkedChild(Child):
    """Its process has copies of all files and pipes that are open in this one."""

    method = "fork"


@registered()
class Exits(Odd):
    """Ends the process where no licence is found, at its third step."""

    def step(self, action: Any) -> Any:
        if self.elapsed == 2:
            sys.exit("no licence")
        return super().step(action)


@registered()
class GlobalNumpy(Odd):
    """Draws from numpy's global generator."""

    def reward(self, action: Any) -> Any:
        return float(np.random.normal())


@registered()
class GlobalRandom(Odd):
    """Draws from Python's global generator."""

    def reward(self, action: Any) -> Any:
        return random.random()


@registered()
class GlobalTorch(Odd):
    """Draws from torch's global generator."""

    def reward(self, action: Any) -> Any:
        return float(torch.rand(()))


@registered()
class ArrayReward(Odd):
    """Gives its reward as an array of one number."""

    def reward(self, action: Any) -> Any:
        return np.array([float(action)])


@registered()
class IntReward(Odd):
    """Gives its reward as an integer."""

    def reward(self, action: Any) -> Any:
        return int(action)


@registered()
class NoOptions(Odd):
    """Takes no options at its reset."""

    def reset(self, seed: int | None = None) -> Any:  # type: ignore[override]
        return Odd.reset(self, seed=seed)


@registered(name="zoo/Slash-v0")
class Slash(Odd):
    """Has a namespace."""


@registered(name="Unversioned")
class Unversioned(Odd):
    """Has no version."""


@registered()
class OneStep(Odd):
    """Is cut off at its first step."""

    def step(self, action: Any) -> Any:
        observation, reward, *_ = super().step(action)
        return observation, reward, False, True, {}


@registered()
class NoAxis(Odd):
    """Observes one number without an axis, and takes one."""

    observation_space = Box(-1, 1, (), np.float32)
    action_space = Box(-1, 1, (), np.float32)

    def observation(self) -> Any:
        return np.float32(self.np_random.uniform(-1, 1))

    def step(self, action: Any) -> Any:
        assert np.shape(action) == (), np.shape(action)
        return super().step(action)


@registered()
class Unbounded(Odd):
    """Takes any real numbers."""

    action_space = UNBOUNDED


@registered()
class OneChoice(Odd):
    """Leaves no choice."""

    action_space = Discrete(1)


@registered()
class TupleOfThree(Odd):
    """Observes a tuple."""

    observation_space = Tuple(
        (Discrete(3, start=5), MultiBinary(2), Box(-1, 1, (2, 2), np.float64))
    )

    def observation(self) -> Any:
        return (5 + self.elapsed % 3, np.array([1, 0], np.int8), np.zeros((2, 2)))


@registered()
class DictOfTwo(Odd):
    """Observes a picture and a number."""

    observation_space = Dict({"b": Box(0, 255, (4, 4, 3), np.uint8), "a": Discrete(3)})

    def observation(self) -> Any:
        return {"a": self.elapsed % 3, "b": np.full((4, 4, 3), self.elapsed, np.uint8)}


@registered()
class ConstantReward(Odd):
    """Rewards every action alike."""

    def reward(self, action: Any) -> Any:
        return 1.0


@registered()
class Prints(Odd):
    """Prints at its reset."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        print("hello from reset")
        return Odd.reset(self, seed=seed)


@registered()
class Account(Odd):
    """Is worth a million at the end, of which an action earns a few."""

    def reward(self, action: Any) -> Any:
        return 50_000.0 + float(action) * 2 + float(self.np_random.normal())


@registered()
class OldReset(Odd):
    """Returns no information with its first observation."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return Odd.reset(self, seed=seed)[0]


@registered()
class WrongShape(Odd):
    """Returns one number more than it declares."""

    def observation(self) -> Any:
        return np.zeros(3, np.float32)


@registered()
class Keywords(Odd):
    """Can't be made without an argument."""

    def __init__(self, difficulty: int) -> None:
        self.difficulty = difficulty


@registered()
class ManyChoices(Odd):
    """Takes several choices at once."""

    action_space = MultiDiscrete([2, 3])


@registered()
class Switches(Odd):
    """Takes several yes or no."""

    action_space = MultiBinary(3)


@registered()
class ListObservation(Odd):
    """Returns a list in place of an array."""

    def observation(self) -> Any:
        return [float(self.elapsed), 1.0]


@registered()
class WideObservation(Odd):
    """Declares float32 and returns float64."""

    def observation(self) -> Any:
        return np.array([self.elapsed, 0.0], np.float64)
