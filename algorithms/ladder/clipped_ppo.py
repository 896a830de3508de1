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

import torch
from torch import Tensor

from algorithms.batch import Algorithm, Batch, Diagnostics
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import ClipHyperparameters, SurrogateHyperparameters
from algorithms.learner import Learner
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


def update(learner: Learner, batch: Batch) -> Diagnostics:
    """All epochs on one batch."""
    h = learner.hyperparameters
    assert isinstance(h, Hyperparameters)
    step = optimise_surrogate(
        learner,
        batch,
        lambda terms: objective(terms.ratio, terms.advantages, h.clip_range, h.clip_range_above),
    )
    return {**step, **policy_change(learner, batch, h.clip_range, h.clip_range_above)}


ALGORITHM = Algorithm(
    name="clipped_ppo",
    title="Clipped PPO (PPO2)",
    equation="E_θ'[ min(ρ A^θ', clip(ρ, 1−ε, 1+ε) A^θ') ]",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    critic=lambda h: True,
)
