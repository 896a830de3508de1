"""Running statistics, per seed: observations by mean and variance, rewards by a return's scale."""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.numerics.kernels.returns import discounted_returns
from algorithms.returns import discounted_sums

_EPSILON = 1e-8


class RunningMoments:
    """Mean and variance of everything seen so far, seed by seed (Chan et al. 1979), in place.

    Attributes:
        count: float64 [S, 1]; mean, variance: float64 [S, O] (population variance).
    """

    def __init__(self, seeds: int, size: int, device: str = "cpu") -> None:
        self.count = torch.zeros(seeds, 1, dtype=torch.float64, device=device)
        self.mean = torch.zeros(seeds, size, dtype=torch.float64, device=device)
        self.variance = torch.ones(seeds, size, dtype=torch.float64, device=device)

    def update(self, values: Tensor, mask: Tensor) -> None:
        """Add `values` [S, B, O] where `mask` [S, B]; a seed with none keeps its exact moments."""
        counted = mask.unsqueeze(2)
        values = torch.where(counted, values.double(), 0.0)
        new_count = counted.sum(1).double()
        mean = values.sum(1) / new_count.clamp(min=1)
        squares = torch.where(counted, (values - mean.unsqueeze(1)).square(), 0.0)
        total = (self.count + new_count).clamp(min=1)
        share = new_count / total
        shift = mean - self.mean
        combined = self.variance * self.count + squares.sum(1)
        combined = (combined + shift.square() * (self.count * share)) / total
        is_new = new_count > 0
        self.mean.copy_(torch.where(is_new, self.mean + shift * share, self.mean))
        self.variance.copy_(torch.where(is_new, combined, self.variance))
        self.count.add_(new_count)

    def take(self, moments: RunningMoments) -> None:
        """Copy another object's moments into this one's memory."""
        self.count.copy_(moments.count)
        self.mean.copy_(moments.mean)
        self.variance.copy_(moments.variance)

    @property
    def deviation(self) -> Tensor:
        """√(variance + 1e-8), float64 [S, O]."""
        return (self.variance + _EPSILON).sqrt()

    def standardise(self, values: Tensor, clip: float) -> Tensor:
        """Return `values` [S, B, O] standardised and bounded to ±clip, float32."""
        centred = values - self.mean.unsqueeze(1)
        return centred.div_(self.deviation.unsqueeze(1)).clamp_(-clip, clip).float()


class RewardScale:
    """Divides rewards by the running deviation of the slots' discounted return.

    The deviation is updated once with the whole batch before dividing, so that one batch has one
    scale.

    Source: openai/baselines VecNormalize, which updates it at every step instead.

    Attributes:
        moments: moments of the return; running: the slots' return so far, float32 [S, N].
    """

    def __init__(self, seeds: int, slots: int, discount: float, device: str = "cpu") -> None:
        self.moments = RunningMoments(seeds, 1, device)
        self._discount = discount
        self.running = torch.zeros(seeds, slots, device=device)

    def __call__(self, rewards: Tensor, ended: Tensor, clip: float) -> Tensor:
        """Update the scale with raw `rewards` [S, T, N]; return them scaled, bounded to ±clip."""
        flat = self._returns(rewards, ended).flatten(1)
        self.moments.update(flat.unsqueeze(2), torch.ones_like(flat, dtype=torch.bool))
        scale = self.moments.deviation.float().unsqueeze(2)
        return (rewards / scale).clamp(-clip, clip)

    def _returns(self, rewards: Tensor, ended: Tensor) -> Tensor:
        """R_t = r_t + γ R_{t−1} [S, T, N], nothing carried over an end."""
        if rewards.device.type == "cpu":
            returns = torch.empty_like(rewards, memory_format=torch.contiguous_format)
            discounted_returns.over_seeds(rewards, ended, self._discount, self.running, returns)
            return returns
        # This is a discounted sum with time reversed.
        carry = self._discount * (~ended).to(rewards.dtype)
        continued = rewards.clone()
        continued[:, 0] += self._discount * self.running
        shifted_carry = torch.cat([torch.zeros_like(carry[:, :1]), carry[:, :-1]], dim=1)
        returns = discounted_sums(continued.flip(1), shifted_carry.flip(1)).flip(1)
        self.running.copy_(torch.where(ended[:, -1], 0.0, returns[:, -1]))
        return returns
