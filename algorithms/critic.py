"""Fitting V(s) by regression, and the advantages that a critic gives."""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.batch import Batch, flatten
from algorithms.hyperparameters import CriticHyperparameters, CriticRegression
from algorithms.learner import Learner
from algorithms.policy_gradient import TIME_BLOCK
from algorithms.returns import generalized_advantage


def values_over_time(learner: Learner, observations: Tensor) -> Tensor:
    """V [S, T, N] of observations [S, T, N, O], in blocks of a fixed shape."""
    blocks = observations.split(TIME_BLOCK, dim=1)
    return torch.cat(
        [learner.values(flatten(block)).unflatten(1, block.shape[1:3]) for block in blocks], dim=1
    )


def estimate_advantages(
    learner: Learner, batch: Batch, hyperparameters: CriticHyperparameters
) -> tuple[Tensor, Tensor, Tensor]:
    """Advantages, the critic's targets and its predictions, each [S, T, N]."""
    rewards = batch.rewards
    if hyperparameters.reward_normalization:
        rewards = learner.reward_scale(rewards, batch.ended, hyperparameters.reward_clip)
    values = values_over_time(learner, batch.observations)
    advantages = generalized_advantage(
        rewards,
        values,
        values_over_time(learner, batch.next_observations),
        batch.terminated,
        batch.truncated,
        hyperparameters.discount,
        hyperparameters.gae_lambda,
    )
    return advantages, advantages + values, values


def squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """(V − target)² / 2."""
    return 0.5 * (prediction - target).square()


def fit_critic(
    learner: Learner, batch: Batch, targets: Tensor, settings: CriticRegression
) -> Tensor:
    """Regress V(s) on `targets` [S, T, N] by minibatch Adam steps; the last losses [S]."""
    if learner.critic is None:
        raise ValueError(f"{learner.algorithm.name} has no critic to fit")
    rate = learner.annealed(settings.critic_learning_rate)
    last = torch.zeros(targets.shape[0], device=targets.device)
    minibatches = learner.minibatches(
        flatten(batch.valid),
        settings.critic_epochs,
        settings.critic_minibatch,
        (flatten(batch.observations), flatten(targets)),
    )
    for (states, target), active in minibatches:
        passed = learner.critic.network(learner.critic_parameters, states)
        values = learner.critic.read(passed.outputs).requires_grad_()
        loss = squared_error(values, target).mean(1)
        (of_values,) = torch.autograd.grad(loss.sum(), values)
        gradient = passed.gradient(*learner.critic.unread(of_values))
        learner.critic_optimizer.step(gradient, rate, active)
        last = torch.where(active, loss.detach(), last)
    return last


def predict_returns(learner: Learner, batch: Batch) -> Tensor:
    """V(sₜ) [S, T, N] in the units of the raw return: mean + deviation · critic."""
    moments = learner.return_moments
    mean, deviation = (x.float().unsqueeze(2) for x in (moments.mean, moments.deviation))
    return mean + deviation * values_over_time(learner, batch.observations)


def standardised(learner: Learner, batch: Batch, targets: Tensor) -> Tensor:
    """Returns [S, T, N] in the critic's units, after they have entered its running moments.

    Raw MuJoCo returns reach thousands; a network that starts near 0 would need most of a
    short run to get there.
    """
    moments = learner.return_moments
    blocks = (values.split(TIME_BLOCK, dim=1) for values in (targets, batch.valid))
    for target, valid in zip(*blocks, strict=True):
        moments.update(flatten(target).unsqueeze(2), flatten(valid))
    mean, deviation = (x.float().unsqueeze(2) for x in (moments.mean, moments.deviation))
    return (targets - mean) / deviation


def explained_variance(values: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    """1 − Var[target − V] / Var[target] over the steps taken, [S, T, N] -> [S]; NaN if none."""
    result = torch.full((len(values),), torch.nan)
    for s, mask in enumerate(valid):
        if mask.any():
            target = targets[s][mask].double()
            residual = target - values[s][mask].double()
            spread = target.var(correction=0).clamp(min=1e-12)
            result[s] = 1 - residual.var(correction=0) / spread
    return result
