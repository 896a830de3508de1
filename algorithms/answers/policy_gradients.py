"""The rungs with one step per batch, on whole answers: policy gradient, baseline, reward-to-go.

    ∇J(θ) ≈ 1/N Σₙ Σₜ (R(yⁿ) − b) ∇log p_θ(yₜⁿ|x, yⁿ_{<t})

x is a prompt, y an answer to it; the state is the prompt with the answer so far. A token's reward
is the penalty −β log(p_θ(yₜ|·)/p_ref(yₜ|·)), and at the last token the score of the whole answer
besides, so that R(y) = score(x, y) − β log(p_θ(y|x)/p_ref(y|x)).
Expectation with b = 0: ∇(E[score] − β KL(p_θ(y|x) ‖ p_ref(y|x))), exactly.

Difference from the ladder's: the baseline is the prompt's own. Until the last token only penalties
are paid, so the reward-to-go leaves out those of the tokens before; with β = 0 it is R(y). A KL in
the loss is no part of the rewards: its gradient is added, answer by answer (`penalty_gradients`).

Source: Williams 1992; the reward: Ziegler et al. 2019, arXiv 1909.08593, eq. 2.

R(y) − b ↔ the ladder's own `weights`; b ↔ `grouped_baseline(...)`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.answers.algorithm import SequenceAlgorithm
from algorithms.answers.grouping import grouped_baseline, in_group_deviations
from algorithms.answers.hyperparameters import BaselineHyperparameters, SequenceHyperparameters
from algorithms.answers.learner import AnswerLearner
from algorithms.answers.penalty import IN_LOSS
from algorithms.batch import Batch, Diagnostics, mean_over_steps
from algorithms.diagnostics import policy_change
from algorithms.ladder import reward_to_go, vanilla_policy_gradient
from algorithms.policy_gradient import policy_gradient_step


def penalty_gradients(
    learner: AnswerLearner[SequenceHyperparameters], batch: Batch
) -> Tensor | None:
    """−β ∇_θ Σₜ KLₜ of every answer [S, N, P]; None where the penalty is in the rewards."""
    h = learner.hyperparameters
    if h.reference_penalty_form not in IN_LOSS:
        return None
    slots = batch.actions.shape[2]
    # One network per answer, in the layout of `trajectory_gradients`.
    tokens, actions, valid = (
        values.transpose(1, 2).flatten(0, 1).contiguous()
        for values in (batch.observations, batch.actions, batch.valid)
    )
    theta, frozen = (
        parameters.repeat_interleave(slots, dim=0)
        for parameters in (learner.parameters, learner.reference)
    )
    theta = theta.detach().requires_grad_()
    statistics = learner.policy.statistics(theta, tokens)
    with torch.no_grad():
        reference = learner.policy.statistics(frozen, tokens)
    kl = IN_LOSS[h.reference_penalty_form](learner.policy, statistics, reference, actions)
    gain = -h.reference_penalty * torch.where(valid, kl, 0.0).sum(1)
    (gradient,) = torch.autograd.grad(gain.sum(), theta)
    return gradient.view(len(learner.seeds), slots, -1)


def step(
    learner: AnswerLearner[SequenceHyperparameters], batch: Batch, weights: Tensor
) -> Diagnostics:
    """Take one step up the gradient with these weights [S, T, N] and any penalty in the loss."""
    diagnostics = policy_gradient_step(learner, batch, weights, penalty_gradients(learner, batch))
    return {**diagnostics, **policy_change(learner, batch)}


def credited(
    learner: AnswerLearner[BaselineHyperparameters], returns: Tensor, valid: Tensor
) -> Tensor:
    """Subtract the baseline from returns [S, 1 or T, N]; divide as configured."""
    h = learner.hyperparameters
    advantages = returns - grouped_baseline(h.baseline, returns, h.samples)
    if h.advantage_normalization == "group":
        return in_group_deviations(advantages, returns, h.samples)
    if h.advantage_normalization == "batch":
        advantages = advantages - mean_over_steps(advantages, valid)[:, None, None]
        deviation = mean_over_steps(advantages.square(), valid).sqrt()[:, None, None]
        return advantages / (deviation + 1e-8)
    return advantages


def credit_everything(learner: AnswerLearner[SequenceHyperparameters], batch: Batch) -> Diagnostics:
    """One step up the gradient with R(y)."""
    return step(learner, batch, vanilla_policy_gradient.credit(batch).expand_as(batch.rewards))


def subtract_baseline(learner: AnswerLearner[BaselineHyperparameters], batch: Batch) -> Diagnostics:
    """One step up the gradient with R(y) − b."""
    advantages = credited(learner, vanilla_policy_gradient.credit(batch), batch.valid)
    return step(learner, batch, advantages.expand_as(batch.rewards))


def credit_what_follows(
    learner: AnswerLearner[BaselineHyperparameters], batch: Batch
) -> Diagnostics:
    """One step up the gradient with Gₜ − bₜ."""
    returns = reward_to_go.credit(batch, discount=1.0)
    return step(learner, batch, credited(learner, returns, batch.valid))


POLICY_GRADIENT = SequenceAlgorithm(
    name="sequence_policy_gradient",
    title="Policy gradient on answers",
    equation="1/N Σₙ Σₜ R(yⁿ) log p_θ(yₜ|x,y_{<t})",
    hyperparameters=SequenceHyperparameters,
    update=credit_everything,
)
BASELINE = SequenceAlgorithm(
    name="sequence_baseline",
    title="Baseline on answers",
    equation="1/N Σₙ Σₜ (R(yⁿ) − b(x)) log p_θ(yₜ|x,y_{<t}),  b(x) ≈ E[R(y)|x]",
    hyperparameters=BaselineHyperparameters,
    update=subtract_baseline,
)
REWARD_TO_GO = SequenceAlgorithm(
    name="sequence_reward_to_go",
    title="Reward-to-go on answers",
    equation="1/N Σₙ Σₜ (Σ_{t'≥t} r_{t'} − bₜ(x)) log p_θ(yₜ|x,y_{<t})",
    hyperparameters=BaselineHyperparameters,
    update=credit_what_follows,
)
