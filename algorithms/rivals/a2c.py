"""A2C: the advantage actor-critic, synchronous.

    J(θ) = E[ A(s, a) log p_θ(a|s) + c_e H(p_θ(·|s)) ] − c_v E[ (V(s) − R)² / 2 ]

    A(sₜ, aₜ) = Σ_{l<n} γˡ r_{t+l} + γⁿ V(s_{t+n}) − V(sₜ)

Difference from the advantage rung: many small batches (n = 5 steps of every slot) with one
RMSProp step each for actor and critic together, instead of one large batch, Adam, and a
critic that is fitted apart. λ = 1 is the paper's n-step return; the batch's end cuts it.

Source: Mnih et al. 2016, arXiv 1602.01783, section 4 (algorithm S3, without the
asynchrony); the numbers are those of Stable-Baselines3's A2C, which has torch's RMSProp, a
constant step size and no entropy bonus. Different in each:

                        here            Stable-Baselines3    openai/baselines a2c
    RMSProp             torch's         torch's              TensorFlow's (as in the paper, ε
                                                             inside the root; v starts from 1)
    step size           constant        constant             falls linearly to 0
    entropy bonus c_e   0               0                    0.01
    value loss          0.5 (V − R)²/2  0.5 (V − R)²         0.5 (V − R)²
    time limit          V continues it  V continues it       ends the episode

Setting `rmsprop_form`, `learning_rate_decay_steps`, `entropy_coefficient`, `value_coefficient` = 1
gives the others. Actor and critic share no weight, and RMSProp (torch's from the first step)
divides a gradient by its own size: c_v decides only the critic's share of the common norm when
that is clipped, and how large its gradients are beside ε.

A ↔ `advantages` [S, M]; R ↔ `targets` [S, M]; c_e ↔ `entropy_coefficient`; c_v ↔
`value_coefficient`; n ↔ `batch_steps` / `slots`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms import compiled
from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics, Estimates, flatten
from algorithms.critic import estimate_advantages, explained_variance, squared_error
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import CriticHyperparameters, hyperparameter, redeclared
from algorithms.numerics.kernels.losses import Loss
from algorithms.numerics.kernels.optimizers import Optimizer
from algorithms.numerics.optimizers import RMSPROP_FORMS, clip_gradient_norm, rmsprop_step
from algorithms.policies import Policy
from algorithms.returns import standardise

MNIH = "Mnih et al. 2016, arXiv 1602.01783"
BASELINES_A2C = "openai/baselines a2c"
STABLE_BASELINES3_A2C = "Stable-Baselines3 A2C"


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(CriticHyperparameters):
    """Small batches, RMSProp, one step for actor and critic."""

    slots: int = redeclared(
        CriticHyperparameters, "slots", 16, source=MNIH + ", section 8: 16 actor-learners"
    )
    batch_steps: int = hyperparameter(
        80,
        "steps a seed collects for one update, over all its slots: 5 of each",
        unit="environment steps",
        low=1,
        source=MNIH + ", section 8: t_max = 5",
    )
    gae_lambda: float = hyperparameter(
        1.0,
        "λ of the generalised advantage estimate; 1 is the n-step return",
        low=0.0,
        high=1.0,
        source=MNIH + ", algorithm S3",
    )
    advantage_normalization: str = redeclared(
        CriticHyperparameters,
        "advantage_normalization",
        "none",
        choices=("none", "batch"),
        source=MNIH + ": none",
    )
    learning_rate: float = hyperparameter(
        7e-4,
        "RMSProp's step size",
        low=0.0,
        source=STABLE_BASELINES3_A2C + "; " + BASELINES_A2C + ", which lets it fall to 0",
    )
    rmsprop_form: str = hyperparameter(
        "torch",
        "RMSProp as torch has it (ε outside the root, mean square from 0) or as TensorFlow "
        "(inside, from 1)",
        choices=tuple(RMSPROP_FORMS),
        source=STABLE_BASELINES3_A2C + "; " + BASELINES_A2C + ": tensorflow",
        before="torch",
    )
    rmsprop_decay: float = hyperparameter(
        0.99, "decay of RMSProp's mean square", low=0.0, high=1.0, source=MNIH + ", section 8"
    )
    rmsprop_epsilon: float = hyperparameter(
        1e-5,
        "added to the root of RMSProp's mean square, or to the mean square itself, by its form",
        low=0.0,
        source=STABLE_BASELINES3_A2C + "; " + BASELINES_A2C + ": to the mean square",
    )
    value_coefficient: float = hyperparameter(
        0.5,
        "c_v, the weight of the value loss (V − R)² / 2",
        low=0.0,
        source="as PPO's; " + STABLE_BASELINES3_A2C + " and " + BASELINES_A2C + ": 0.5 (V − R)²",
    )
    entropy_coefficient: float = hyperparameter(
        0.0,
        "c_e, the weight of the entropy",
        low=0.0,
        source=STABLE_BASELINES3_A2C + "; " + BASELINES_A2C + ": 0.01",
    )


Projection = Callable[[Tensor, Tensor], Tensor]
"""Observations [S, M, O] and ∇_φ of each sample's objective [S, M, K] -> the ascent direction."""


