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
from bench.train.environments.warp_draws import address
from bench.train.environments.warp_tasks import State, task_of
from bench.train.environments.warp_worlds import Worlds

# Separates these random numbers from those of actions and minibatches.
_DOMAIN = int.from_bytes(b"begin", "big")


def describe(environment_id: str) -> Specification:
    """Sizes and time limit as Gymnasium states them."""
    environment = _made(environment_id)
    try:
        return _specification(environment_id, environment)
    finally:
        environment.close()


@dataclass(frozen=True, kw_only=True)
class Tick:
    """`protocol.Step` as tensors on the device: [M, O] and [M]; rewards are float32."""

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
        self._task = task_of(environment_id, environment.unwrapped)
        count = len(seeds) * slots
        self.worlds = Worlds(
            environment.unwrapped.model,
            count,
            frame_skip=environment.unwrapped.frame_skip,
            contact_forces=self._task.contact_forces,
            device=device,
        )
        environment.close()
        self._seeds = torch.tensor(seeds, device=device).repeat_interleave(slots)
        self._slots = torch.arange(slots, device=device).repeat(len(seeds))
        self.elapsed = torch.zeros(count, dtype=torch.int64, device=device)
        self.episode = torch.zeros(count, dtype=torch.int64, device=device)
        self.place = torch.zeros(count, device=device)
        self.observations = torch.zeros(count, self.observation_size, device=device)
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

    @torch.no_grad()
    def begin(self) -> None:
        """Begin a new episode in every slot."""
        self._begin(torch.ones_like(self.elapsed, dtype=torch.bool))
        self._begun = True

    @torch.no_grad()
    def send(self, actions: Tensor) -> None:
        """First part of a tick: write actions [M, A] to the worlds; `worlds.advance()` follows."""
        self._finite = torch.isfinite(actions).all(1)
        self.worlds.control.copy_(torch.where(self._finite.unsqueeze(1), actions, 0.0))
        # Idle worlds are stepped like all others, which costs nothing, and then put back.
        self._kept = [tensor.clone() for tensor in self._physics]

    @torch.no_grad()
    def receive(self, active: Tensor) -> Tick:
        """Last part of a tick: return the step's results in the slots that are `active` [M]."""
        worlds, task = self.worlds, self._task
        worlds.begin_bad_ones_anew()
        for tensor, kept in zip(self._physics, self._kept, strict=True):
            tensor.copy_(torch.where(active.unsqueeze(1), tensor, kept))
        state = State(
            position=worlds.position,
            velocity=worlds.velocity,
            before=self.place,
            action=worlds.control,
            bodies=worlds.bodies,
            sites=worlds.sites,
            constraint=worlds.constraint,
            contact=worlds.contact,
        )
        healthy = task.healthy(state)
        rewards = torch.where(self._finite, task.reward(state, healthy), torch.nan)
        self.elapsed += active
        terminated = ~healthy & active
        truncated = (self.elapsed >= self._limit) & active & ~terminated
        keep = active.unsqueeze(1)
        last = torch.where(keep, task.observe(state).float(), self.observations)
        self.observations.copy_(last)
        self.place.copy_(torch.where(active, task.place(state), self.place))
        self._begin(terminated | truncated)
        return Tick(
            observations=self.observations,
            last_observations=last,
            rewards=torch.where(active, rewards, 0.0).float(),
            terminated=terminated,
            truncated=truncated,
        )

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
            observations=tick.observations.cpu().numpy().copy(),
            last_observations=tick.last_observations.cpu().numpy(),
            rewards=tick.rewards.double().cpu().numpy(),
            terminated=tick.terminated.cpu().numpy(),
            truncated=tick.truncated.cpu().numpy(),
        )

    def close(self) -> None:
        """See `Environments.close`."""
        del self.worlds

    @property
    def _physics(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.worlds.position, self.worlds.velocity, self.worlds.warm_start

    def _begin(self, where: Tensor) -> None:
        """Begin new episodes in the slots `where` [M], without a forward pass of the physics."""
        keys = address(_DOMAIN, self._seeds, self._slots, self.episode)
        position, velocity = self._task.begin(keys)
        begun = (position, velocity, torch.zeros_like(self.worlds.warm_start))
        for tensor, new in zip(self._physics, begun, strict=True):
            tensor.copy_(torch.where(where.unsqueeze(1), new, tensor))
        first = self._task.first(position, velocity)
        self.observations.copy_(torch.where(where.unsqueeze(1), first, self.observations))
        self.place.copy_(torch.where(where, position[:, 0], self.place))
        self.elapsed.masked_fill_(where, 0)
        self.episode += where


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
