"""Diagnostics of all rows at once, in place of those that go through seeds one by one on the host.

The equations are those of `algorithms.diagnostics` and `algorithms.critic`. What differs is that
nothing here waits for the device, so that a CUDA graph may hold an update. Sums run in the order of
time, so that a row has the same bits however its neighbours pad the batch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any

import torch
from torch import Tensor

from algorithms import critic, diagnostics
from algorithms.batch import Batch, flatten, sum_in_order
from algorithms.hyperparameters import OptimizerHyperparameters
from algorithms.learner import Learner

QUANTILES = {"ratio_q01": 0.01, "ratio_q50": 0.5, "ratio_q99": 0.99}

_here: ContextVar[bool] = ContextVar("diagnostics_on_device", default=False)


@contextmanager
def on_device() -> Iterator[None]:
    """Within, in this thread, the algorithms' diagnostics are those of this module."""
    _install()
    token = _here.set(True)
    try:
        yield
    finally:
        _here.reset(token)


@torch.no_grad()
def policy_change(
    learner: Learner[OptimizerHyperparameters],
    batch: Batch,
    bounds: tuple[float, float] | None = None,
    pooled: Callable[[Tensor], Tensor] = lambda log_ratio: log_ratio,
) -> dict[str, Tensor]:
    """As `algorithms.diagnostics.policy_change`; each bound may be a `PerRow`."""
    log_ratio, divergence, entropy = diagnostics.compared(learner, batch)
    ratio, divergence, entropy = (
        each.double() for each in (pooled(log_ratio).exp(), divergence, entropy)
    )
    valid = flatten(batch.valid)
    count = valid.sum(1).double()
    # One ratio that is not finite leaves nothing to say of the others.
    sound = (count > 0) & (torch.isfinite(ratio) | ~valid).all(1)
    ratio = torch.where(sound.unsqueeze(1), ratio, torch.nan)
    found = {"batch_steps": count, **_quantiles(ratio, valid, count)}
    total, squares = _sum(ratio, valid), _sum(ratio.square(), valid)
    found["effective_sample_size"] = total.square() / (count * squares)
    found["kl_mean"] = _sum(divergence, valid) / count
    largest = torch.where(valid, divergence, -torch.inf).amax(1)
    found["kl_max"] = torch.where(count > 0, largest, torch.nan)
    found["entropy"] = _sum(entropy, valid) / count.clamp(min=1)
    if bounds is not None:
        outside = ((ratio < bounds[0]) | (ratio > bounds[1])) & valid
        found["clip_fraction"] = outside.sum(1) / count.clamp(min=1)
    if learner.policy.log_stds:
        log_std = learner.policy_parameters[:, learner.policy.network.size :]
        found["log_std_mean"] = log_std.mean(-1).double()
    return found


@torch.no_grad()
def explained_variance(values: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    """As `algorithms.critic.explained_variance`."""
    target, value = (flatten(each.expand_as(valid)).double() for each in (targets, values))
    spread, left = (_variance(each, flatten(valid)) for each in (target, target - value))
    return 1 - left / spread.clamp(min=1e-12)


def _sum(values: Tensor, valid: Tensor) -> Tensor:
    """Σ over the valid samples of [S, B], NaN if one of them is."""
    return sum_in_order(torch.where(valid, values, 0.0))


def _variance(values: Tensor, valid: Tensor) -> Tensor:
    """Of the valid samples of [S, B], around their mean; NaN if there is none."""
    count = valid.sum(1)
    mean = (_sum(values, valid) / count).unsqueeze(1)
    return _sum((values - mean).square(), valid) / count


def _quantiles(values: Tensor, valid: Tensor, count: Tensor) -> dict[str, Tensor]:
    """Of the valid samples of [S, B], interpolated linearly as numpy does."""
    order = torch.where(valid, values, torch.inf).sort(1).values
    found = {}
    for name, level in QUANTILES.items():
        place = level * (count - 1).clamp(min=0)
        below = place.floor()
        low, high = (
            order.gather(1, each.long().unsqueeze(1)).squeeze(1) for each in (below, place.ceil())
        )
        found[name] = torch.where(count > 0, torch.lerp(low, high, place - below), torch.nan)
    return found


_SUBSTITUTES: dict[Callable[..., Any], Callable[..., Any]] = {
    diagnostics.policy_change: policy_change,
    critic.explained_variance: explained_variance,
}


@cache
def _install() -> None:
    """Let every module that has imported the host's functions ask each time which ones to call."""
    for original, substitute in _SUBSTITUTES.items():
        chosen = _chosen(original, substitute)
        for module in list(sys.modules.values()):
            for name, value in list(getattr(module, "__dict__", {}).items()):
                if value is original:
                    setattr(module, name, chosen)


def _chosen(original: Callable[..., Any], substitute: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def call(*arguments: Any, **named: Any) -> Any:
        return (substitute if _here.get() else original)(*arguments, **named)

    return call
