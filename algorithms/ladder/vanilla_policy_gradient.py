"""Vanilla policy gradient (REINFORCE).

    ∇J(θ) ≈ 1/N Σₙ Σₜ R(τⁿ) ∇log p_θ(aₜⁿ|sₜⁿ),        R(τ) = Σₜ rₜ

Every action of a trajectory is credited with the whole trajectory's return.
Expectation: ∇J, exactly, as long as θ alone determines how a state is acted in: without
`observation_normalization`, or with frozen moments. Where the moments move within
a batch, the states of one trajectory shift how the others see theirs, and the terms
R(τⁿ) ∇log p_θ(aₜᵐ|sₜᵐ) of other trajectories m, which are 0 in expectation otherwise, are
missing. What a batch adds to the moments falls as 1 / batches, and the bias with it. "∇J" of
the other rungs is meant in the same way.

Source: Williams 1992, section 5 (episodic REINFORCE). In Sutton & Barto 2018, section 13.3,
REINFORCE credits an action with Gₜ: that is the reward-to-go rung.

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
    """Take one step up the gradient."""
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
