"""A2C with the trust region of ACER.

    maximise_z  gᵀz − ½ zᵀz   subject to   kᵀz ≤ δ:    z = g − max(0, (kᵀg − δ) / ‖k‖²) k

    g = ∇_φ [ A log p_φ(a) + c_e H ],   k = ∇_φ KL( p_φ̄ ‖ p_φ ),   θ̄ ← α θ̄ + (1 − α) θ

Difference from A2C: each sample's gradient in the distribution's statistics φ = (μ, log σ)
is shortened where it leads away from the average network θ̄; z takes g's place on the way
back to θ. The constraint is linear: kᵀz is held to δ, not the KL. δ = ∞ is A2C.

Source: Wang et al. 2016, arXiv 1611.01224, section 3.3, eqs. 11 and 12. Different there: g is
ACER's, with replayed data; continuous policies have a fixed σ, so that φ = μ; for discrete ones φ
is the probabilities, here their logarithms.

g, k, z ↔ `gradient`, `slope`, the result of `projected` [S, M, K]; δ ↔ `trust_region`;
α ↔ `average_decay`; θ̄ ↔ `learner.memory["average"]` [S, P].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.hyperparameters import hyperparameter
from algorithms.rivals import a2c

WANG = "Wang et al. 2016, arXiv 1611.01224"


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(a2c.Hyperparameters):
    """A2C's hyperparameters, and the trust region."""

    trust_region: float = hyperparameter(
        1.0, "δ, the bound on kᵀz; inf for none", low=0.0, source=WANG + ", section 4"
    )
    average_decay: float = hyperparameter(
        0.99,
        "α, what the average network keeps at an update",
        low=0.0,
        high=1.0,
        source=WANG + ", section 4",
    )


def projected(gradient: Tensor, slope: Tensor, bound: float) -> Tensor:
    """g − max(0, (kᵀg − δ) / ‖k‖²) k, of each sample, [S, M, K]."""
    excess = (slope * gradient).sum(-1, keepdim=True) - bound
    squared_norm = slope.square().sum(-1, keepdim=True)
    # Without a slope (φ = φ̄) there is nothing to hold back, and nothing to divide by.
    scale = torch.where(squared_norm > 0, excess.clamp(min=0) / squared_norm, 0.0)
    return gradient - scale * slope


def start(learner: ActorCritic[Hyperparameters]) -> None:
    """Initialise the average network as a copy of the policy."""
    a2c.start(learner)
    learner.memory["average"] = learner.policy_parameters.clone()


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Take one step on one batch; then move the average network towards the policy."""
    h = learner.hyperparameters
    policy, average = learner.policy, learner.memory["average"]

    def project(observations: Tensor, gradient: Tensor) -> Tensor:
        reference = policy.statistics(average, observations)
        phi = policy.statistics(learner.policy_parameters, observations).requires_grad_()
        (slope,) = torch.autograd.grad(policy.divergence(reference, phi).sum(), phi)
        return projected(gradient, slope, h.trust_region)

    step = a2c.actor_critic_step(learner, batch, project)
    new_average = h.average_decay * average + (1 - h.average_decay) * learner.policy_parameters
    learner.memory["average"] = torch.where(learner.active.unsqueeze(1), new_average, average)
    return step


ALGORITHM = Algorithm(
    name="a2c_trust_region",
    title="A2C + Trust Region",
    equation="A2C along z = g − max(0, (kᵀg − δ)/‖k‖²) k",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    start=start,
    recordable_update=True,
)
