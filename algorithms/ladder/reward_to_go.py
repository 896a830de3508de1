"""Policy gradient with reward-to-go: credit from t on, then the discount.

    ∇J(θ) ≈ 1/N Σₙ Σₜ (Gₜⁿ − b) ∇log p_θ(aₜⁿ|sₜⁿ),        Gₜ = Σ_{t'≥t} γ^{t'−t} r_{t'}

Difference from the baseline rung: an action is credited with the rewards that follow it,
not with those that came before it, which it cannot have caused; with γ < 1, later rewards
count less.
Expectation with γ = 1 and b = 0: ∇J. With γ < 1 it is Σₜ ∇log p · Gₜ without the factor γᵗ
that ∇J_γ has: not the gradient of any objective (Nota & Thomas 2020), and what everybody
uses. The batch mean is over all steps and biased by O(1/N): b contains the very returns that it
is subtracted from.

Source: Sutton et al. 2000 (policy gradient theorem); Nota & Thomas 2020, arXiv 1906.07073.

Gₜ ↔ `credit(...)` [S, T, N]; γ ↔ `discount`; b ↔ `baselines.BASELINES[name]`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.baselines import (
    BaselineHyperparameters,
    has_critic,
    start,
    step_with_baseline,
)
from algorithms.batch import Batch, Diagnostics
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import hyperparameter, redeclared
from algorithms.returns import reward_to_go


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(BaselineHyperparameters):
    """The choice of b, and γ."""

    discount: float = hyperparameter(
        1.0, "γ; 1 for the undiscounted reward-to-go", low=0.0, high=1.0, source="the lecture"
    )
    # Runs of this rung were stored before this choice of b existed.
    moving_average_decay: float = redeclared(
        BaselineHyperparameters, "moving_average_decay", 0.9, before=0.9
    )


def credit(batch: Batch, discount: float) -> Tensor:
    """Gₜⁿ [S, T, N]."""
    return reward_to_go(batch.rewards, batch.valid, discount)


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Take one step up the gradient; then fit a learned baseline for the next batch."""
    returns = credit(batch, learner.hyperparameters.discount)
    step = step_with_baseline(learner, batch, returns)
    return {**step, **policy_change(learner, batch)}


ALGORITHM = Algorithm(
    name="reward_to_go",
    title="Reward-to-go",
    equation="1/N Σₙ Σₜ (Σ_{t'≥t} γ^{t'−t} r_{t'} − b) log p_θ(aₜ|sₜ)",
    hyperparameters=Hyperparameters,
    collects="trajectories",
    update=update,
    critic=has_critic,
    start=start,
)
