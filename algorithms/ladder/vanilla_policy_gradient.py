"""Vanilla policy gradient (REINFORCE).

    ∇J(θ) ≈ 1/N Σₙ Σₜ R(τⁿ) ∇log p_θ(aₜⁿ|sₜⁿ),        R(τ) = Σₜ rₜ

Every action of a trajectory is credited with the whole trajectory's return.
Expectation: ∇J, exactly, for observations as they come; where they are standardised, by
statistics that go on within a batch, up to that.

Source: Williams 1992; Sutton & Barto 2018, section 13.3.

N trajectories ↔ the slots; R(τⁿ) ↔ `credit(...)` [S, 1, N], the weight of each of its steps.
"""

from __future__ import annotations

from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import TrajectoryHyperparameters as Hyperparameters
from algorithms.policy_gradient import policy_gradient_step
from algorithms.returns import total_return


def credit(batch: Batch) -> Tensor:
    """R(τⁿ), the same at every step [S, 1, N]."""
    return total_return(batch.rewards, batch.valid).unsqueeze(1)


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """One step up the gradient."""
    step = policy_gradient_step(learner, batch, credit(batch).expand_as(batch.rewards))
    return {**step, **policy_change(learner, batch)}


ALGORITHM = Algorithm(
    name="vanilla_policy_gradient",
    title="Vanilla policy gradient",
    equation="1/N Σₙ Σₜ R(τⁿ) log p_θ(aₜ|sₜ)",
    hyperparameters=Hyperparameters,
    collects="trajectories",
    update=update,
)
