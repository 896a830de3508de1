"""Several epochs on one batch: the loop that the off-policy rungs share.

A rung gives the objective that it maximises as a function of `Terms`, and its slope; the loop
shuffles, takes minibatches, adds the critic's loss and steps Adam, each seed independently. On a
CPU and with a slope the loop is a kernel (`algorithms.numerics.kernels.actor_critic`), otherwise
`_differentiated` below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from algorithms import compiled
from algorithms.actor_critic import ActorCritic
from algorithms.batch import Batch, Estimates, flatten
from algorithms.compiled import Slope
from algorithms.critic import estimate_advantages, explained_variance, squared_error
from algorithms.hyperparameters import SurrogateHyperparameters
from algorithms.learner import CRITIC, POLICY
from algorithms.numerics.kernels.losses import Loss
from algorithms.numerics.kernels.optimizers import Optimizer
from algorithms.numerics.optimizers import clip_gradient_norm
from algorithms.policies import Policy
from algorithms.policy_gradient import gradient_signal, trajectory_gradients
from algorithms.returns import standardise


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The quantities that an objective can use, for M samples of S seeds.

    Attributes:
        policy: the policy that the statistics φ belong to.
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


def optimise_surrogate(
    learner: ActorCritic[SurrogateHyperparameters],
    batch: Batch,
    objective: Objective,
    slope: Slope | None = None,
    numbers: Tensor | Sequence[float] = (),
) -> dict[str, Tensor]:
    """Maximise E[objective] − c_v·value loss + c_e·entropy over the batch, for all epochs.

    Args:
        slope: derivative of the objective, for the kernels; None: the objective is differentiated.
        numbers: the slope's last argument, one row for all seeds or one each [S, any].
    """
    h = learner.hyperparameters
    estimates = estimate_advantages(learner, batch, h)
    signal = gradient_signal(
        trajectory_gradients(learner, batch, estimates.advantages) / batch.rewards.shape[1]
    )
    explained = explained_variance(estimates.values, estimates.targets, batch.valid)
    if h.advantage_normalization == "batch":
        advantages = standardise(flatten(estimates.advantages))
        estimates = replace(estimates, advantages=advantages.view_as(batch.rewards))
    critic_rate = h.critic_learning_rate if h.separate_optimizers else h.learning_rate
    rates = learner.annealed(h.learning_rate), learner.annealed(critic_rate)
    if slope is None or not learner.compiled:
        loss, norm = _differentiated(learner, batch, estimates, objective, rates)
    else:
        loss, norm = compiled.update_actor_critic(
            learner,
            batch,
            estimates,
            learner.orders(flatten(batch.valid), h.epochs, h.minibatch),
            h.minibatch,
            slope,
            numbers,
            Loss(
                value_weight=float(h.value_coefficient),
                entropy_weight=float(h.entropy_coefficient),
                value_clip=float(h.value_clip),
                standardised=h.advantage_normalization == "minibatch",
            ),
            Optimizer(
                epsilon=float(h.adam_epsilon),
                norm_clip=float(h.gradient_norm_clip),
                together=not h.separate_optimizers,
            ),
            rates,
        )
    return {
        **signal,
        "explained_variance": explained,
        "value_loss": loss,
        "gradient_norm": norm,
        "learning_rate": rates[POLICY],
    }


def _differentiated(
    learner: ActorCritic[SurrogateHyperparameters],
    batch: Batch,
    estimates: Estimates,
    objective: Objective,
    rates: tuple[Tensor, Tensor],
) -> tuple[Tensor, Tensor]:
    """Take all minibatch steps in torch; return the last value losses and gradient norms, [S]."""
    h, policy = learner.hyperparameters, learner.policy
    columns = slice(0, policy.size), slice(policy.size, None)
    old = flatten(batch.statistics)
    actions = flatten(batch.actions)
    samples = [flatten(batch.observations), actions, old, policy.log_probability(old, actions)]
    samples += map(flatten, (estimates.advantages, estimates.targets, estimates.values))
    norm = loss = torch.zeros(len(learner.seeds), device=learner.device)
    for minibatch, active in learner.minibatches(
        flatten(batch.valid), h.epochs, h.minibatch, samples
    ):
        states, action, phi, log_probability, advantage, target, value = minibatch
        if h.advantage_normalization == "minibatch":
            advantage = standardise(advantage)
        theta = learner.parameters.detach().requires_grad_()
        new = policy.statistics(theta[:, columns[POLICY]], states)
        log_ratio = policy.log_probability(new, action) - log_probability
        terms = Terms(policy=policy, old=phi, new=new, log_ratio=log_ratio, advantages=advantage)
        gain = objective(terms)
        if h.entropy_coefficient:
            gain = gain + h.entropy_coefficient * policy.entropy(new)
        predicted = learner.values(theta[:, columns[CRITIC]], states)
        loss = value_loss(predicted, target, value, h.value_clip).mean(1)
        total_loss = h.value_coefficient * loss - gain.mean(1)
        (gradient,) = torch.autograd.grad(total_loss.sum(), theta)
        loss = loss.detach()
        if h.separate_optimizers:
            actor_gradient, norm = clip_gradient_norm(
                gradient[:, columns[POLICY]], h.gradient_norm_clip
            )
            critic_gradient, _ = clip_gradient_norm(
                gradient[:, columns[CRITIC]], h.gradient_norm_clip
            )
        else:
            clipped, norm = clip_gradient_norm(gradient, h.gradient_norm_clip)
            actor_gradient, critic_gradient = (clipped[:, part] for part in columns)
        learner.step_policy(actor_gradient, rates[POLICY], active)
        learner.step_critic(critic_gradient, rates[CRITIC], active)
    return loss, norm
