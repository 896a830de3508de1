"""Running statistics that a CUDA graph can bring up to date."""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.numerics.normalization import RunningMoments


class DeviceMoments(RunningMoments):
    """`RunningMoments` in place, and without a look at the mask."""

    @classmethod
    def of(cls, moments: RunningMoments) -> DeviceMoments:
        """A copy that shares no memory with `moments`."""
        seeds, size = moments.mean.shape
        copied = cls(seeds, size, str(moments.mean.device))
        copied.take(moments)
        return copied

    def take(self, moments: RunningMoments) -> None:
        """The numbers of others, into this one's memory."""
        self.count.copy_(moments.count)
        self.mean.copy_(moments.mean)
        self.variance.copy_(moments.variance)

    def update(self, values: Tensor, mask: Tensor) -> None:
        """Take in `values` [S, B, O] where `mask` [S, B]; a seed with none keeps its bits."""
        kept = mask.unsqueeze(2)
        values = torch.where(kept, values.double(), 0.0)
        added = kept.sum(1).double()
        divisor = added.clamp(min=1)
        mean = values.sum(1) / divisor
        squares = torch.where(kept, (values - mean.unsqueeze(1)).square(), 0.0)
        total = (self.count + added).clamp(min=1)
        share = added / total
        shift = mean - self.mean
        combined = self.variance * self.count + squares.sum(1)
        combined = (combined + shift.square() * (self.count * share)) / total
        some = added > 0
        self.mean.copy_(torch.where(some, self.mean + shift * share, self.mean))
        self.variance.copy_(torch.where(some, combined, self.variance))
        self.count.add_(added)
