"""What an update did: measured over the whole batch, after the last epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from algorithms.batch import Batch, flatten
from algorithms.learner import Learner
from algorithms.policy_gradient import TIME_BLOCK


@torch.no_grad()
def policy_change(
    learner: Learner,
    batch: Batch,
    clip_range: float | None = None,
    clip_range_above: float | None = None,
    pooled: Callable[[Tensor], Tensor] = lambda log_ratio: log_ratio,
) -> dict[str, Tensor]:
    """How far θ has moved from the behaviour θ' that collected the batch.

    Args:
        clip_range: how far ρ may leave 1, where the algorithm clips.
        clip_range_above: how far it may rise above 1, where that is another number.
        pooled: from log ρ of every step [S, T·N] to that of the ratio which the algorithm takes.

    Returns, each [S], over all steps taken:
        entropy [nats]; kl_mean, kl_max: KL(θ' ‖ θ) at the visited states [nats];
        ratio_q01, ratio_q50, ratio_q99: quantiles of ρ = p_θ(a|s) / p_θ'(a|s);
        effective_sample_size: (Σρ)² / (n Σρ²), 1 on-policy;
        clip_fraction: share with ρ outside of what `clip_range` allows, where that is given;
        log_std_mean of a continuous policy; batch_steps.
    """
    policy = learner.policy
    blocks = batch.observations.split(TIME_BLOCK, dim=1)
    new = torch.cat(
        [policy.statistics(learner.policy_parameters, flatten(block)) for block in blocks], dim=1
    )
    old, actions = flatten(batch.statistics), flatten(batch.actions)
    log_ratio = policy.log_probability(new, actions) - policy.log_probability(old, actions)
    columns = {
        "ratio": pooled(log_ratio).exp(),
        "kl": policy.divergence(old, new),
        "entropy": policy.entropy(new),
    }
    log_std = policy.log_std(new)
    if log_std is not None:
        columns["log_std"] = log_std.mean(-1)
    valid = flatten(batch.valid).cpu().numpy()
    rows = [
        _summary(
            {name: column[s] for name, column in arrays.items()},
            valid[s],
            clip_range,
            clip_range if clip_range_above is None else clip_range_above,
        )
        for arrays in [{name: c.double().cpu().numpy() for name, c in columns.items()}]
        for s in range(len(valid))
    ]
    return {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}


def _summary(
    columns: dict[str, np.ndarray], valid: np.ndarray, below: float | None, above: float | None
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
        if below is not None and above is not None:
            moved = ratio - 1
            summary["clip_fraction"] = float(((moved > above) | (-moved > below)).mean())
        if "log_std" in kept:
            summary["log_std_mean"] = kept["log_std"].sum() / max(valid.sum(), 1)
    return summary