def slope(ratio: Any, advantage: Any, numbers: np.ndarray) -> Any:
    """∂/∂ρ = A: at θ = θ', where ρ = 1, ∇(ρ A) = A ∇log p."""
    return advantage


def objective_gradient(
    policy: Policy, statistics: Tensor, actions: Tensor, advantages: Tensor, entropy: float
) -> Tensor:
    """∇_φ [ A log p_φ(a) + c_e H(p_φ) ] of each sample [S, M, K]."""
    phi = statistics.detach().requires_grad_()
    gain = advantages * policy.log_probability(phi, actions) + entropy * policy.entropy(phi)
    (gradient,) = torch.autograd.grad(gain.sum(), phi)
    return gradient


def actor_critic_step(
    learner: ActorCritic[Hyperparameters], batch: Batch, projection: Projection | None = None
) -> Diagnostics:
    """Take one RMSProp step of actor and critic along the batch's (perhaps projected) gradient."""
    h = learner.hyperparameters
    estimates = estimate_advantages(learner, batch, h)
    explained = explained_variance(estimates.values, estimates.targets, batch.valid)
    if h.advantage_normalization == "batch":
        advantages = standardise(flatten(estimates.advantages)).view_as(batch.rewards)
        estimates = replace(estimates, advantages=advantages)
    rate = learner.annealed(h.learning_rate)
    if learner.compiled and projection is None:
        # The whole batch is one minibatch, in its stored order.
        sample_count = batch.valid[0].numel()
        loss, norm = compiled.update_actor_critic(
            learner,
            batch,
            estimates,
            [np.arange(sample_count) for _ in learner.seeds],
            sample_count,
            slope,
            (),
            Loss(float(h.value_coefficient), float(h.entropy_coefficient)),
            Optimizer(
                epsilon=float(h.rmsprop_epsilon),
                norm_clip=float(h.gradient_norm_clip),
                decay=float(h.rmsprop_decay),
                inside=h.rmsprop_form == "tensorflow",
            ),
            (rate, rate),
            learner.memory["mean_square"],
        )
    else:
        loss, norm = _differentiated(learner, batch, estimates, projection)
    return {
        "explained_variance": explained,
        "value_loss": loss,
        "gradient_norm": norm,
        "learning_rate": rate,
        **policy_change(learner, batch),
    }


def _differentiated(
    learner: ActorCritic[Hyperparameters],
    batch: Batch,
    estimates: Estimates,
    projection: Projection | None,
) -> tuple[Tensor, Tensor]:
    h, policy = learner.hyperparameters, learner.policy
    observations, actions = flatten(batch.observations), flatten(batch.actions)
    advantages, targets = flatten(estimates.advantages), flatten(estimates.targets)
    theta = learner.parameters.detach().requires_grad_()
    statistics = policy.statistics(theta[:, : policy.size], observations)
    prediction = learner.values(theta[:, policy.size :], observations)
    direction = objective_gradient(policy, statistics, actions, advantages, h.entropy_coefficient)
    if projection is not None:
        direction = projection(observations, direction)
    loss = squared_error(prediction, targets).mean(1)
    # Descend the value loss, and ascend the (projected) gradient of the objective.
    total_loss = (h.value_coefficient * loss).sum() - (direction * statistics).sum(2).mean(1).sum()
    (gradient,) = torch.autograd.grad(total_loss, theta)
    clipped, norm = clip_gradient_norm(gradient, h.gradient_norm_clip)
    rmsprop_step(
        learner.parameters,
        learner.memory["mean_square"],
        clipped,
        learner.annealed(h.learning_rate),
        learner.active,
        decay=h.rmsprop_decay,
        epsilon=h.rmsprop_epsilon,
        form=h.rmsprop_form,
    )
    return loss.detach(), norm


def start(learner: ActorCritic[Hyperparameters]) -> None:
    """Set the mean square to the value that this form of RMSProp starts from."""
    h = learner.hyperparameters
    initial_square = RMSPROP_FORMS[h.rmsprop_form]
    learner.memory["mean_square"] = torch.full_like(learner.parameters, initial_square)


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Take one step on one batch."""
    return actor_critic_step(learner, batch)


ALGORITHM = Algorithm(
    name="a2c",
    title="A2C",
    equation="E[ A log p_θ(a|s) + c_e H ] − c_v E[ (V − R)²/2 ]",
    hyperparameters=Hyperparameters,
    collects="steps",
    update=update,
    slope=slope,
    start=start,
    recordable_update=True,
)
