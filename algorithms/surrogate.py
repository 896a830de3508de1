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
from algorithms.learner import Learner
from algorithms.numerics.optimizers import clip_gradient_norm
from algorithms.policies import Policy
from algorithms.policy_gradient import gradient_signal, trajectory_gradients
from algorithms.returns import standardise


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an objective may be made of, M samples of S seeds.

    Attributes:
        policy: whose statistics they are.
        old, new: φ_θ' and φ_θ [S, M, K].
        log_ratio: log ρ = log p_θ(a|s) − log p_θ'(a|s) [S, M].
        advantages: A^θ' [S, M].
    """

    policy: Policy
    old: Tensor
    new: Tensor
    log_ratio: Tensor
    advantages: Tensor

    @property
    def ratio(self) -> Tensor:
        """ρ = p_θ(a|s) / p_θ'(a|s) [S, M]."""
        return torch.exp(self.log_ratio)

    @property
    def divergence(self) -> Tensor:
        """KL(θ' ‖ θ) at the samples' states [S, M]."""
        return self.policy.divergence(self.old, self.new)


Objective = Callable[[Terms], Tensor]
"""Terms -> the objective of each sample [S, M], to maximise in the mean."""


def value_loss(prediction: Tensor, target: Tensor, old: Tensor, clip: float) -> Tensor:
    """(V − target)² / 2 [S, M], pessimistic where V left its old value by more than `clip`."""
    loss = squared_error(prediction, target)
    if clip == float("inf"):
        return loss
    clipped = old + (prediction - old).clamp(-clip, clip)
    return torch.maximum(loss, squared_error(clipped, target))


def value_gradient(prediction: Tensor, target: Tensor, old: Tensor, clip: float) -> Tensor:
    """∂ value_loss / ∂V [S, M]: V − target, 0 where the loss is that of the clipped value."""
    error = prediction - target
    if clip == float("inf"):
        return error
    move = (prediction - old).abs() - clip
    bounded = old + (prediction - old).clamp(-clip, clip) - target
    return torch.where((move > 0) & (bounded.abs() > error.abs()), 0.0, error)


def optimise_surrogate(learner: Learner, batch: Batch, objective: Objective) -> dict[str, Tensor]:
    """Maximise E[objective] − c_v·value loss + c_e·entropy over the batch, for all epochs.

    Raises:
        TypeError: the learner's hyperparameters are not `SurrogateHyperparameters`.
    """
    h = learner.hyperparameters
    if not isinstance(h, SurrogateHyperparameters) or learner.critic is None:
        raise TypeError(f"{learner.algorithm.name} needs SurrogateHyperparameters and a critic")
    policy = learner.policy
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
    norm = torch.zeros_like(rate)
    fitted = values, targets, values
    # The loss to minimise is −E[gain], the mean over a minibatch.
    share = torch.full((len(rate), h.minibatch), -1 / h.minibatch, device=rate.device)
    samples = (observations, actions, old, old_log_probability, advantages, targets, values)
    for minibatch, active in learner.minibatches(
        flatten(batch.valid), h.epochs, h.minibatch, samples
    ):
        states, action, phi, log_probability, advantage, target, value = minibatch
        if h.advantage_normalization == "minibatch":
            advantage = standardise(advantage)
        passed, statistics, prediction = learner.forward(states)
        new_log_probability, score = policy.score(statistics, action)
        log_ratio = (new_log_probability - log_probability).requires_grad_()
        new = statistics.detach().requires_grad_()
        terms = Terms(policy=policy, old=phi, new=new, log_ratio=log_ratio, advantages=advantage)
        gain = objective(terms)
        if h.entropy_coefficient:
            gain = gain + h.entropy_coefficient * policy.entropy(new)
        of_log_ratio, of_statistics = torch.autograd.grad(
            gain, (log_ratio, new), share, allow_unused=True, materialize_grads=True
        )
        # ∂L/∂φ is what the objective says of φ itself, and what it says of log p(a).
        of_statistics = torch.addcmul(of_statistics, of_log_ratio.unsqueeze(2), score)
        of_values = value_gradient(prediction, target, value, h.value_clip)
        of_values *= h.value_coefficient / h.minibatch
        gradient = learner.backward(passed, statistics, of_statistics, of_values)
        clipped, norm = clip_gradient_norm(gradient, h.gradient_norm_clip)
        learner.optimizer.step(clipped, rate, active)
        fitted = prediction, target, value
    return {
        **signal,
        "explained_variance": explained,
        "value_loss": value_loss(*fitted, h.value_clip).mean(1),
        "gradient_norm": norm,
        "learning_rate": rate,
    }
