"""Vanilla policy gradient (REINFORCE).

    ∇J(θ) ≈ 1/N Σₙ Σₜ R(τⁿ) ∇log p_θ(aₜⁿ|sₜⁿ),        R(τ) = Σₜ rₜ

Every action of a trajectory is credited with the whole trajectory's return.
Expectation: ∇J, exactly.

Source: Williams 1992; Sutton & Barto 2018, section 13.3.

N trajectories ↔ the slots; R(τⁿ) ↔ `total_return(...)` [S, N]; the weight of a step ↔
`weights` [S, T, N].
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from algorithms.algorithm import Algorithm
from algorithms.batch import Batch
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import TrajectoryHyperparameters
from algorithms.learner import Learner
from algorithms.policy_gradient import policy_gradient_step
from algorithms.returns import total_return


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(TrajectoryHyperparameters):
    """Nothing beyond what every estimator over trajectories has."""


def weights(batch: Batch) -> Tensor:
    """R(τⁿ), the same at every step [S, T, N]."""
    returns = total_return(batch.rewards, batch.valid)
    return returns.unsqueeze(1).expand_as(batch.rewards)


def update(learner: Learner, batch: Batch) -> dict[str, Tensor]:
    """One step up the gradient."""
    step = policy_gradient_step(learner, batch, weights(batch))
    return {**step, **policy_change(learner, batch)}


ALGORITHM = Algorithm(
    name="vanilla_policy_gradient",
    title="Vanilla policy gradient",
    equation="1/N Σₙ Σₜ R(τⁿ) log p_θ(aₜ|sₜ)",
    hyperparameters=Hyperparameters,
    collects="trajectories",
    update=update,
)
