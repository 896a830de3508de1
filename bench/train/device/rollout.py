"""Collect batches without leaving the device: acting, stepping and recording work on tensors.

A tick is three launches on CUDA: a graph up to the actions, the physics' own, and a graph from
the physics on. The host reads values once per batch.
"""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.policy_gradient import TIME_BLOCK
from algorithms.spaces import Continuous
from bench.train.device.graphs import Recorded
from bench.train.device.learner import DeviceLearner
from bench.train.device.tick_kernels import SOUND, Columns, Episodes, Outcome, count, record
from bench.train.device.turns import pass_on, pass_on_until_done
from bench.train.environments.warp_backend import WarpEnvironments
from bench.train.environments.warp_draws import address, normal
from bench.train.environments.warp_launching import filled, launch
from bench.train.episode_log import EpisodeLog
from bench.train.loop import AFTER_UPDATE
from bench.train.rollout import staggered

# Separates action noise from other random numbers that are addressed by (seed, …).
_DOMAIN = int.from_bytes(b"action", "big")
# Ticks after which the host checks whether any slot still acts, where slots go idle one by one.
_LOOK_EVERY = 8
_FLAGS = ("terminated", "truncated", "valid")
_RESULTS = ("rewards", "terminated", "truncated")
# Parts that may be not finite, by index, as a graph holds no strings; earlier ones can cause later.
# `tick_kernels.count` finds the first four.
_PARTS = ("action", "reward", "observation", "observation from reset", *AFTER_UPDATE)


