"""The policy gradient Σₜ wₜ ∇log p_θ(aₜ|sₜ), trajectory by trajectory, and one step along it.

The estimators of the first four rungs differ in the weight w of a step and in nothing
else; this is what they share. Gradients are kept apart by trajectory (slot), because their
spread is the estimator's variance.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from algorithms import compiled
from algorithms.batch import Batch, flatten
from algorithms.hyperparameters import OptimizerHyperparameters
from algorithms.learner import Learner
from algorithms.numerics.optimizers import clip_gradient_norm

TIME_BLOCK = 64
"""Ticks of one forward and backward pass: a fixed shape, so that a seed's bits do not
depend on how long its neighbours' episodes are."""


def in_blocks(function: Callable[[Tensor], Tensor], observations: Tensor) -> Tensor:
    """function(observations), [S, T, N, O] -> [S, T·N, …], TIME_BLOCK ticks at a time."""
    blocks = observations.split(TIME_BLOCK, dim=1)
    return torch.cat([function(flatten(block)) for block in blocks], dim=1)


def trajectory_gradients(
    learner: Learner[OptimizerHyperparameters], batch: Batch, weights: Tensor
) -> Tensor:
    """∇_θ Σₜ wₜ log p_θ(aₜ|sₜ) of every slot.

    Args:
        weights: [S, T, N], constants of the gradient.

    Returns:
        [S, N, P_policy].
    """
    policy, parameters = learner.policy, learner.policy_parameters
    if learner.compiled:
        return compiled.trajectory_gradients(learner, batch, weights)
    seeds, ticks, slots = weights.shape
    # One network per slot.
    theta = parameters.detach().repeat_interleave(slots, dim=0).requires_grad_()
    total = torch.zeros_like(theta)
    for start in range(0, ticks, TIME_BLOCK):
        block = slice(start, start + TIME_BLOCK)
        # Contiguous, because sums over time would otherwise take over the layout of a view (one
        # seed) or a copy (several), and add up in another order.
        observations, actions, valid, weight = (
            values[:, block].transpose(1, 2).flatten(0, 1).contiguous()
            for values in (batch.observations, batch.actions, batch.valid, weights)
        )
        log_probability = policy.log_probability(policy.statistics(theta, observations), actions)
        # Exclude before multiplying: NaN·0 is NaN.
        gain = torch.where(valid, weight, 0.0) * torch.where(valid, log_probability, 0.0)
        total += torch.autograd.grad(gain.sum(), theta)[0]
    return total.detach().view(seeds, slots, -1)


def gradient_signal(gradients: Tensor) -> dict[str, Tensor]:
    """Measure how noisy the mean of the slots' gradients [S, N, P] is.

    Returns:
        gradient_variance [S]: trace of the covariance of the mean over N slots, estimated
        from the slots' spread; gradient_signal_to_noise [S]: (‖mean‖² − variance) / variance,
        because E‖mean‖² is the squared signal plus that variance. 0 for pure noise; NaN for
        one slot.
    """
    slots = gradients.shape[1]
    mean = gradients.mean(1)
    spread = (gradients - mean.unsqueeze(1)).square().sum(2).sum(1)
    variance = spread / max(slots - 1, 1) / slots
    if slots == 1:
        variance = torch.full_like(variance, torch.nan)
    return {
        "gradient_variance": variance,
        "gradient_signal_to_noise": (mean.square().sum(1) - variance) / variance,
    }


def policy_gradient_step(
    learner: Learner[OptimizerHyperparameters],
    batch: Batch,
    weights: Tensor,
    further: Tensor | None = None,
    rate: Tensor | None = None,
) -> dict[str, Tensor]:
    """Take one Adam step up 1/N Σₙ (Σₜ wₜ ∇log p_θ(aₜ|sₜ) + further).

    Args:
        weights: w [S, T, N]; further: [S, N, P], gradients of further terms of each trajectory.
        rate: the step size [S]; None: `learning_rate`, annealed.
    """
    gradients = trajectory_gradients(learner, batch, weights)
    if further is not None:
        gradients = gradients + further
    bound = learner.hyperparameters.gradient_norm_clip
    clipped, norm = clip_gradient_norm(gradients.mean(1), bound)
    if rate is None:
        rate = learner.annealed(learner.hyperparameters.learning_rate)
    learner.step_policy(-clipped, rate, learner.active)
    return {"gradient_norm": norm, "learning_rate": rate, **gradient_signal(gradients)}
