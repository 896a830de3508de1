"""Collecting batches: the policy acts, the environments step, episodes are recorded.

Returns are measured here, at the environment's boundary, on raw rewards, outside the
algorithm.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from algorithms.batch import Batch
from algorithms.hyperparameters import CriticHyperparameters
from algorithms.learner import NOISE_BLOCK, Learner
from algorithms.numerics.random_streams import Noise
from algorithms.policy_gradient import TIME_BLOCK
from algorithms.spaces import Continuous
from bench.train.environments import BoolArray, Environments, Step


@dataclass
class EpisodeLog:
    """The finished episodes of one seed, a list a column of the table `episodes`."""

    step: list[int] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    length: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Rollout:
    """The environments of a group of seeds, and where their episodes stand.

    Args:
        learner: S seeds; its `active` decides who still acts.
        environments: S · N environments, a seed's slots side by side.

    Attributes:
        episodes: one log a seed.
        steps: int64 [S], taken so far.
        diverged_at: steps at which a seed's numbers stopped being finite, or None.
    """

    def __init__(self, learner: Learner, environments: Environments) -> None:
        self._learner = learner
        self._environments = environments
        self._started = time.perf_counter()
        seeds, slots = len(learner.seeds), learner.hyperparameters.slots
        self._shape = (seeds, slots)
        self._observations = self._tensor(environments.reset())
        self._returns = np.zeros(self._shape)
        self._lengths = np.zeros(self._shape, dtype=np.int64)
        self.steps = np.zeros(seeds, dtype=np.int64)
        self.episodes = [EpisodeLog() for _ in learner.seeds]
        self.diverged_at: list[int | None] = [None] * seeds
        self._bounds: tuple[np.ndarray, np.ndarray] | None = None
        actions = environments.action_space
        if isinstance(actions, Continuous) and learner.hyperparameters.action_clipping:
            low, high = np.asarray(actions.low), np.asarray(actions.high)
            self._bounds = (low.astype(np.float32), high.astype(np.float32))

    def seconds(self) -> float:
        """Wall time since training began, to 1/64 s: what is stored of it takes little room."""
        return math.floor(64 * (time.perf_counter() - self._started)) / 64

    def _tensor(self, values: np.ndarray) -> Tensor:
        """[S·N, …] of the environments -> [S, N, …] on the learner's device."""
        tensor = torch.from_numpy(values)
        return tensor.view(*self._shape, *tensor.shape[1:]).to(self._learner.device)

    def collect_steps(self) -> Batch:
        """`batch_steps` of every active seed, episodes running on between batches."""
        h = self._learner.hyperparameters
        assert isinstance(h, CriticHyperparameters)
        acting = self._acting()
        batch = self._tick_through(acting, h.batch_steps // h.slots, self._learner.noise())
        return _batch([batch])

    def collect_trajectories(self) -> Batch:
        """One whole episode a slot of every active seed; a slot that is done idles.

        A batch that took the episodes that finish first would prefer the short ones.
        """
        acting = self._acting()
        noise = self._learner.noise()
        blocks = []
        while acting.any():
            blocks.append(self._tick_through(acting, TIME_BLOCK, noise, once=True))
        return _batch(blocks)

    def _acting(self) -> BoolArray:
        active = self._learner.active.cpu().numpy()
        return np.repeat(active[:, None], self._shape[1], axis=1)

    def _tick_through(
        self, acting: BoolArray, ticks: int, noise: Noise, once: bool = False
    ) -> dict[str, Tensor]:
        """Up to `ticks` steps into fresh storage [S, ticks, N, …]; `acting` changes in place."""
        learner = self._learner
        seeds, slots = self._shape
        host = {
            "rewards": np.zeros((seeds, ticks, slots), dtype=np.float32),
            "terminated": np.zeros((seeds, ticks, slots), dtype=np.bool_),
            "truncated": np.zeros((seeds, ticks, slots), dtype=np.bool_),
            "valid": np.zeros((seeds, ticks, slots), dtype=np.bool_),
        }
        store: dict[str, Tensor] = {}
        block: Tensor | None = None
        for tick in range(ticks):
            if not acting.any():
                break
            if tick % NOISE_BLOCK == 0:
                block = noise.next_block().to(learner.device)
            assert block is not None
            host["valid"][:, tick] = acting
            moment, step = self._tick(acting, block[tick % NOISE_BLOCK], once)
            for name in ("rewards", "terminated", "truncated"):
                host[name][:, tick] = getattr(step, name).reshape(self._shape)
            if not store:
                store = {
                    name: value.new_zeros((seeds, ticks, *value.shape[1:]))
                    for name, value in moment.items()
                }
            for name, value in moment.items():
                store[name][:, tick] = value
        on_device = {name: torch.from_numpy(each).to(learner.device) for name, each in host.items()}
        return {**store, **on_device}

    def _tick(self, acting: BoolArray, noise: Tensor, once: bool) -> tuple[dict[str, Tensor], Step]:
        learner = self._learner
        valid = torch.from_numpy(acting.copy()).to(learner.device)
        observations = learner.observe(self._observations, valid)
        actions, statistics = learner.act(observations, noise)
        sent = actions.flatten(0, 1).cpu().numpy()
        if self._bounds is not None:
            low, high = self._bounds
            sent = np.minimum(np.maximum(sent, low), high)
        step = self._environments.step(sent, acting.reshape(-1))
        self.steps += acting.sum(1)
        self._record(acting, step)
        last = self._tensor(step.last_observations)
        self._observations = self._tensor(step.observations)
        self._stop_diverged(acting, step.rewards.reshape(self._shape), last)
        if once:
            acting &= ~(step.terminated | step.truncated).reshape(self._shape)
        return {
            "observations": observations,
            "next_observations": learner.normalise(last),
            "actions": actions,
            "statistics": statistics,
        }, step

    def _record(self, acting: BoolArray, step: Step) -> None:
        self._returns += step.rewards.reshape(self._shape)
        self._lengths += acting
        ended = (step.terminated | step.truncated).reshape(self._shape)
        if not ended.any():
            return
        for s, n in np.argwhere(ended & acting):
            if np.isfinite(self._returns[s, n]):
                log = self.episodes[s]
                log.step.append(int(self.steps[s]))
                log.returns.append(float(self._returns[s, n]))
                log.length.append(int(self._lengths[s, n]))
                log.seconds.append(self.seconds())
            self._returns[s, n] = 0.0
            self._lengths[s, n] = 0

    def _stop_diverged(self, acting: BoolArray, rewards: np.ndarray, last: Tensor) -> None:
        # One number is cheap to look at, and finite only if all are.
        with np.errstate(invalid="ignore", over="ignore"):
            total = float(rewards.sum()) + float(last.sum())
        if math.isfinite(total):
            return
        finite = np.isfinite(rewards) & torch.isfinite(last.sum(2)).cpu().numpy()
        if (finite | ~acting).all():
            return
        self.stop(~(finite | ~acting).all(1))
        acting &= self._learner.active.cpu().numpy()[:, None]

    def stop(self, diverged: BoolArray) -> None:
        """Mark the seeds of `diverged` [S]: they stay as they are and act no more."""
        for s in np.flatnonzero(diverged & self._learner.active.cpu().numpy()):
            self.diverged_at[s] = int(self.steps[s])
        mask = torch.from_numpy(diverged).to(self._learner.device)
        self._learner.active = self._learner.active & ~mask


def _batch(blocks: Sequence[dict[str, Tensor]]) -> Batch:
    """Blocks of ticks, one after the other, as one batch."""
    if len(blocks) == 1:
        return Batch(**blocks[0])
    names = blocks[0]
    return Batch(**{name: torch.cat([block[name] for block in blocks], dim=1) for name in names})
