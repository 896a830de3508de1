"""Diagnostics of all rows at once, replacing those that go through seeds one by one on the host.

The equations are those of `algorithms.diagnostics` and `algorithms.critic`, but nothing here waits
for the device, so that a CUDA graph may hold an update. Sums run in the order of time, so that a
row has the same bits however its neighbours pad the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from algorithms import critic, diagnostics
from algorithms.batch import flatten, sum_in_order

QUANTILES = {"ratio_q01": 0.01, "ratio_q50": 0.5, "ratio_q99": 0.99}


@contextmanager
def on_device() -> Iterator[None]:
    """Let this module compute the algorithms' diagnostics, in this thread, inside the `with`."""
    tokens = diagnostics.summaries.set(summaries), critic.explained.set(explained_variance)
    try:
        yield
    finally:
        diagnostics.summaries.reset(tokens[0])
        critic.explained.reset(tokens[1])


@torch.no_grad()
def summaries(
    bounds: tuple[float, float] | None,
    valid: Tensor,
    ratio: Tensor,
    divergence: Tensor,
    entropy: Tensor,
) -> dict[str, Tensor]:
    """Return the diagnostics [S] of columns [S, B]; each bound may be a `PerRow`."""
    ratio, divergence, entropy = (column.double() for column in (ratio, divergence, entropy))
    count = valid.sum(1).double()
    # One ratio that is not finite makes all statistics of ratios NaN.
    sound = (count > 0) & (torch.isfinite(ratio) | ~valid).all(1)
    ratio = torch.where(sound.unsqueeze(1), ratio, torch.nan)
    summary = {"batch_steps": count, **_quantiles(ratio, valid, count)}
    total, squares = _sum(ratio, valid), _sum(ratio.square(), valid)
    summary["effective_sample_size"] = total.square() / (count * squares)
    summary["kl_mean"] = _sum(divergence, valid) / count
    largest = torch.where(valid, divergence, -torch.inf).amax(1)
    summary["kl_max"] = torch.where(count > 0, largest, torch.nan)
    summary["entropy"] = _sum(entropy, valid) / count.clamp(min=1)
    if bounds is not None:
        outside = ((ratio < bounds[0]) | (ratio > bounds[1])) & valid
        summary["clip_fraction"] = outside.sum(1) / count.clamp(min=1)
    return summary


@torch.no_grad()
def explained_variance(values: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    """As `algorithms.critic.explained_variance`."""
    target, value = (flatten(column.expand_as(valid)).double() for column in (targets, values))
    spread, residual = (_variance(column, flatten(valid)) for column in (target, target - value))
    return 1 - residual / spread.clamp(min=1e-12)


def _sum(values: Tensor, valid: Tensor) -> Tensor:
    """Σ over the valid samples of [S, B], NaN if one of them is."""
    return sum_in_order(torch.where(valid, values, 0.0))


def _variance(values: Tensor, valid: Tensor) -> Tensor:
    """Variance of the valid samples of [S, B] around their mean; NaN if there is none."""
    count = valid.sum(1)
    mean = (_sum(values, valid) / count).unsqueeze(1)
    return _sum((values - mean).square(), valid) / count


def _quantiles(values: Tensor, valid: Tensor, count: Tensor) -> dict[str, Tensor]:
    """Quantiles of the valid samples of [S, B], interpolated linearly as numpy does."""
    ordered = torch.where(valid, values, torch.inf).sort(1).values
    quantiles = {}
    for name, level in QUANTILES.items():
        rank = level * (count - 1).clamp(min=0)
        below = rank.floor()
        low, high = (
            ordered.gather(1, index.long().unsqueeze(1)).squeeze(1)
            for index in (below, rank.ceil())
        )
        quantiles[name] = torch.where(count > 0, torch.lerp(low, high, rank - below), torch.nan)
    return quantiles
