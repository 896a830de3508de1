"""Vanilla policy gradient (REINFORCE).

    ∇J(θ) ≈ 1/N Σₙ Σₜ R(τⁿ) ∇log p_θ(aₜⁿ|sₜⁿ),        R(τ) = Σₜ rₜ

Every action of a trajectory is credited with the whole trajectory's return.
Expectation: ∇J, exactly, as long as θ alone says how a state is acted in: without
`observation_normalization`, or with moments that stand still. Where the moments move within
a batch, the states of one trajectory shift how the others see theirs, and the terms
R(τⁿ) ∇log p_θ(aₜᵐ|sₜᵐ) of other trajectories m, which are 0 in expectation otherwise, are
missing. What a batch adds to the moments falls as 1 / batches, and the bias with it. "∇J" of
the other rungs is meant in the same way.

Source: Williams 1992, section 5 (episodic REINFORCE). Sutton & Barto 2018, section 13.3,
call REINFORCE what credits an action with Gₜ: the reward-to-go rung.

N trajectories ↔ the slots; R(τⁿ) ↔ `total_return(...)` [S, N]; the weight of a step ↔
`weights` [S, T, N].
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from algorithms.batch import Algorithm, Batch
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
