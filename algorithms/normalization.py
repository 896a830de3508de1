"""Running statistics, per seed: observations by mean and variance, rewards by a return's scale."""

from __future__ import annotations

import torch
from torch import Tensor

_EPSILON = 1e-8


class RunningMoments:
    """Mean and variance of everything seen so far, seed by seed (Chan et al. 1979).

    Attributes:
        count: float64 [S, 1]; mean, variance: float64 [S, O] (population variance).
    """

    def __init__(self, seeds: int, size: int, device: str = "cpu") -> None:
        self.count = torch.zeros(seeds, 1, dtype=torch.float64, device=device)
        self.mean = torch.zeros(seeds, size, dtype=torch.float64, device=device)
        self.variance = torch.ones(seeds, size, dtype=torch.float64, device=device)

    def update(self, values: Tensor, mask: Tensor) -> None:
        """Take in `values` [S, B, O] where `mask` [S, B]; a seed with none keeps its bits."""
        kept = mask.unsqueeze(2)
        values = torch.where(kept, values.double(), 0.0)
        added = kept.sum(1).double()
        some = added > 0
        divisor = added.clamp(min=1)
        mean = values.sum(1) / divisor
        squares = torch.where(kept, (values - mean.unsqueeze(1)).square(), 0.0).sum(1)
        total = (self.count + added).clamp(min=1)
        shift = mean - self.mean
        combined = self.variance * self.count + squares
        combined = (combined + shift.square() * self.count * added / total) / total
        self.mean = torch.where(some, self.mean + shift * added / total, self.mean)
        self.variance = torch.where(some, combined, self.variance)
        self.count = self.count + added

    @property
    def deviation(self) -> Tensor:
        """√(variance + 1e-8), float64 [S, O]."""
        return (self.variance + _EPSILON).sqrt()

    def standardise(self, values: Tensor, clip: float) -> Tensor:
        """float32 [S, B, O] of `values` [S, B, O], bounded to ±clip."""
        centred = (values - self.mean.unsqueeze(1)) / self.deviation.unsqueeze(1)
        return centred.clamp(-clip, clip).float()


class RewardScale:
    """Divides rewards by the running deviation of the slots' discounted return.

    The deviation is brought up to date with a whole batch, then frozen for it, so that
    one batch has one scale. Source: openai/baselines VecNormalize.
    """

    def __init__(self, seeds: int, slots: int, discount: float, device: str = "cpu") -> None:
        self.moments = RunningMoments(seeds, 1, device)
        self._discount = discount
        self._return = torch.zeros(seeds, slots, device=device)

    def __call__(self, rewards: Tensor, ended: Tensor, clip: float) -> Tensor:
        """Scaled rewards [S, T, N], bounded to ±clip, of raw `rewards` and episode ends."""
        returns = torch.empty_like(rewards)
        for t in range(rewards.shape[1]):
            self._return = self._discount * self._return + rewards[:, t]
            returns[:, t] = self._return
            self._return = torch.where(ended[:, t], 0.0, self._return)
        flat = returns.flatten(1)
        self.moments.update(flat.unsqueeze(2), torch.ones_like(flat, dtype=torch.bool))
        scale = self.moments.deviation.float().unsqueeze(2)
        return (rewards / scale).clamp(-clip, clip)
