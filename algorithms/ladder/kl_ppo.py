"""PPO with a KL penalty, fixed or adaptive.

    J(θ) = E_{(s,a)~θ'}[ ρ A^θ'(s, a) − β KL(p_θ'(·|s) ‖ p_θ(·|s)) ]

    adaptive β:  KL > 1.5 · target  ⇒  β ← 2β
                 KL < target / 1.5  ⇒  β ← β/2,    β within `BETA_BOUNDS`

Difference from importance sampling: −β KL keeps the *behaviour* of θ near that of θ' at the
visited states (not the parameters near each other). β = 0 is importance sampling.

Source: Schulman et al. 2017, arXiv 1707.06347, section 4 and eq. 8.

ρ ↔ `ratio`, A^θ' ↔ `advantages`, KL ↔ `divergence`, each [S, M]; β ↔ `learner.memory["beta"]`
[S], adapted after an update by the mean KL over the whole batch, each seed by its own.
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
from algorithms.hyperparameters import PenaltyHyperparameters, SurrogateHyperparameters
from algorithms.learner import Learner
from algorithms.surrogate import optimise_surrogate

BETA_BOUNDS = (1e-10, 1e10)
"""Bounds of β, 33 halvings or doublings from 1; the paper has none. From 0, which float32 reaches
after 149 halvings, no doubling leads away, and β KL must stay finite. In the published runs β stays
within 0.25 … 10."""


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(PenaltyHyperparameters, SurrogateHyperparameters):
    """The hyperparameters of every surrogate, the penalty and how it adapts."""


def objective(ratio: Tensor, advantages: Tensor, divergence: Tensor, beta: Tensor) -> Tensor:
    """ρ A − β KL [S, M], β [S, 1]."""
    return ratio * advantages - beta * divergence


def slope(ratio: Any, advantage: Any, divergence: Any, beta: np.ndarray) -> tuple[Any, Any]:
    """∂/∂ρ = A and ∂/∂KL = −β of the objective."""
    return advantage, -beta[0]


def adapted(beta: Tensor, divergence: Tensor, target: float) -> Tensor:
    """β [S] for the next update, given this one's mean KL [S]."""
    beta = torch.where(divergence > 1.5 * target, 2 * beta, beta)
    return torch.where(divergence < target / 1.5, beta / 2, beta).clamp(*BETA_BOUNDS)


def start(learner: Learner[Any]) -> None:
    """Set every seed's β to the declared value."""
    beta = learner.hyperparameters.beta
    learner.memory["beta"] = torch.full((len(learner.seeds),), beta, device=learner.device)


def adapt(learner: Learner[Any], divergence: Tensor) -> None:
    """If β is adaptive, set it for the next batch, given this one's mean KL [S]."""
    h, beta = learner.hyperparameters, learner.memory["beta"]
    if h.adaptive:
        new_beta = adapted(beta, divergence.to(beta), h.kl_target)
        learner.memory["beta"] = torch.where(learner.active, new_beta, beta)


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Run all epochs on one batch under one β; then adapt β."""
    beta = learner.memory["beta"]
    step = optimise_surrogate(
        learner,
        batch,
        lambda terms: objective(terms.ratio, terms.advantages, terms.divergence, beta.unsqueeze(1)),
        slope,
        beta.unsqueeze(1),
    )
    change = policy_change(learner, batch)
    adapt(learner, change["kl_mean"])
    return {**step, **change, "beta": beta}


ALGORITHM = Algorithm(
    name="kl_ppo",
    title="KL-penalty PPO",
    equation="E_θ'[ ρ A^θ' − β KL(p_θ' ‖ p_θ) ]",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    slope=slope,
    start=start,
)
