"""Fitting V(s) by regression, and the advantages that a critic gives."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial

import torch
from torch import Tensor

from algorithms import compiled
from algorithms.actor_critic import ActorCritic
from algorithms.batch import Batch, Estimates, flatten
from algorithms.hyperparameters import CriticHyperparameters, CriticRegression, Hyperparameters
from algorithms.numerics.kernels import returns as kernels
from algorithms.policy_gradient import TIME_BLOCK, in_blocks
from algorithms.returns import generalized_advantage


@torch.no_grad()
def values_over_time(learner: ActorCritic[Hyperparameters], observations: Tensor) -> Tensor:
    """V [S, T, N] of observations [S, T, N, O]."""
    if learner.compiled:
        per_seed = (
            compiled.values(learner, s, seed_observations)
            for s, seed_observations in enumerate(observations)
        )
        return torch.stack(list(per_seed))
    values = in_blocks(partial(learner.values, learner.critic_parameters), observations)
    return values.view(observations.shape[:3])


def next_values(learner: ActorCritic[Hyperparameters], batch: Batch, values: Tensor) -> Tensor:
    """V(s'_t) [S, T, N]: V(s_{t+1}) as it was acted on, or that of an episode's last observation.

    Args:
        values: V(s_t) [S, T, N].
    """
    following = torch.cat([values[:, 1:], torch.zeros_like(values[:, :1])], dim=1)
    is_last = batch.ended.clone()
    is_last[:, -1] = True
    if not learner.compiled:
        last_values = values_over_time(learner, batch.next_observations)
        return torch.where(is_last, last_values, following)
    for s, needed in enumerate(is_last):
        observations = batch.next_observations[s][needed].unsqueeze(0)
        following[s][needed] = compiled.values(learner, s, observations)[0]
    return following


def estimate_advantages(
    learner: ActorCritic[CriticHyperparameters], batch: Batch, h: CriticHyperparameters
) -> Estimates:
    """Advantages, the critic's targets and its predictions, each [S, T, N]."""
    rewards = batch.rewards.clamp(-h.raw_reward_clip, h.raw_reward_clip)
    if h.reward_normalization:
        rewards = learner.reward_scale(rewards, batch.ended, h.reward_clip)
    values = values_over_time(learner, batch.observations)
    following = next_values(learner, batch, values)
    if h.value_normalization:
        values, following = (in_returns(learner, tensor) for tensor in (values, following))
    columns = rewards, values, following, batch.terminated, batch.truncated
    if learner.compiled:
        advantages = torch.zeros(values.shape)
        kernels.generalized_advantage.over_seeds(*columns, h.discount, h.gae_lambda, advantages)
    else:
        advantages = generalized_advantage(*columns, h.discount, h.gae_lambda)
    targets = advantages + values
    if h.value_normalization:
        targets = standardised(learner, batch, targets)
        mean, deviation = _scale(learner)
        values = (values - mean) / deviation
    return Estimates(advantages=advantages, targets=targets, values=values)


def squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """(V − target)² / 2."""
    return 0.5 * (prediction - target).square()


def fit_critic(
    learner: ActorCritic[Hyperparameters], batch: Batch, targets: Tensor, settings: CriticRegression
) -> Tensor:
    """Regress V(s) on `targets` [S, T, N] by minibatch Adam steps; return the last losses [S]."""
    if learner.compiled:
        return compiled.fit_critic(learner, batch, targets, settings)
    rate = learner.annealed(settings.critic_learning_rate)
    losses = torch.zeros(targets.shape[0], device=targets.device)
    minibatches = learner.minibatches(
        flatten(batch.valid),
        settings.critic_epochs,
        settings.critic_minibatch,
        (flatten(batch.observations), flatten(targets)),
    )
    for (states, target), active in minibatches:
        parameters = learner.critic_parameters.detach().requires_grad_()
        loss = squared_error(learner.values(parameters, states), target).mean(1)
        (gradient,) = torch.autograd.grad(loss.sum(), parameters)
        learner.step_critic(gradient, rate, active)
        losses = torch.where(active, loss.detach(), losses)
    return losses


def _scale(learner: ActorCritic[Hyperparameters]) -> tuple[Tensor, Tensor]:
    """Mean and deviation [S, 1, 1] of the returns that the critic has been regressed on."""
    moments = learner.return_moments
    mean, deviation = (moment.float().unsqueeze(2) for moment in (moments.mean, moments.deviation))
    return mean, deviation


def in_returns(learner: ActorCritic[Hyperparameters], values: Tensor) -> Tensor:
    """Convert values [S, T, N] from the critic's units to those of the return."""
    mean, deviation = _scale(learner)
    return mean + deviation * values


def standardised(learner: ActorCritic[Hyperparameters], batch: Batch, targets: Tensor) -> Tensor:
    """Add returns [S, T, N] to the running moments, then convert them to the critic's units.

    Raw MuJoCo returns reach thousands; a network that starts near 0 would need most of a
    short run to get there.
    """
    blocks = (values.split(TIME_BLOCK, dim=1) for values in (targets, batch.valid))
    for target, valid in zip(*blocks, strict=True):
        learner.return_moments.update(flatten(target).unsqueeze(2), flatten(valid))
    mean, deviation = _scale(learner)
    return (targets - mean) / deviation


def explained_variance(values: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    """1 − Var[target − V] / Var[target] over the steps taken, [S, T, N] -> [S]; NaN if none."""
    return explained.get()(values, targets, valid)


def _on_the_host(values: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    result = torch.full((len(values),), math.nan)
    for s, mask in enumerate(valid):
        if mask.any():
            target = targets[s][mask].double()
            residual = target - values[s][mask].double()
            spread = target.var(correction=0).clamp(min=1e-12)
            result[s] = 1 - residual.var(correction=0) / spread
    return result


explained: ContextVar[Callable[[Tensor, Tensor, Tensor], Tensor]] = ContextVar(
    "explained", default=_on_the_host
)
"""The implementation of `explained_variance`; replaced where nothing may wait for a device."""
