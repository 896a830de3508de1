"""Clipped PPO (PPO2).

    J(θ) = E_{(s,a)~θ'}[ min( ρ A^θ', clip(ρ, 1 − ε, 1 + ε) A^θ' ) ]

Difference from importance sampling: beyond 1 ± ε, moving ρ further in the direction that A
asks for gains nothing, and the minimum makes the bound pessimistic: moving it the wrong way
still costs. No KL is computed. ε = ∞ is importance sampling. The upper ε may be another than
the lower one.

Source: Schulman et al. 2017, arXiv 1707.06347, eq. 7, Table 3; an ε of its own above: Yu et al.
2025, arXiv 2503.14476, section 3.1.

ρ ↔ `ratio` [S, M]; A^θ' ↔ `advantages` [S, M]; ε ↔ `clip_range`, above 1 `clip_range_above`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import ClipHyperparameters, SurrogateHyperparameters
from algorithms.surrogate import optimise_surrogate


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(ClipHyperparameters, SurrogateHyperparameters):
    """Those of every surrogate, and the clip."""


def objective(
    ratio: Tensor, advantages: Tensor, clip_range: float, clip_range_above: float | None = None
) -> Tensor:
    """min(ρA, clip(ρ, 1 − ε, 1 + ε)A) [S, M], the upper ε the lower one unless it is given."""
    above = clip_range if clip_range_above is None else clip_range_above
    clipped = ratio.clamp(1 - clip_range, 1 + above)
    return torch.minimum(ratio * advantages, clipped * advantages)


def bounds(seeds: int, clip_range: float, clip_range_above: float | None) -> Tensor:
    """1 − ε and 1 + ε of every seed [S, 2]."""
    above = clip_range if clip_range_above is None else clip_range_above
    return torch.tensor([1 - clip_range, 1 + above]).expand(seeds, 2)


def slope(
    ratio: float, advantage: float, divergence: float, numbers: np.ndarray
) -> tuple[float, float]:
    """∂/∂ρ and ∂/∂KL = 0 of the objective; `numbers` are 1 − ε and 1 + ε.

    ∂/∂ρ = A while ρ is inside, and outside where the minimum is the unclipped term; else 0.
    """
    low, high = numbers[0], numbers[1]
    bounded = low if ratio < low else (high if ratio > high else ratio)
    return (0.0 if bounded * advantage < ratio * advantage else advantage), 0.0


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """All epochs on one batch."""
    h = learner.hyperparameters
    below, above = h.clip_range, h.clip_range_above
    step = optimise_surrogate(
        learner,
        batch,
        lambda terms: objective(terms.ratio, terms.advantages, below, above),
        slope,
        bounds(len(learner.seeds), below, above),
    )
    return {**step, **policy_change(learner, batch, below, above)}


ALGORITHM = Algorithm(
    name="clipped_ppo",
    title="Clipped PPO (PPO2)",
    equation="E_θ'[ min(ρ A^θ', clip(ρ, 1−ε, 1+ε) A^θ') ]",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    critic=lambda h: True,
)
