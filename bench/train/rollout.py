"""Collecting batches: the policy acts, the environments step, episodes are recorded.

Returns are measured here, at the environment's boundary, on raw rewards, outside the
algorithm.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from algorithms.batch import Batch, Diagnostics
from algorithms.hyperparameters import CriticHyperparameters
from algorithms.learner import NOISE_BLOCK, Learner
from algorithms.numerics.random_streams import Noise
from algorithms.policy_gradient import TIME_BLOCK
from algorithms.spaces import Continuous
from bench.train.environments import BoolArray, Environments, Step
from bench.train.episode_log import EpisodeLog


class Rollout:
    """A `Collector`: the environments of a group of seeds, and where their episodes stand.

    Args:
        learner: S seeds; its `active` decides who still acts.
        environments: S · N environments, a seed's slots side by side.

    Attributes:
        episodes: one log a seed.
        steps: int64 [S], taken so far.
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
        self._divergences: list[tuple[str, int] | None] = [None] * seeds
        self._bounds: tuple[np.ndarray, np.ndarray] | None = None
        actions = environments.action_space
        if isinstance(actions, Continuous) and learner.hyperparameters.action_clipping:
            low, high = np.asarray(actions.low), np.asarray(actions.high)
            self._bounds = (low.astype(np.float32), high.astype(np.float32))
        first = {"observation from reset": self._observations.cpu().numpy()}
        self._stop_not_finite(self._acting(), first)

    def seconds(self) -> float:
        """Wall time since training began, to 1/64 s: what is stored of it takes little room."""
        return math.floor(64 * (time.perf_counter() - self._started)) / 64

    def taken(self) -> Tensor:
        """As `Collector`."""
        return torch.from_numpy(self.steps.copy()).to(self._learner.device)

    def divergences(self) -> list[tuple[str, int] | None]:
        """As `Collector`."""
        return list(self._divergences)

    def _tensor(self, values: np.ndarray) -> Tensor:
        """[S·N, …] of the environments -> [S, N, …] on the learner's device."""
        tensor = torch.from_numpy(values)
        return tensor.view(*self._shape, *tensor.shape[1:]).to(self._learner.device)

    def collect(self) -> tuple[Batch, Diagnostics]:
        """A batch as the algorithm `collects` it; nothing else is measured."""
        if self._learner.algorithm.collects == "steps":
            return self.collect_steps(), {}
        return self.collect_trajectories(), {}

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
            moment, step = self._tick(acting, block[tick % NOISE_BLOCK])
            # A reward that float32 can't hold is none: infinite, and told below.
            with np.errstate(over="ignore"):
                for name in ("rewards", "terminated", "truncated"):
                    host[name][:, tick] = getattr(step, name).reshape(self._shape)
            if not store:
                store = {
                    name: value.new_zeros((seeds, ticks, *value.shape[1:]))
                    for name, value in moment.items()
                }
            for name, value in moment.items():
                store[name][:, tick] = value
            # Each may come of the one before it.
            met = {
                "action": moment["actions"].cpu().numpy(),
                "reward": host["rewards"][:, tick],
                "observation": step.last_observations,
            }
            if step.observations is not step.last_observations:
                met["observation from reset"] = step.observations
            self._stop_not_finite(acting, met)
            if once:
                acting &= ~(step.terminated | step.truncated).reshape(self._shape)
        on_device = {name: torch.from_numpy(each).to(learner.device) for name, each in host.items()}
        return {**store, **on_device}

    def _tick(self, acting: BoolArray, noise: Tensor) -> tuple[dict[str, Tensor], Step]:
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
            returned, length = float(self._returns[s, n]), int(self._lengths[s, n])
            if math.isfinite(returned):
                self.episodes[s].append(int(self.steps[s]), returned, length, self.seconds())
            self._returns[s, n] = 0.0
            self._lengths[s, n] = 0

    def _stop_not_finite(self, acting: BoolArray, parts: Mapping[str, np.ndarray]) -> None:
        """Stop the seeds that act on, or get, a part [S·N, …] that is not finite; the first counts.

        `acting` changes in place.
        """
        # One number is cheap to look at, and finite only if all are.
        with np.errstate(invalid="ignore", over="ignore"):
            if math.isfinite(sum(float(values.sum()) for values in parts.values())):
                return
        for name, values in parts.items():
            finite = np.isfinite(values).reshape(*self._shape, -1).all(2)
            self.stop(torch.from_numpy((acting & ~finite).any(1)), name)
        acting &= self._learner.active.cpu().numpy()[:, None]

    def stop(self, diverged: Tensor, what: str) -> None:
        """As `Collector`: they stay as they are, too."""
        learner = self._learner
        mask = diverged.to(learner.device) & learner.active
        for s in mask.nonzero().flatten().tolist():
            self._divergences[s] = (what, int(self.steps[s]))
        learner.active = learner.active & ~mask


def _batch(blocks: Sequence[dict[str, Tensor]]) -> Batch:
    """Blocks of ticks, one after the other, as one batch."""
    if len(blocks) == 1:
        return Batch(**blocks[0])
    names = blocks[0]
    return Batch(**{name: torch.cat([block[name] for block in blocks], dim=1) for name in names})
