"""Clipped PPO (PPO2).

    J(θ) = E_{(s,a)~θ'}[ min( ρ A^θ', clip(ρ, 1 − ε, 1 + ε) A^θ' ) ]

Difference from importance sampling: beyond 1 ± ε, moving ρ further in the direction that A
asks for gains nothing, and the minimum makes the bound pessimistic: moving it the wrong way
still costs. No KL is computed. ε = ∞ is importance sampling. The upper ε may differ from the
lower one.

Source: Schulman et al. 2017, arXiv 1707.06347, eq. 7, Table 3; a separate upper ε: Yu et al.
2025, arXiv 2503.14476, section 3.1.

ρ ↔ `ratio` [S, M]; A^θ' ↔ `advantages` [S, M]; ε ↔ `clip_range`, above 1 `clip_range_above`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    """The hyperparameters of every surrogate, and the clip."""


def objective(ratio: Tensor, advantages: Tensor, bounds: tuple[float, float]) -> Tensor:
    """min(ρA, clip(ρ, 1 − ε, 1 + ε)A) [S, M], `bounds` being 1 − ε and 1 + ε."""
    return torch.minimum(ratio * advantages, ratio.clamp(*bounds) * advantages)


def slope(ratio: Any, advantage: Any, bounds: np.ndarray) -> Any:
    """∂/∂ρ = A of the objective, 0 where the clipped term is the smaller."""
    clipped = bounds[0] if ratio < bounds[0] else (bounds[1] if ratio > bounds[1] else ratio)
    return 0.0 if clipped * advantage < ratio * advantage else advantage


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Run all epochs on one batch."""
    bounds = learner.hyperparameters.bounds
    step = optimise_surrogate(
        learner,
        batch,
        lambda terms: objective(terms.ratio, terms.advantages, bounds),
        slope,
        bounds,
    )
    return {**step, **policy_change(learner, batch, bounds)}


ALGORITHM = Algorithm(
    name="clipped_ppo",
    title="Clipped PPO (PPO2)",
    equation="E_θ'[ min(ρ A^θ', clip(ρ, 1−ε, 1+ε) A^θ') ]",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    slope=slope,
)
