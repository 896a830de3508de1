"""Several epochs on one batch: the loop that the off-policy rungs share.

A rung says what it maximises as a function of `Terms`; the loop shuffles, takes
minibatches, adds the critic's loss and steps Adam, each seed for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.batch import Batch, flatten
from algorithms.critic import estimate_advantages, explained_variance, squared_error
from algorithms.hyperparameters import SurrogateHyperparameters
from algorithms.learner import Learner, take
from algorithms.optimizers import clip_gradient_norm
from algorithms.policy_gradient import gradient_signal, trajectory_gradients
from algorithms.returns import standardise


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an objective may be made of, M samples of S seeds.

    Attributes:
        ratio: ρ = p_θ(a|s) / p_θ'(a|s) [S, M].
        advantages: A^θ' [S, M].
        divergence: KL(θ' ‖ θ) at the samples' states [S, M].
    """

    ratio: Tensor
    advantages: Tensor
    divergence: Tensor


Objective = Callable[[Terms], Tensor]
"""Terms -> the objective of each sample [S, M], to maximise in the mean."""


def value_loss(prediction: Tensor, target: Tensor, old: Tensor, clip: float) -> Tensor:
    """(V − target)² / 2 [S, M], pessimistic where V left its old value by more than `clip`."""
    loss = squared_error(prediction, target)
    if clip == float("inf"):
        return loss
    clipped = old + (prediction - old).clamp(-clip, clip)
    return torch.maximum(loss, squared_error(clipped, target))


def optimise_surrogate(learner: Learner, batch: Batch, objective: Objective) -> dict[str, Tensor]:
    """Maximise E[objective] − c_v·value loss + c_e·entropy over the batch, for all epochs.

    Raises:
        TypeError: the learner's hyperparameters are not `SurrogateHyperparameters`.
    """
    h = learner.hyperparameters
    if not isinstance(h, SurrogateHyperparameters) or learner.critic is None:
        raise TypeError(f"{learner.algorithm.name} needs SurrogateHyperparameters and a critic")
    policy, critic = learner.policy, learner.critic
    advantages, targets, values = estimate_advantages(learner, batch, h)
    signal = gradient_signal(
        trajectory_gradients(policy, learner.policy_parameters, batch, advantages)
        / advantages.shape[1]
    )
    explained = explained_variance(values, targets, batch.valid)
    observations, actions, old = map(flatten, (batch.observations, batch.actions, batch.statistics))
    old_log_probability = policy.log_probability(old, actions)
    advantages, targets, values = map(flatten, (advantages, targets, values))
    if h.advantage_normalization == "batch":
        advantages = standardise(advantages)
    rate = learner.annealed(h.learning_rate)
    critic_loss = norm = torch.zeros_like(rate)
    for index, active in learner.minibatches(flatten(batch.valid), h.epochs, h.minibatch):
        parameters = learner.parameters.detach().requires_grad_()
        theta, critic_columns = parameters.split([policy.size, critic.size], dim=1)
        states = take(observations, index)
        statistics = policy.statistics(theta, states)
        log_probability = policy.log_probability(statistics, take(actions, index))
        advantage = take(advantages, index)
        if h.advantage_normalization == "minibatch":
            advantage = standardise(advantage)
        gain = objective(
            Terms(
                ratio=torch.exp(log_probability - take(old_log_probability, index)),
                advantages=advantage,
                divergence=policy.divergence(take(old, index), statistics),
            )
        ).mean(1)
        if h.entropy_coefficient:
            gain = gain + h.entropy_coefficient * policy.entropy(statistics).mean(1)
        prediction = critic(critic_columns, states)
        error = value_loss(prediction, take(targets, index), take(values, index), h.value_clip)
        loss = -gain + h.value_coefficient * error.mean(1)
        (gradient,) = torch.autograd.grad(loss.sum(), parameters)
        clipped, norm = clip_gradient_norm(gradient, h.gradient_norm_clip)
        learner.policy_optimizer.step(clipped[:, : policy.size], rate, active)
        learner.critic_optimizer.step(clipped[:, policy.size :], rate, active)
        critic_loss = error.detach().mean(1)
    return {
        **signal,
        "explained_variance": explained,
        "value_loss": critic_loss,
        "gradient_norm": norm,
        "learning_rate": rate,
    }