class DeviceRollout:
    """A `Collector`: `bench.train.rollout.Rollout` for environments that are tensors.

    Action noise is drawn by (seed, slot, steps that the slot has taken).

    Args:
        algorithm: decides what is collected, and perhaps how actions are chosen.
        learner: the S seeds; its `active` decides which still act.
        environments: S · N worlds, a seed's slots side by side.
        record: whether ticks are recorded as CUDA graphs, on CUDA.
    """

    def __init__(
        self,
        algorithm: Algorithm[Any],
        learner: DeviceLearner[Any],
        environments: WarpEnvironments,
        *,
        record: bool = True,
    ) -> None:
        h = learner.hyperparameters
        seeds, slots = len(learner.seeds), h.slots
        self._learner = learner
        self._environments = environments
        self._shape = (seeds, slots)
        self._started = time.perf_counter()
        self._trajectories = algorithm.collects == "trajectories"
        self._ticks = TIME_BLOCK
        if not self._trajectories:
            self._ticks = h.batch_steps // slots
        device = environments.device
        self._seeds = torch.tensor(learner.seeds, device=device).unsqueeze(1)
        self._slots = torch.arange(slots, device=device)
        self._acting = torch.zeros(seeds, slots, dtype=torch.bool, device=device)
        self._row = torch.zeros(1, dtype=torch.int64, device=device)
        self._taken = torch.zeros(seeds, slots, dtype=torch.int64, device=device)
        self._lengths = torch.zeros(seeds, slots, dtype=torch.int64, device=device)
        self._returns = torch.zeros(seeds, slots, dtype=torch.float64, device=device)
        self._diverged_at = torch.full((seeds,), -1, dtype=torch.int64, device=device)
        self._diverged_by = torch.full((seeds,), -1, dtype=torch.int64, device=device)
        self._bad = torch.full((seeds,), SOUND, dtype=torch.int32, device=device)
        self._sound_actions = torch.ones(seeds, slots, dtype=torch.bool, device=device)
        self.steps = torch.zeros(seeds, dtype=torch.int64, device=device)
        self.episodes = [EpisodeLog() for _ in learner.seeds]
        self._bounds: tuple[Tensor, Tensor] | None = None
        actions = environments.action_space
        assert isinstance(actions, Continuous)
        if h.action_clipping:
            bounds = (actions.low, actions.high)
            low, high = (torch.tensor(bound, device=device) for bound in bounds)
            self._bounds = (low, high)
        # Columns of a batch, or a block of one, [S, ticks, N, …]; the first tick adds the others.
        self._batch = {
            name: torch.zeros(seeds, self._ticks, slots, dtype=torch.bool, device=device)
            for name in _FLAGS
        }
        self._batch["rewards"] = torch.zeros(seeds, self._ticks, slots, device=device)
        self._ends = {
            name: torch.zeros(seeds, self._ticks, slots, dtype=dtype, device=device)
            for name, dtype in (
                ("step", torch.int64),
                ("length", torch.int64),
                ("whole_return", torch.float64),
            )
        }
        self._choose = algorithm.act
        recordable = algorithm.act is None or algorithm.recordable
        enabled = record and device.type == "cuda" and recordable
        self._recorded_act = Recorded(self._act, enabled=enabled)
        self._recorded_receive = Recorded(self._receive, enabled=enabled)
        environments.begin()
        # Slots whose first episode began cut short: it is not recorded.
        self._cut = torch.zeros(seeds, slots, dtype=torch.bool, device=device)
        if h.staggered_start:
            elapsed = torch.from_numpy(staggered(environments, seeds, slots)).to(device)
            environments.elapsed.copy_(elapsed)
            self._cut.copy_(elapsed.view(self._shape) > 0)
        finite = torch.isfinite(environments.observations).view(*self._shape, -1).all(2)
        self.stop(~finite.all(1), "observation from reset")

    def divergences(self) -> list[tuple[str, int] | None]:
        """As `Collector`."""
        pairs = zip(self._diverged_by.tolist(), self._diverged_at.tolist(), strict=True)
        return [(_PARTS[part], step) if step >= 0 else None for part, step in pairs]

    def taken(self) -> Tensor:
        """As `Collector`."""
        return self.steps.clone()

    @property
    def state(self) -> dict[str, Tensor]:
        """Name -> tensor that the next batches depend on besides the learner's: no copies."""
        return {
            "taken": self._taken,
            "lengths": self._lengths,
            "returns": self._returns,
            "cut": self._cut,
            "diverged_at": self._diverged_at,
            "diverged_by": self._diverged_by,
            "rollout_steps": self.steps,
            **{f"environments.{k}": v for k, v in self._environments.state.items()},
        }

    def seconds(self) -> float:
        """Wall time since training began [s], rounded down to 1/64 s, which compresses well."""
        return math.floor(64 * (time.perf_counter() - self._started)) / 64

    def began(self, seconds: float) -> None:
        """Count this many seconds, trained in an earlier process, as already passed."""
        self._started = time.perf_counter() - seconds

    def collect(self) -> tuple[Batch, Diagnostics]:
        """Collect `batch_steps` of every active seed, or one whole episode per slot, then idle.

        Raises:
            RuntimeError: the physics lost contacts (`Worlds.check`).
        """
        learner = self._learner
        learner.settle()
        self._acting.copy_(learner.active.unsqueeze(1).expand(self._shape))
        blocks = []
        while True:
            self._tick_through()
            self._environments.worlds.check()
            if not self._trajectories:
                columns = self._batch
                break
            blocks.append({name: value.clone() for name, value in self._batch.items()})
            if not bool(self._acting.any()):
                columns = {
                    name: torch.cat([block[name] for block in blocks], dim=1) for name in blocks[0]
                }
                break
        batch = Batch(**columns)
        # Where no episode ended, the next observation is the one that was acted on.
        next_observations = batch.next_observations[:, :-1]
        ended = batch.ended[:, :-1].unsqueeze(3)
        next_observations.copy_(torch.where(ended, next_observations, batch.observations[:, 1:]))
        return batch, {}

    def stop(self, diverged: Tensor, quantity: str) -> None:
        """As `Collector`; stopped seeds stay as they are."""
        active = self._learner.active
        stopping = diverged & active
        self._diverged_at.copy_(torch.where(stopping, self.steps, self._diverged_at))
        self._diverged_by.masked_fill_(stopping, _PARTS.index(quantity))
        active.logical_and_(~diverged)

    def _tick_through(self) -> None:
        self._row.zero_()
        for name in _FLAGS:
            self._batch[name].zero_()
        for tick in range(self._ticks):
            if self._trajectories and tick % _LOOK_EVERY == 0 and not bool(self._acting.any()):
                break
            self._recorded_act()
            self._environments.worlds.advance()
            self._recorded_receive()
            pass_on()
        pass_on_until_done(self._row.device)
        self._read_episodes()

    @torch.no_grad()
    def _act(self) -> None:
        learner, environments = self._learner, self._environments
        raw = environments.observations.view(*self._shape, -1)
        observations = learner.observe(raw, self._acting)
        keys = address(_DOMAIN, self._seeds, self._slots, self._taken)
        noise = normal(keys, learner.policy.noise_size).float()
        choose = self._choose
        act = learner.act if choose is None else partial(choose, learner)
        actions, statistics = act(observations, noise)
        self._write("observations", observations)
        self._write("actions", actions)
        self._write("statistics", statistics)
        self._write("valid", self._acting)
        self._sound_actions.copy_(torch.isfinite(actions).all(2))
        sent = actions.flatten(0, 1)
        if self._bounds is not None:
            sent = torch.clamp(sent, *self._bounds)
        environments.send(sent)

    @torch.no_grad()
    def _receive(self) -> None:
        tick = self._environments.receive(self._acting.flatten())
        last_observations = tick.last_observations.view(*self._shape, -1)
        self._write("next_observations", self._learner.normalise(last_observations))
        outcome = {
            "acting": self._acting,
            "sound_actions": self._sound_actions,
            "last": last_observations,
            "observations": tick.observations.view(*self._shape, -1),
            **{name: getattr(tick, name).view(self._shape) for name in _RESULTS},
            "bad": self._bad.fill_(SOUND),
        }
        episodes = {
            "active": self._learner.active,
            "steps": self.steps,
            "diverged_at": self._diverged_at,
            "diverged_by": self._diverged_by,
            "taken": self._taken,
            "lengths": self._lengths,
            "returns": self._returns,
            "cut": self._cut,
        }
        columns = {"row": self._row, **{name: self._batch[name] for name in _RESULTS}, **self._ends}
        arguments = [filled(Outcome, outcome), filled(Episodes, episodes)]
        launch(count, self._shape, arguments, self._row.device)
        arguments = [*arguments, filled(Columns, columns), self._trajectories]
        launch(record, self._shape, arguments, self._row.device)
        self._row.add_(1)

    def _write(self, name: str, values: Tensor) -> None:
        if name not in self._batch:
            shape = self._shape[0], self._ticks, *values.shape[1:]
            self._batch[name] = values.new_zeros(shape)
        self._batch[name].index_copy_(1, self._row, values.unsqueeze(1))

    def _read_episodes(self) -> None:
        """Log the episodes that ended in these ticks, in the order in which they ended."""
        batch = self._batch
        ended = (batch["terminated"] | batch["truncated"]) & batch["valid"]
        indices = ended.transpose(0, 1).nonzero()
        tick, s, n = indices.unbind(1)
        columns = {name: values[s, tick, n] for name, values in self._ends.items()}
        step, length, returns = (
            columns[name].cpu().numpy() for name in ("step", "length", "whole_return")
        )
        seconds = self.seconds()
        finite = np.isfinite(returns)
        for row, seed in enumerate(s.cpu().numpy()):
            if finite[row]:
                episode = int(step[row]), float(returns[row]), int(length[row]), seconds
                self.episodes[seed].append(*episode)
