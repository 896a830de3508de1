"""Collect batches: the policy acts, the environments step, episodes are recorded.

Returns are measured here, at the environment's boundary, on raw rewards, outside the
algorithm.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.compiled import for_kernels
from algorithms.numerics.kernels import acting as kernels
from algorithms.policy_gradient import TIME_BLOCK
from algorithms.spaces import Continuous
from bench.errors import InputError
from bench.train.environments.protocol import (
    BoolArray,
    Environments,
    Float32Array,
    Int64Array,
    Step,
)
from bench.train.episode_log import EpisodeLog


class Timed(Protocol):
    """An object with a time limit."""

    time_limit: int | None


class Rollout:
    """A `Collector`: the environments of a group of seeds, and the state of their episodes.

    Args:
        algorithm: decides what is collected, and perhaps how actions are chosen.
        learner: the S seeds; its `active` decides which still act.
        environments: S · N environments, a seed's slots side by side.

    Attributes:
        episodes: one log per seed.
        steps: int64 [S], steps taken so far.

    Raises:
        InputError: a staggered start without a time limit.
    """

    def __init__(
        self, algorithm: Algorithm[Any], learner: ActorCritic[Any], environments: Environments
    ) -> None:
        self._algorithm = algorithm
        self._learner = learner
        self._environments = environments
        self._started = time.perf_counter()
        h = learner.hyperparameters
        seeds, slots = len(learner.seeds), h.slots
        self._shape = (seeds, slots)
        elapsed = staggered(environments, seeds, slots) if h.staggered_start else None
        self._observations = self._placed(environments.reset(elapsed))
        # Slots whose first episode began cut short: it is not recorded.
        self._cut = np.zeros(self._shape, np.bool_)
        if elapsed is not None:
            self._cut[:] = elapsed.reshape(self._shape) > 0
        self.steps = np.zeros(seeds, dtype=np.int64)
        self._running = kernels.Running(
            returns=np.zeros(self._shape),
            lengths=np.zeros(self._shape, dtype=np.int64),
            steps=self.steps,
            ended=np.zeros(self._shape, np.bool_),
        )
        self.episodes = [EpisodeLog() for _ in learner.seeds]
        self._divergences: list[tuple[str, int] | None] = [None] * seeds
        self._choices = not isinstance(environments.action_space, Continuous)
        size = 1 if self._choices else learner.policy.noise_size
        self._low, self._high = (np.full(size, bound, np.float32) for bound in (-np.inf, np.inf))
        actions = environments.action_space
        if isinstance(actions, Continuous) and h.action_clipping:
            self._low[:], self._high[:] = actions.low, actions.high
        self._sent = np.zeros((seeds * slots, size), np.float32)
        self._compiled = learner.compiled and algorithm.act is None
        self._stop_not_finite(self._acting(), {"observation from reset": self._observations})

    def seconds(self) -> float:
        """Wall time since training began [s], rounded down to 1/64 s, which compresses well."""
        return math.floor(64 * (time.perf_counter() - self._started)) / 64

    def taken(self) -> Tensor:
        """As `Collector`."""
        return torch.from_numpy(self.steps.copy()).to(self._learner.device)

    def divergences(self) -> list[tuple[str, int] | None]:
        """As `Collector`."""
        return list(self._divergences)

    def _placed(self, values: np.ndarray) -> np.ndarray:
        """Reshape the environments' [S·N, …] to [S, N, …]."""
        return values.reshape(*self._shape, *values.shape[1:])

    def collect(self) -> tuple[Batch, Diagnostics]:
        """Return a batch as the algorithm `collects` it, without further diagnostics."""
        acting, noise = self._acting(), iter(self._learner.noise())
        if self._algorithm.collects == "steps":
            h = self._learner.hyperparameters
            return self._batch([self._tick_through(acting, h.batch_steps // h.slots, noise)]), {}
        # One whole episode per slot: a batch of those that finish first would favour short ones.
        blocks = []
        while acting.any():
            blocks.append(self._tick_through(acting, TIME_BLOCK, noise, once=True))
        return self._batch(blocks), {}

    def _acting(self) -> BoolArray:
        active = self._learner.active.cpu().numpy()
        return np.repeat(active[:, None], self._shape[1], axis=1)

    def _columns(self, ticks: int) -> kernels.Batch:
        """Allocate the columns of a batch."""
        shape = self._shape[0], ticks, self._shape[1]
        size, action_width = self._observations.shape[2], self._sent.shape[1]
        widths = size, size, action_width, self._learner.policy.statistics_size
        return kernels.Batch(
            *(np.zeros((*shape, width), np.float32) for width in widths),
            *(np.zeros(shape, dtype) for dtype in (np.float32, np.bool_, np.bool_, np.bool_)),
        )

    @property
    def _normalizer(self) -> kernels.Normalizer:
        h, moments = self._learner.hyperparameters, self._learner.normalizer
        tensors = moments.count, moments.mean, moments.variance
        count, mean, variance = (tensor.cpu().numpy() for tensor in tensors)
        frozen = moments is not self._learner.observation_moments
        clip = float(h.observation_clip)
        return kernels.Normalizer(count, mean, variance, h.observation_normalization, frozen, clip)

    def _tick_through(
        self, acting: BoolArray, ticks: int, noise: Iterator[Tensor], once: bool = False
    ) -> kernels.Batch:
        """Take up to `ticks` steps; update `acting` in place. If `once`, ended slots idle."""
        columns = self._columns(ticks)
        for tick in range(ticks):
            if not acting.any():
                break
            act = self._act if self._compiled else self._act_by_torch
            step = self._environments.step(
                act(acting, next(noise), tick, columns), acting.reshape(-1)
            )
            self._receive(acting, step, tick, columns)
            if once:
                acting &= ~self._running.ended
        return columns

    def _act(self, acting: BoolArray, noise: Tensor, tick: int, columns: kernels.Batch) -> Any:
        """Write observations, φ and actions to `columns`; return the actions to send."""
        learner, (network, log_stds) = self._learner, for_kernels(self._learner.policy)
        kernels.act(
            self._observations, acting, self._normalizer, learner.parameters.numpy(), network,
            log_stds, noise.numpy(), (self._low, self._high), tick, columns, self._sent,
        )  # fmt: skip
        return self._to_send()

    def _act_by_torch(
        self, acting: BoolArray, noise: Tensor, tick: int, columns: kernels.Batch
    ) -> Any:
        """As `_act`, for an algorithm with its own `act`, or a learner on a GPU."""
        learner = self._learner
        raw, mask, noise = (
            values.to(learner.device)
            for values in (
                torch.from_numpy(self._observations),
                torch.from_numpy(acting.copy()),
                noise,
            )
        )
        observations = learner.observe(raw, mask)
        if self._algorithm.act is None:
            actions, statistics = learner.act(observations, noise)
        else:
            with torch.no_grad():
                actions, statistics = self._algorithm.act(learner, observations, noise)
        action_columns = actions.float().unsqueeze(-1) if self._choices else actions
        tick_columns = {
            "observations": observations,
            "actions": action_columns,
            "statistics": statistics,
        }
        for name, values in tick_columns.items():
            getattr(columns, name)[:, tick] = values.cpu().numpy()
        sent = action_columns.flatten(0, 1).cpu().numpy()
        self._sent = np.minimum(np.maximum(sent, self._low), self._high)
        return self._to_send()

    def _to_send(self) -> Float32Array | Int64Array:
        return self._sent[:, 0].astype(np.int64) if self._choices else self._sent

    def _receive(self, acting: BoolArray, step: Step, tick: int, columns: kernels.Batch) -> None:
        last_observations = self._placed(step.last_observations)
        any_ended, finite = kernels.receive(
            acting, step.rewards, step.terminated, step.truncated, last_observations,
            self._normalizer, tick, columns, self._running,
        )  # fmt: skip
        if any_ended:
            self._record(self._running.ended)
        if not finite:
            # Earlier ones can cause later ones.
            parts = {
                "action": columns.actions[:, tick],
                "reward": columns.rewards[:, tick],
                "observation": last_observations,
            }
            self._stop_not_finite(acting, parts)
        self._observations = self._placed(step.observations)
        if any_ended:
            # Check slots that idle now, too: as padding they would spoil the batch.
            self._stop_not_finite(acting, {"observation from reset": self._observations})

    def _record(self, ended: BoolArray) -> None:
        for s, n in np.argwhere(ended):
            episode_return, length = (
                float(self._running.returns[s, n]),
                int(self._running.lengths[s, n]),
            )
            if math.isfinite(episode_return) and not self._cut[s, n]:
                self.episodes[s].append(int(self.steps[s]), episode_return, length, self.seconds())
        self._running.returns[ended], self._running.lengths[ended], self._cut[ended] = 0.0, 0, False

    def _look_ahead(self, batch: kernels.Batch) -> None:
        """Where no episode ended, write the next tick's observation as `next_observations`."""
        next_observations, observations = batch.next_observations, batch.observations
        continuing = ~(batch.terminated | batch.truncated)
        next_observations[:, :-1][continuing[:, :-1]] = observations[:, 1:][continuing[:, :-1]]
        latest = self._learner.normalise(
            torch.from_numpy(self._observations).to(self._learner.device)
        )
        next_observations[:, -1][continuing[:, -1]] = latest.cpu().numpy()[continuing[:, -1]]

    def _stop_not_finite(self, acting: BoolArray, parts: Mapping[str, np.ndarray]) -> None:
        """Stop seeds with an acting slot in which a part [S, N, …] is not finite; report the first.

        `acting` is updated in place.
        """
        # One sum is cheap to check, and finite only if all numbers are.
        with np.errstate(invalid="ignore", over="ignore"):
            if math.isfinite(sum(float(values.sum()) for values in parts.values())):
                return
        for name, values in parts.items():
            finite = np.isfinite(values).reshape(*self._shape, -1).all(2)
            self.stop(torch.from_numpy((acting & ~finite).any(1)), name)
        acting &= self._learner.active.cpu().numpy()[:, None]

    def stop(self, diverged: Tensor, quantity: str) -> None:
        """As `Collector`; stopped seeds stay as they are."""
        learner = self._learner
        mask = diverged.to(learner.device) & learner.active
        for s in mask.nonzero().flatten().tolist():
            self._divergences[s] = (quantity, int(self.steps[s]))
        learner.active = learner.active & ~mask

    def _batch(self, blocks: Sequence[kernels.Batch]) -> Batch:
        """Join blocks of ticks, one after the other, to one batch on the learner's device."""
        joined = blocks[0]
        if len(blocks) > 1:
            joined = kernels.Batch(
                *(np.concatenate(column, axis=1) for column in zip(*blocks, strict=True))
            )
        self._look_ahead(joined)
        tensors = {name: torch.from_numpy(values) for name, values in joined._asdict().items()}
        if self._choices:
            tensors["actions"] = tensors["actions"].squeeze(3).long()
        device = self._learner.device
        return Batch(**{name: values.to(device) for name, values in tensors.items()})


def staggered(environments: Timed, seeds: int, slots: int) -> Int64Array:
    """Steps that count as taken when the slots' first episodes begin, evenly spread, [S · N].

    Raises:
        InputError: the environments have no time limit.
    """
    limit = environments.time_limit
    if limit is None:
        raise InputError("staggered_start spreads episodes over a time limit, and there is none")
    return np.tile(np.arange(slots) * limit // slots, seeds)
