"""Off-policy policy gradient by importance sampling, step by step.

    J(θ) = E_{(s,a)~θ'}[ ρ A^θ'(s, a) ],        ρ = p_θ(a|s) / p_θ'(a|s)

Difference from the advantage rung: the data of θ' are used for K epochs of minibatch steps
while θ moves away from it; ρ corrects the probability of the action (not of the state, and
not of the actions before it: `trajectory_importance_sampling` does that). At θ = θ' the
gradient is the advantage rung's. Nothing keeps θ near θ', and the variance of ρ grows with
their distance.

Source: Schulman et al. 2017, arXiv 1707.06347, eq. 6 ("no clipping or penalty" in Table 1).

ρ ↔ `ratio` [S, M]; A^θ' ↔ `advantages` [S, M]; K ↔ `epochs`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import SurrogateHyperparameters as Hyperparameters
from algorithms.surrogate import optimise_surrogate


def objective(ratio: Tensor, advantages: Tensor) -> Tensor:
    """ρA [S, M]."""
    return ratio * advantages


def slope(ratio: Any, advantage: Any, numbers: np.ndarray) -> Any:
    """∂/∂ρ = A of the objective."""
    return advantage


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Run all epochs on one batch."""
    step = optimise_surrogate(
        learner,
        batch,
        lambda terms: objective(terms.ratio, terms.advantages),
        slope,
    )
    return {**step, **policy_change(learner, batch)}


ALGORITHM = Algorithm(
    name="importance_sampling",
    title="Importance sampling",
    equation="E_θ'[ ρ A^θ'(s,a) ],  ρ = p_θ(a|s) / p_θ'(a|s)",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    slope=slope,
)
