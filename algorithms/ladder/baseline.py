"""Policy gradient with a baseline.

    ∇J(θ) ≈ 1/N Σₙ Σₜ (R(τⁿ) − b) ∇log p_θ(aₜⁿ|sₜⁿ),        b ≈ E[R(τ)]

Difference from vanilla: b. Without it, every sampled action becomes likelier wherever
rewards are positive; with it, only those of better-than-average trajectories do.
Expectation: ∇J for b = 0, or b of other trajectories (leave one out, moving average, learned);
(1 − 1/N) ∇J for the batch mean; biased at small N for the variance-optimal b, which is estimated
from the batch that it is subtracted from.

Source: Williams 1992; `algorithms.baselines` has the choices of b and their sources.

R(τⁿ) ↔ `credit(...)` [S, 1, N], the weight of each of its steps; b ↔ `baselines.BASELINES[name]`.
"""

from __future__ import annotations

from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.baselines import BaselineHyperparameters as Hyperparameters
from algorithms.baselines import has_critic, start, step_with_baseline
from algorithms.batch import Batch, Diagnostics
from algorithms.diagnostics import policy_change
from algorithms.ladder.vanilla_policy_gradient import credit


def update(learner: ActorCritic[Hyperparameters], batch: Batch) -> Diagnostics:
    """Take one step up the gradient; then fit a learned baseline for the next batch."""
    step = step_with_baseline(learner, batch, credit(batch))
    return {**step, **policy_change(learner, batch)}


ALGORITHM = Algorithm(
    name="baseline",
    title="Baseline",
    equation="1/N Σₙ Σₜ (R(τⁿ) − b) log p_θ(aₜ|sₜ),  b ≈ E[R(τ)]",
    hyperparameters=Hyperparameters,
    collects="trajectories",
    update=update,
    critic=has_critic,
    start=start,
)
