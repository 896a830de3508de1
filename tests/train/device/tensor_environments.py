"""A small task whose physics is a line of torch: what training on a device does, in milliseconds.

It stands where `WarpEnvironments` does. MuJoCo Warp on a CPU takes half a second a tick.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from algorithms.numerics.counters import address, uniform
from algorithms.spaces import Continuous
from bench.train.environments.warp_backend import Tick

LIMIT = 6


class TensorEnvironments:
    """A point that is pushed along a line: it earns by its speed, and falls off at ±1.5."""

    def __init__(
        self,
        environment_id: str,
        seeds: Sequence[int],
        slots: int,
        *,
        time_limit: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.observation_size = 2
        self.action_space = Continuous(size=1, low=(-1.0,), high=(1.0,))
        self.time_limit = time_limit or LIMIT
        self.worlds = self
        self._seeds = torch.tensor(seeds).repeat_interleave(slots)
        self._slots = torch.arange(slots).repeat(len(seeds))
        count = len(seeds) * slots
        self.elapsed = torch.zeros(count, dtype=torch.int64)
        self.episode = torch.zeros(count, dtype=torch.int64)
        self.observations = torch.zeros(count, 2)
        self._moved = torch.zeros(count, 2)

    @property
    def state(self) -> dict[str, Tensor]:
        names = ("elapsed", "episode", "observations")
        return {name: getattr(self, name) for name in names}

    def begin(self) -> None:
        self._begin(torch.ones_like(self.elapsed, dtype=torch.bool))

    def send(self, actions: Tensor) -> None:
        self._push = actions[:, 0]

    def advance(self) -> None:
        position, speed = self.observations.unbind(1)
        speed = 0.9 * speed + 0.3 * self._push
        self._moved = torch.stack([position + 0.5 * speed, speed], dim=1)

    def check(self) -> None:
        """Nothing can be lost."""

    def receive(self, active: Tensor) -> Tick:
        last = torch.where(active.unsqueeze(1), self._moved, self.observations)
        self.elapsed += active
        terminated = (last[:, 0].abs() > 1.5) & active
        truncated = (self.elapsed >= self.time_limit) & active & ~terminated
        self.observations.copy_(last)
        self._begin(terminated | truncated)
        return Tick(
            observations=self.observations,
            last_observations=last,
            rewards=torch.where(active, last[:, 1] + 0.2, 0.0),
            terminated=terminated,
            truncated=truncated,
        )

    def close(self) -> None:
        """Nothing is held."""

    def _begin(self, where: Tensor) -> None:
        keys = address(7, self._seeds, self._slots, self.episode)
        first = (uniform(keys, 2) - 0.5).float()
        self.observations.copy_(torch.where(where.unsqueeze(1), first, self.observations))
        self.elapsed.masked_fill_(where, 0)
        self.episode += where
