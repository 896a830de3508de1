"""MuJoCo Warp: Gymnasium's MuJoCo tasks (v5), all worlds at once, on a GPU (or, slowly, a CPU).

Everything is a tensor on the device: the host reads no value during a tick. An episode's initial
state is drawn by (seed, slot, episode), so that no generator's state has to be saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import Tensor

from bench.errors import InputError
from bench.plan.back_ends import WARP
from bench.train.environments.gymnasium_spaces import action_space_of, observation_size_of
from bench.train.environments.protocol import (
    BoolArray,
    Float32Array,
    Int64Array,
    Specification,
    Step,
)
from bench.train.environments.warp_kernels import Slots, kernels, send
from bench.train.environments.warp_launching import filled, launch
from bench.train.environments.warp_tasks import TASKS
from bench.train.environments.warp_worlds import Worlds


def describe(environment_id: str) -> Specification:
    """Sizes and time limit as Gymnasium states them."""
    environment = _made(environment_id)
    try:
        return _specification(environment_id, environment)
    finally:
        environment.close()


@dataclass(frozen=True, kw_only=True)
class Tick:
    """`protocol.Step` as tensors on the device, valid until the next tick: [M, O] and [M].

    Rewards are float32.
    """

    observations: Tensor
    last_observations: Tensor
    rewards: Tensor
    terminated: Tensor
    truncated: Tensor


class WarpEnvironments:
    """M worlds. `reset` and `step` are those of `Environments`; `tick` stays on the device.

    Attributes:
        observations: float32 [M, O] what to act on next.
        place: float32 [M], coordinate from which forward speed is measured; elapsed, episode: int64
            [M], steps of the episode and its number. With `worlds`, this is the whole state.
    """

    def __init__(
        self,
        environment_id: str,
        seeds: Sequence[int],
        slots: int,
        *,
        time_limit: int | None = None,
        device: str = "cpu",
    ) -> None:
        """Take the arguments of `bench.train.environments.make`, and a device of torch."""
        if environment_id not in WARP.ids:
            raise InputError(
                f"MuJoCo Warp doesn't step {environment_id!r} here. Allowed: {', '.join(WARP.ids)}"
            )
        environment = _made(environment_id)
        specification = _specification(environment_id, environment)
        self.back_end = "warp"
        self.observation_size = specification.observation_size
        self.action_space = specification.action_space
        limit = specification.time_limit if time_limit is None else time_limit
        assert limit is not None
        self.time_limit: int | None = limit
        self._limit = limit
        self.device = torch.device(device)
        task = TASKS[environment_id]
        # Before `Worlds`, which waits for the device: torch's streams wait for no copy of Warp's.
        self._numbers = task.numbers_of(environment.unwrapped, device)
        self._count = len(seeds) * slots
        self.worlds = Worlds(
            environment.unwrapped.model,
            self._count,
            frame_skip=environment.unwrapped.frame_skip,
            contact_forces=task.contact_forces,
            device=device,
        )
        self._begin, self._receive = kernels(task.functions)
        environment.close()
        tensors = self._tensors(seeds, slots)
        self.elapsed, self.episode = tensors["elapsed"], tensors["episode"]
        self.place, self.observations = tensors["place"], tensors["observations"]
        self._tick = Tick(
            observations=self.observations,
            last_observations=tensors["last"],
            **{name: tensors[name] for name in ("rewards", "terminated", "truncated")},
        )
        self._slots = filled(Slots, tensors)
        self._begun = False

    @property
    def state(self) -> dict[str, Tensor]:
        """Name -> tensor that the next ticks depend on: the tensors themselves, not copies."""
        worlds = self.worlds
        return {
            "position": worlds.position,
            "velocity": worlds.velocity,
            "warm_start": worlds.warm_start,
            "place": self.place,
            "elapsed": self.elapsed,
            "episode": self.episode,
            "observations": self.observations,
        }

    def begin(self) -> None:
        """Begin a new episode in every slot."""
        arguments = [self.worlds.state, self._slots, self._numbers]
        launch(self._begin, self._count, arguments, self.device)
        self._begun = True

    def send(self, actions: Tensor) -> None:
        """First part of a tick: write actions [M, A] to the worlds; `worlds.advance()` follows."""
        launch(send, self._count, [actions.float(), self.worlds.state, self._slots], self.device)

    def receive(self, active: Tensor) -> Tick:
        """Last part of a tick: return the step's results in the slots that are `active` [M]."""
        arguments = [self.worlds.state, self._slots, self._numbers, self._limit, active]
        launch(self._receive, self._count, arguments, self.device)
        return self._tick

    def reset(self) -> Float32Array:
        """See `Environments.reset`."""
        self.begin()
        return self.observations.cpu().numpy().copy()

    def step(self, actions: Float32Array | Int64Array, active: BoolArray) -> Step:
        """See `Environments.step`.

        Raises:
            RuntimeError: contacts were lost (`Worlds.check`).
        """
        if not self._begun:
            raise RuntimeError("reset() comes before the first step()")
        mask = torch.from_numpy(active).to(self.device)
        self.send(torch.from_numpy(actions.astype(np.float32)).to(self.device))
        self.worlds.advance()
        tick = self.receive(mask)
        self.worlds.check()
        return Step(
            observations=tick.observations.numpy(force=True).copy(),
            last_observations=tick.last_observations.numpy(force=True).copy(),
            rewards=tick.rewards.double().numpy(force=True),
            terminated=tick.terminated.numpy(force=True).copy(),
            truncated=tick.truncated.numpy(force=True).copy(),
        )

    def close(self) -> None:
        """See `Environments.close`."""
        del self.worlds

    def _tensors(self, seeds: Sequence[int], slots: int) -> dict[str, Tensor]:
        """Name -> tensor, by the fields of `Slots`."""

        def zeros(*size: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(self._count, *size, dtype=dtype, device=self.device)

        return {
            "seeds": torch.tensor(seeds, device=self.device).repeat_interleave(slots),
            "slots": torch.arange(slots, device=self.device).repeat(len(seeds)),
            **{name: zeros(dtype=torch.int64) for name in ("elapsed", "episode")},
            **{name: zeros() for name in ("place", "rewards")},
            **{name: zeros(dtype=torch.bool) for name in ("finite", "terminated", "truncated")},
            **{name: zeros(self.observation_size) for name in ("observations", "last")},
            **{
                f"kept_{name}": torch.zeros_like(getattr(self.worlds, name))
                for name in ("position", "velocity", "warm_start")
            },
        }


def _made(environment_id: str) -> Any:
    return gymnasium.make(environment_id)


def _specification(environment_id: str, environment: Any) -> Specification:
    return Specification(
        environment=environment_id,
        back_end="warp",
        observation_size=observation_size_of(environment_id, environment.observation_space),
        action_space=action_space_of(environment_id, environment.action_space),
        time_limit=environment.spec.max_episode_steps,
    )
