"""TRPO: trust region policy optimisation.

    maximise_θ  E_{θ'}[ ρ A^θ' ]   subject to   E[ KL(θ' ‖ θ) ] ≤ δ,     ρ = p_θ / p_θ'

    θ = θ' + αʲ √(2δ / sᵀFs) s,   F s = g,   g = ∇_θ E[ρ A] at θ',   j = 0, 1, …

Difference from KL-penalty PPO: the KL is a constraint, not a price. For x = θ − θ' small it is
½xᵀFx, F the Fisher information; the step along F⁻¹g to the edge of that ellipsoid is found by
conjugate gradient, then halved until the true KL is within δ and the surrogate has risen.
If it never does, θ stays θ' to the bit.

Source: Schulman et al. 2015, arXiv 1502.05477, section 6 and appendix C; numbers of
openai/baselines trpo_mpi for MuJoCo. Different there: the line search accepts a KL of up to 1.5 δ
and a surrogate that has not fallen; F is taken at every fifth state; the critic makes 5 passes of
minibatches of 64, with 1e-3 as here; networks are 2 × 32, observations bounded to ±5.

g ↔ `gradient` [S, P]; F ↔ `fisher_product`, damped; s ↔ `direction` [S, P]; α ↔
`backtrack_factor`; δ ↔ `kl_bound`. The step size recorded is αʲ √(2δ / sᵀFs), 0 where the
step was rejected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics, flatten
from algorithms.critic import estimate_advantages, explained_variance, fit_critic
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import (
    CriticHyperparameters,
    CriticRegression,
    hyperparameter,
    redeclared,
)
from algorithms.numerics.conjugate_gradient import Product, conjugate_gradient
from algorithms.policies import Policy
from algorithms.returns import standardise

SCHULMAN = "Schulman et al. 2015, arXiv 1502.05477"
BASELINES_TRPO = "openai/baselines trpo_mpi, MuJoCo defaults"


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(CriticHyperparameters, CriticRegression):
    """The trust region, and how its step is computed."""

    batch_steps: int = redeclared(
        CriticHyperparameters, "batch_steps", 1_024, source=BASELINES_TRPO
    )
    gae_lambda: float = redeclared(CriticHyperparameters, "gae_lambda", 0.98, source=BASELINES_TRPO)
    advantage_normalization: str = redeclared(
        CriticHyperparameters,
        "advantage_normalization",
        "batch",
        choices=("none", "batch"),
        source=BASELINES_TRPO,
    )
    kl_bound: float = hyperparameter(
        0.01, "δ, the largest mean KL of an update", unit="nats", low=0.0, source=SCHULMAN
    )
    conjugate_gradient_iterations: int = hyperparameter(
        10, "iterations that solve F s = g", unit="iterations", low=1, source=BASELINES_TRPO
    )
    damping: float = hyperparameter(
        0.1, "added to the diagonal of F", low=0.0, source=BASELINES_TRPO
    )
    backtrack_factor: float = hyperparameter(
        0.5, "α, what a step is shortened by", low=0.0, high=1.0, source=BASELINES_TRPO
    )
    backtrack_steps: int = hyperparameter(
        10, "lengths that are tried before a step is rejected", low=1, source=BASELINES_TRPO
    )


def fisher_product(
    policy: Policy, parameters: Tensor, observations: Tensor, damping: float
) -> Product:
    """v -> (F + damping·I) v, F = E_s[ ∇² KL(p_θ ‖ p_θ₊ₓ) at x = 0 ] of each seed.

    Computed by double backward: the gradient of ∇KL · v.

    Args:
        parameters: the policy's [S, P], where F is evaluated; observations: [S, B, O].

    Source: Schulman et al. 2015, arXiv 1502.05477, appendix C.
    """
    leaf = parameters.detach().clone().requires_grad_()
    statistics = policy.statistics(leaf, observations)
    divergence = policy.divergence(statistics.detach(), statistics).mean(1).sum()
    (slope,) = torch.autograd.grad(divergence, leaf, create_graph=True)

    def product(vector: Tensor) -> Tensor:
        (curvature_product,) = torch.autograd.grad((slope * vector).sum(), leaf, retain_graph=True)
        return curvature_product + damping * vector

    return product


def surrogate(ratio: Tensor, advantages: Tensor) -> Tensor:
    """E[ρ A], one per seed [S], from ρ and A [S, M]."""
    return (ratio * advantages).mean(1)


Judge = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Policy parameters [S, P] -> the surrogate [S] and the mean KL from θ' [S]."""


