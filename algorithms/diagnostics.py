"""What an update did: measured over the whole batch, after the last epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from algorithms import compiled
from algorithms.batch import Batch, flatten
from algorithms.hyperparameters import OptimizerHyperparameters
from algorithms.learner import Learner
from algorithms.policy_gradient import TIME_BLOCK


@torch.no_grad()
def policy_change(
    learner: Learner[OptimizerHyperparameters],
    batch: Batch,
    bounds: tuple[float, float] | None = None,
    pooled: Callable[[Tensor], Tensor] = lambda log_ratio: log_ratio,
) -> dict[str, Tensor]:
    """How far θ has moved from the behaviour θ' that collected the batch.

    Args:
        bounds: between which ρ gains something, where the algorithm clips.
        pooled: from log ρ of every step [S, T·N] to that of the ratio which the algorithm takes.

    Returns, each [S], over all steps taken:
        entropy [nats]; kl_mean, kl_max: KL(θ' ‖ θ) at the visited states [nats];
        ratio_q01, ratio_q50, ratio_q99: quantiles of ρ = p_θ(a|s) / p_θ'(a|s);
        effective_sample_size: (Σρ)² / (n Σρ²), 1 on-policy;
        clip_fraction: share with ρ outside of `bounds`, where they are given;
        log_std_mean of a continuous policy; batch_steps.
    """
    log_ratio, divergence, entropy = compared(learner, batch)
    columns = {"ratio": pooled(log_ratio).exp(), "kl": divergence, "entropy": entropy}
    log_std = learner.policy.log_std(learner.policy_parameters)
    valid = flatten(batch.valid).cpu().numpy()
    rows = [
        _summary({name: column[s] for name, column in arrays.items()}, valid[s], bounds)
        for arrays in [{name: c.double().cpu().numpy() for name, c in columns.items()}]
        for s in range(len(valid))
    ]
    found = {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}
    return found if log_std is None else found | {"log_std_mean": log_std.mean(-1).cpu().double()}


@torch.no_grad()
def compared(
    learner: Learner[OptimizerHyperparameters], batch: Batch
) -> tuple[Tensor, Tensor, Tensor]:
    """log ρ, KL(θ' ‖ θ) and H(θ) at every step, each [S, T·N]."""
    if learner.compiled:
        return compiled.changes(learner, batch)
    policy = learner.policy
    blocks = batch.observations.split(TIME_BLOCK, dim=1)
    new = torch.cat(
        [policy.statistics(learner.policy_parameters, flatten(block)) for block in blocks], dim=1
    )
    old, actions = flatten(batch.statistics), flatten(batch.actions)
    log_ratio = policy.log_probability(new, actions) - policy.log_probability(old, actions)
    return log_ratio, policy.divergence(old, new), policy.entropy(new)


def _summary(
    columns: dict[str, np.ndarray], valid: np.ndarray, bounds: tuple[float, float] | None
) -> dict[str, float]:
    kept = {name: column[valid] for name, column in columns.items()}
    summary = {"batch_steps": float(valid.sum())}
    with np.errstate(all="ignore"):
        ratio, kl = kept["ratio"], kept["kl"]
        if not len(ratio) or not np.isfinite(ratio).all():
            ratio = np.full(1, np.nan)
        if not len(kl):
            kl = np.full(1, np.nan)
        quantiles = np.quantile(ratio, (0.01, 0.5, 0.99))
        summary |= dict(zip(("ratio_q01", "ratio_q50", "ratio_q99"), quantiles, strict=True))
        summary["effective_sample_size"] = ratio.sum() ** 2 / (len(ratio) * (ratio**2).sum())
        summary["kl_mean"], summary["kl_max"] = kl.mean(), kl.max()
        summary["entropy"] = kept["entropy"].sum() / max(valid.sum(), 1)
        if bounds is not None:
            outside = (ratio < bounds[0]) | (ratio > bounds[1])
            summary["clip_fraction"] = float(outside.mean())
    return summary
