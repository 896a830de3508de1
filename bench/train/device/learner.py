"""The learner of a group whose experience is on the device: minibatches without the host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.hyperparameters import CriticHyperparameters, Hyperparameters
from algorithms.learner import take
from algorithms.numerics.counters import address
from algorithms.numerics.normalization import RewardScale
from algorithms.spaces import ActionSpace
from bench.train.device.graphs import WARM_UP, Recorder
from bench.train.device.rows import PerRow, joined
from bench.train.device.turns import pass_on

# Separates minibatches from other random numbers that are addressed by (seed, …).
_DOMAIN = int.from_bytes(b"order", "big")

H_co = TypeVar("H_co", bound=Hyperparameters, covariant=True)


class DeviceLearner(ActorCritic[H_co]):
    """An `ActorCritic` whose state keeps its place in memory, so that graphs can go on using it.

    Its minibatches are drawn by (seed, update, epoch, sample). On CUDA the first ones of an update
    run plainly; then one is recorded, with all that the algorithm does with it, and replayed for
    the rest.
    """

    def __init__(
        self,
        hyperparameters: H_co | Sequence[H_co],
        seeds: Sequence[int],
        observation_size: int,
        actions: ActionSpace,
        *,
        critic: bool = False,
        device: str = "cpu",
        record: bool = True,
    ) -> None:
        """As an `ActorCritic`.

        Args:
            hyperparameters: one for all seeds, or one per seed.
            record: whether minibatches are recorded on CUDA.
        """
        rows = hyperparameters if isinstance(hyperparameters, Sequence) else [hyperparameters]
        super().__init__(rows[0], seeds, observation_size, actions, critic=critic, device=device)
        merged = joined(rows, device)
        if merged is not rows[0]:
            for s, row in enumerate(rows):
                single = ActorCritic(
                    row, seeds[s : s + 1], observation_size, actions, critic=critic
                )
                self.parameters[s] = single.parameters[0]
            self.hyperparameters = merged
            self.optimizer.epsilon = merged.adam_epsilon
            if isinstance(merged, CriticHyperparameters) and isinstance(merged.discount, PerRow):
                self.reward_scale = _RewardScaleByRow(merged.discount, merged.slots, device)
        # No kernels on a CPU either: tests run there what a GPU does.
        self.compiled = False
        self._seeds = torch.tensor(self.seeds, device=device)
        self._record = record and self._seeds.is_cuda
        self._recorder = Recorder()
        self._places: dict[str, Tensor] = {}
        self._active, self._steps = self.active, self.steps

    def settle(self) -> None:
        """Copy tensors that an update, or the loop, has replaced back to their place in memory."""
        self.active = self._active.copy_(self.active)
        self.steps = self._steps.copy_(self.steps)
        for name, value in self.memory.items():
            place = self._places.get(name)
            if place is None or place.shape != value.shape or place.dtype != value.dtype:
                self._places[name] = value
            elif place is not value:
                self.memory[name] = place.copy_(value)

    @property
    def state(self) -> dict[str, Tensor]:
        """Name -> tensor that the next batches depend on: the tensors themselves, not copies."""
        state = {
            "parameters": self.parameters,
            "active": self.active,
            "steps": self.steps,
            "first_moment": self.optimizer.first_moment,
            "second_moment": self.optimizer.second_moment,
            "counts": self.optimizer.counts,
            "reward_scale": self.reward_scale.running,
        }
        running_moments = {
            "observations": self.observation_moments,
            "returns": self.return_moments,
            "normalizer": self.normalizer,
            "rewards": self.reward_scale.moments,
        }
        for name, moments in running_moments.items():
            tensors = moments.count, moments.mean, moments.variance
            state |= {f"{name}.{n}": value for n, value in enumerate(tensors)}
        return state | {f"memory.{name}": value for name, value in self.memory.items()}

    def minibatches(
        self, valid: Tensor, epochs: int, size: int, samples: Sequence[Tensor]
    ) -> Iterator[tuple[list[Tensor], Tensor]]:
        """As `Learner.minibatches`, but rows are views that are valid until the next minibatch.

        The host reads the number of samples once, before the first.
        """
        counts = (valid.sum(1) + size - 1) // size
        active_counts = counts[self.active]
        turns, equal_counts = (
            (int(active_counts.max()), bool((active_counts == active_counts[0]).all()))
            if len(active_counts)
            else (0, True)
        )
        if not turns:
            return
        order = self._order(valid, counts, turns, epochs, size)
        position = torch.zeros(1, dtype=torch.int64, device=order.device)
        offsets = torch.arange(size, device=order.device)

        def next_minibatch() -> tuple[list[Tensor], Tensor]:
            rows = order.index_select(1, position * size + offsets)
            unfinished = counts > position % turns
            position.add_(1)
            return [take(values, rows) for values in samples], self.active & unfinished

        total = epochs * turns
        # Seeds with fewer minibatches wrap around in `order`, so a replayed graph would report
        # their first minibatch as their last: recorded only where all have equally many.
        recorded = self._record and equal_counts and total > WARM_UP + 1
        for _ in range(WARM_UP if recorded else total):
            yield next_minibatch()
            pass_on()
        if recorded:
            with self._recorder.recording() as graph:
                yield next_minibatch()
            for _ in range(total - WARM_UP):
                graph.replay()
                pass_on()

    def _order(self, valid: Tensor, counts: Tensor, turns: int, epochs: int, size: int) -> Tensor:
        """Draw sample indices, int64 [S, epochs · turns · size]; an epoch's last turn is filled up
        from its beginning."""
        indices = torch.arange(valid.shape[1], device=valid.device)
        positions = torch.arange(turns * size, device=valid.device)
        wrapped = positions % valid.sum(1, keepdim=True).clamp(min=1)
        orders = []
        for epoch in range(epochs):
            seeds = self._seeds.unsqueeze(1)
            keys = address(_DOMAIN, seeds, self.updates, epoch, indices, device=valid.device)
            # Samples that aren't valid come last, whatever their keys.
            keys = torch.where(valid, keys, torch.iinfo(torch.int64).max)
            orders.append(keys.argsort(dim=1).gather(1, wrapped))
        return torch.cat(orders, dim=1)


class _RewardScaleByRow(RewardScale):
    """A `RewardScale` with one discount per row."""

    def __init__(self, discounts: PerRow, slots: int, device: str) -> None:
        discount: Any = discounts
        super().__init__(len(discounts.values), slots, discount, device)
        self._discounts = discounts.values

    def _returns(self, rewards: Tensor, ended: Tensor) -> Tensor:
        if rewards.device.type != "cpu":
            return super()._returns(rewards, ended)
        # The CPU's kernel takes one plain number as the discount.
        returns = []
        for s, discount in enumerate(self._discounts):
            row_scale = RewardScale(1, rewards.shape[2], discount)
            row_scale.running = self.running[s : s + 1]
            returns.append(row_scale._returns(rewards[s : s + 1], ended[s : s + 1]))
        return torch.cat(returns)
