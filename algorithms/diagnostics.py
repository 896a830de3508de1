"""Diagnostics of an update, measured over the whole batch after the last epoch."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial

import numpy as np
import torch
from torch import Tensor

from algorithms import compiled
from algorithms.batch import Batch, flatten
from algorithms.hyperparameters import OptimizerHyperparameters
from algorithms.learner import Learner
from algorithms.policies import log_ratio
from algorithms.policy_gradient import in_blocks


@torch.no_grad()
def policy_change(
    learner: Learner[OptimizerHyperparameters],
    batch: Batch,
    bounds: tuple[float, float] | None = None,
    pooled: Callable[[Tensor], Tensor] = lambda log_ratios: log_ratios,
) -> dict[str, Tensor]:
    """Measure how far θ has moved from the behaviour θ' that collected the batch.

    Args:
        bounds: the bounds of ρ, if the algorithm clips it.
        pooled: log ρ of every step -> log of the ratio in the objective, both [S, T·N].

    Returns, each [S], over all steps taken:
        entropy [nats]; kl_mean, kl_max: KL(θ' ‖ θ) at the visited states [nats];
        ratio_q01, ratio_q50, ratio_q99: quantiles of ρ = p_θ(a|s) / p_θ'(a|s);
        effective_sample_size: (Σρ)² / (n Σρ²), 1 on-policy;
        clip_fraction: share with ρ outside of `bounds`, where they are given;
        log_std_mean of a continuous policy; batch_steps.
    """
    log_ratios, divergence, entropy = compared(learner, batch)
    columns = flatten(batch.valid), pooled(log_ratios).exp(), divergence, entropy
    summary = summaries.get()(bounds, *columns)
    if learner.policy.log_stds:
        log_std = learner.policy_parameters[:, learner.policy.network.size :]
        summary["log_std_mean"] = log_std.mean(-1).double()
    return summary


@torch.no_grad()
def compared(
    learner: Learner[OptimizerHyperparameters], batch: Batch
) -> tuple[Tensor, Tensor, Tensor]:
    """log ρ, KL(θ' ‖ θ) and H(θ) at every step, each [S, T·N]."""
    if learner.compiled:
        return compiled.changes(learner, batch)
    policy, old = learner.policy, flatten(batch.statistics)
    new = in_blocks(partial(policy.statistics, learner.policy_parameters), batch.observations)
    ratios = log_ratio(policy, new, old, flatten(batch.actions))
    return ratios, policy.divergence(old, new), policy.entropy(new)


def _on_the_host(bounds: tuple[float, float] | None, *columns: Tensor) -> dict[str, Tensor]:
    """Diagnostics [S] from the columns valid, ρ, KL and H, each [S, B], seed by seed."""
    arrays = [column.cpu().numpy() for column in columns]
    rows = [_summary(bounds, *seed_columns) for seed_columns in zip(*arrays, strict=True)]
    return {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}


summaries: ContextVar[Callable[..., dict[str, Tensor]]] = ContextVar(
    "summaries", default=_on_the_host
)
"""The implementation of a batch's summary; replaced where nothing may wait for a device."""


def _summary(
    bounds: tuple[float, float] | None,
    valid: np.ndarray,
    ratio: np.ndarray,
    kl: np.ndarray,
    entropy: np.ndarray,
) -> dict[str, float]:
    summary = {"batch_steps": float(valid.sum())}
    with np.errstate(all="ignore"):
        ratio, kl, entropy = (column[valid].astype(np.float64) for column in (ratio, kl, entropy))
        if not len(ratio) or not np.isfinite(ratio).all():
            ratio = np.full(1, np.nan)
        if not len(kl):
            kl = np.full(1, np.nan)
        quantiles = np.quantile(ratio, (0.01, 0.5, 0.99))
        summary |= dict(zip(("ratio_q01", "ratio_q50", "ratio_q99"), quantiles, strict=True))
        summary["effective_sample_size"] = ratio.sum() ** 2 / (len(ratio) * (ratio**2).sum())
        summary["kl_mean"], summary["kl_max"] = kl.mean(), kl.max()
        summary["entropy"] = entropy.sum() / max(valid.sum(), 1)
        if bounds is not None:
            outside = (ratio < bounds[0]) | (ratio > bounds[1])
            summary["clip_fraction"] = float(outside.mean())
    return summary
