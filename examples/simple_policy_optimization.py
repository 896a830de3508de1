"""Simple policy optimization: a quadratic penalty instead of the clip.

    J(θ) = E_{(s,a)~θ'}[ ρ A^θ' − |A^θ'| / (2ε) · (ρ − 1)² ]

Difference from clipped PPO: beyond 1 ± ε the clip's gradient is zero, so that nothing brings ρ
back; here it points back to 1 ± ε, where the objective has its maximum.

Source: Xie et al. 2024, arXiv 2401.16025.

ρ ↔ `ratio` [S, M]; A^θ' ↔ `advantages` [S, M]; ε ↔ `clip_range`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import SurrogateHyperparameters, hyperparameter
from algorithms.surrogate import optimise_surrogate


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(SurrogateHyperparameters):
    """The penalty."""

    clip_range: float = hyperparameter(
        0.2, "ε: how far from 1 the best ρ lies", low=0.0, source="Xie et al. 2024"
    )


def objective(ratio: Tensor, advantages: Tensor, clip_range: float) -> Tensor:
    """ρA − |A| / (2ε) · (ρ − 1)² [S, M]."""
    return ratio * advantages - advantages.abs() / (2 * clip_range) * (ratio - 1).square()


def slope(ratio: Any, advantage: Any, numbers: np.ndarray) -> Any:
    """∂/∂ρ = A − |A| (ρ − 1) / ε of the objective; `numbers` is ε."""
    return advantage - abs(advantage) * (ratio - 1) / numbers[0]


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """All epochs on one batch."""
    clip_range = learner.hyperparameters.clip_range
    step = optimise_surrogate(
        learner,
        batch,
        lambda terms: objective(terms.ratio, terms.advantages, clip_range),
        slope,
        (clip_range,),
    )
    return {**step, **policy_change(learner, batch, (1 - clip_range, 1 + clip_range))}


ALGORITHM = Algorithm(
    name="simple_policy_optimization",
    title="Simple policy optimization",
    equation="E_θ'[ ρ A^θ' − |A^θ'| / (2ε) (ρ−1)² ]",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    slope=slope,
)