def line_search(
    judge: Judge, parameters: Tensor, step: Tensor, kl_bound: float, factor: float, tries: int
) -> tuple[Tensor, Tensor]:
    """The longest of step, α·step, α²·step, … that improves within the bound, seed by seed.

    Args:
        parameters: θ' [S, P]; step: [S, P].

    Returns:
        θ [S, P], equal to θ' if every length was rejected; the share of the step taken [S], then 0.
    """
    old_gain, _ = judge(parameters)
    accepted, share = parameters.clone(), torch.zeros_like(old_gain)
    for j in range(tries):
        candidate = parameters + factor**j * step
        gain, divergence = judge(candidate)
        # A comparison with NaN is false: such a step is rejected too.
        acceptable = (gain > old_gain) & (divergence <= kl_bound) & (share == 0)
        accepted = torch.where(acceptable.unsqueeze(1), candidate, accepted)
        share = torch.where(acceptable, factor**j, share)
        if (share > 0).all():
            break
    return accepted, share


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Take one step of the policy, then fit the critic."""
    h = learner.hyperparameters
    policy, theta = learner.policy, learner.policy_parameters
    estimates = estimate_advantages(learner, batch, h)
    weights = flatten(estimates.advantages)
    if h.advantage_normalization == "batch":
        weights = standardise(weights)
    observations, actions = flatten(batch.observations), flatten(batch.actions)
    leaf = theta.detach().requires_grad_()
    old = policy.statistics(leaf, observations)
    old_log_probability = policy.log_probability(old, actions)
    (gradient,) = torch.autograd.grad((weights * old_log_probability).mean(1).sum(), leaf)
    old, old_log_probability = old.detach(), old_log_probability.detach()

    product = fisher_product(policy, theta, observations, h.damping)
    direction = conjugate_gradient(product, gradient, h.conjugate_gradient_iterations)
    curvature = (direction * product(direction)).sum(1)
    step_size = torch.sqrt(2 * h.kl_bound / curvature)

    def judge(parameters: Tensor) -> tuple[Tensor, Tensor]:
        new = policy.statistics(parameters, observations)
        ratio = torch.exp(policy.log_probability(new, actions) - old_log_probability)
        return surrogate(ratio, weights), policy.divergence(old, new).mean(1)

    step = step_size.unsqueeze(1) * direction
    accepted, share = line_search(
        judge, theta, step, h.kl_bound, h.backtrack_factor, h.backtrack_steps
    )
    theta.copy_(torch.where(learner.active.unsqueeze(1), accepted, theta))
    explained = explained_variance(estimates.values, estimates.targets, batch.valid)
    change = policy_change(learner, batch)
    for name in ("kl_mean", "kl_max"):
        # Where nothing moved, the measured KL is only rounding between acting and learning.
        change[name] = torch.where(share > 0, change[name], 0.0)
    return {
        "gradient_norm": torch.linalg.vector_norm(gradient, dim=1),
        "learning_rate": torch.where(share > 0, share * step_size, 0.0),
        "explained_variance": explained,
        "value_loss": fit_critic(learner, batch, estimates.targets, h),
        **change,
    }


ALGORITHM = Algorithm(
    name="trpo",
    title="TRPO",
    equation="E_θ'[ ρ A^θ' ] subject to E[ KL(p_θ' ‖ p_θ) ] ≤ δ",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
)
