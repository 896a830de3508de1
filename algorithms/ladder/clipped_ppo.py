"""Clipped PPO (PPO2).

    J(θ) = E_{(s,a)~θ'}[ min( ρ A^θ', clip(ρ, 1 − ε, 1 + ε) A^θ' ) ]

Difference from importance sampling: beyond 1 ± ε, moving ρ further in the direction that A
asks for gains nothing, and the minimum makes the bound pessimistic: moving it the wrong way
still costs. No KL is computed. ε = ∞ is importance sampling.

Source: Schulman et al. 2017, arXiv 1707.06347, eq. 7, Table 3.

ρ ↔ `ratio` [S, M]; A^θ' ↔ `advantages` [S, M]; ε ↔ `clip_range`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import PAPER_TEXT, SurrogateHyperparameters, hyperparameter
from algorithms.learner import Learner
from algorithms.surrogate import optimise_surrogate


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(SurrogateHyperparameters):
    """The clip."""

    clip_range: float = hyperparameter(
        0.2,
        "ε: how far ρ may leave 1 before it gains nothing; inf for no clip",
        low=0.0,
        source=PAPER_TEXT,
    )


def objective(ratio: Tensor, advantages: Tensor, clip_range: float) -> Tensor:
    """min(ρA, clip(ρ, 1 − ε, 1 + ε)A) [S, M]."""
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return torch.minimum(ratio * advantages, clipped * advantages)


def update(learner: Learner, batch: Batch) -> Diagnostics:
    """All epochs on one batch."""
    h = learner.hyperparameters
    assert isinstance(h, Hyperparameters)
    step = optimise_surrogate(
        learner, batch, lambda terms: objective(terms.ratio, terms.advantages, h.clip_range)
    )
    return {**step, **policy_change(learner, batch, h.clip_range)}


ALGORITHM = Algorithm(
    name="clipped_ppo",
    title="Clipped PPO (PPO2)",
    equation="E_θ'[ min(ρ A^θ', clip(ρ, 1−ε, 1+ε) A^θ') ]",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    critic=lambda h: True,
)
