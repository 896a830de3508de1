"""`Batch`, from which an algorithm learns, and sums over its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Diagnostics = Mapping[str, Tensor]
"""Named numbers of one update, each [S]; the names are columns of the table `updates`."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Experience of the behaviour policy θ': S seeds × T ticks × N slots.

    Attributes:
        observations: float32 [S, T, N, O], normalised, as acted on.
        next_observations: float32 [S, T, N, O], the observation that each step led to, normalised
            as it was acted on at the next tick; at an episode's end the episode's last, never the
            next one's first; at the batch's end normalised by the moments of that time.
        actions: float32 [S, T, N, A] before clipping, or int64 [S, T, N].
        statistics: float32 [S, T, N, K], φ under θ' of the distribution that the action came from.
        rewards: float32 [S, T, N], raw.
        terminated: bool [S, T, N], the task ended: no value follows.
        truncated: bool [S, T, N], the time limit cut the episode: value would have followed.
        valid: bool [S, T, N], a step was taken; False where a slot idled or for padding.
    """

    observations: Tensor
    next_observations: Tensor
    actions: Tensor
    statistics: Tensor
    rewards: Tensor
    terminated: Tensor
    truncated: Tensor
    valid: Tensor

    @property
    def ended(self) -> Tensor:
        """bool [S, T, N], the episode's last step."""
        return self.terminated | self.truncated


def flatten(values: Tensor) -> Tensor:
    """[S, T, N, …] -> [S, T·N, …], samples in the order of time."""
    return values.flatten(1, 2)


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """A critic's advantages and values for a batch, each [S, T, N].

    Attributes:
        advantages: A^θ'.
        targets: what the critic is regressed on, in the critic's own units.
        values: V as predicted before the update, in the same units.
    """

    advantages: Tensor
    targets: Tensor
    values: Tensor


def sum_in_order(values: Tensor) -> Tensor:
    """Σ over time [S, T] -> [S], one step after the other.

    A running sum gives the same bits however much padding (zeros) follows, which a
    tree-shaped reduction does not: a seed's padding depends on its neighbours' episodes.
    """
    return torch.cumsum(values, dim=1)[:, -1]


def mean_over_steps(values: Tensor, valid: Tensor) -> Tensor:
    """Mean over all steps taken, [S, T, N] -> [S]."""
    masked = torch.where(valid, values, 0.0).double()
    total = sum_in_order(masked.sum(2))
    return (total / valid.sum((1, 2))).to(values.dtype)
