"""The rungs with several epochs per batch, on whole answers: importance sampling and both PPOs.

    J(θ) = E_{y~θ'}[ f(ρₜ, Aₜ) ],    ρₜ = p_θ(yₜ|·) / p_θ'(yₜ|·),    Aₜ = Gₜ − bₜ(x)

Difference from the ladder's: A is the reward-to-go less the prompt's own baseline, without a
critic; a minibatch is a set of whole answers. The objectives f are the ladder's own: KL-PPO's
penalty keeps θ near θ', the policy that wrote the batch. The penalty for leaving the reference is
a separate one, in the rewards or in the loss.

With a ratio ρ of whole answers, J(θ) = E[ f(ρ, A) ], one term per answer, and A = R(y) − b(x): its
tokens share one ratio, so none of them has a credit of its own.

Source: Schulman et al. 2017, arXiv 1707.06347; without a critic: Ahmadian et al. 2024, arXiv
2402.14740, Shao et al. 2024, arXiv 2402.03300; ratios of answers: Zheng et al. 2025, arXiv
2507.18071.

f ↔ `objective` of the ladder's file; ρ, A ↔ `Terms`; β of KL-PPO ↔ `learner.memory["beta"]` [S].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.answers.algorithm import SequenceAlgorithm
from algorithms.answers.hyperparameters import SurrogateHyperparameters
from algorithms.answers.learner import AnswerLearner
from algorithms.answers.penalty import IN_LOSS
from algorithms.answers.policy_gradients import credited
from algorithms.answers.ratios import GEOMETRIC_MEAN, RATIOS, TOKEN
from algorithms.batch import Batch, Diagnostics, flatten
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import ClipHyperparameters, PenaltyHyperparameters
from algorithms.ladder import clipped_ppo, importance_sampling, kl_ppo
from algorithms.numerics.optimizers import clip_gradient_norm
from algorithms.returns import reward_to_go
from algorithms.surrogate import Objective, Terms


def advantages_of(learner: AnswerLearner[SurrogateHyperparameters], batch: Batch) -> Tensor:
    """Gₜ − bₜ(x) [S, T, N], or R(y) − b(x) for ρ of whole answers; normalised as configured."""
    h = learner.hyperparameters
    returns = reward_to_go(batch.rewards, batch.valid)
    if h.importance_ratio != TOKEN:
        returns = returns[:, :1].expand_as(returns)
    return credited(learner, returns, batch.valid)


def optimise(
    learner: AnswerLearner[SurrogateHyperparameters], batch: Batch, objective: Objective
) -> dict[str, Tensor]:
    """Maximise E[objective], less the penalty in the loss, over the batch for all epochs."""
    h = learner.hyperparameters
    policy, rate = learner.policy, learner.annealed(h.learning_rate)
    norm = torch.zeros_like(rate)
    advantages = advantages_of(learner, batch)
    old_log_probability = policy.log_probability(batch.statistics, batch.actions)
    columns = [batch.observations, batch.actions, batch.statistics, batch.valid]
    columns += [old_log_probability, advantages]
    estimate = IN_LOSS.get(h.reference_penalty_form)
    if estimate is not None:
        frozen = learner.reference_statistics(flatten(batch.observations))
        columns.append(frozen.unflatten(1, batch.actions.shape[1:]))
    samples = [values.transpose(1, 2).contiguous() for values in columns]
    every_answer = torch.ones_like(batch.valid[:, 0])
    for minibatch, active in learner.minibatches(every_answer, h.epochs, h.minibatch, samples):
        tokens, actions, old, valid, old_log_p, advantage, *reference = (
            flatten(values.transpose(1, 2)) for values in minibatch
        )
        theta = learner.parameters.detach().requires_grad_()
        new = policy.statistics(theta, tokens)
        log_ratio = pooled(h, policy.log_probability(new, actions) - old_log_p, valid, h.minibatch)
        terms = Terms(policy=policy, old=old, new=new, log_ratio=log_ratio, advantages=advantage)
        lengths = valid.sum(1)
        by_token = h.importance_ratio == TOKEN
        # One ratio per answer gives all its ticks the same objective: take their mean.
        averaged = h.length_normalization or not by_token
        gain = torch.where(valid, objective(terms), 0.0).sum(1)
        gain = gain / (lengths if averaged else h.minibatch)
        if estimate is not None:
            kl = torch.where(valid, estimate(policy, new, reference[0], actions), 0.0).sum(1)
            # ∇ρ is a sum over an answer's tokens where ρ is their product, 1/T of it where ρ is the
            # geometric mean. The KL is summed or averaged as ∇ρ is, so that β_ref weighs the same.
            averaged = h.length_normalization if by_token else h.importance_ratio == GEOMETRIC_MEAN
            gain = gain - h.reference_penalty * kl / (lengths if averaged else h.minibatch)
        (gradient,) = torch.autograd.grad(-gain.sum(), theta)
        gradient, norm = clip_gradient_norm(gradient, h.gradient_norm_clip)
        learner.step_policy(gradient, rate, active)
    return {"gradient_norm": norm, "learning_rate": rate}


def pooled(h: SurrogateHyperparameters, log_ratios: Tensor, valid: Tensor, answers: int) -> Tensor:
    """log ρ at every tick, from the log-ratios of the tokens; each [S, T·answers]."""
    in_time = (values.unflatten(1, (-1, answers)) for values in (log_ratios, valid))
    return flatten(RATIOS[h.importance_ratio](*in_time))


def change(
    learner: AnswerLearner[SurrogateHyperparameters],
    batch: Batch,
    bounds: tuple[float, float] | None = None,
) -> dict[str, Tensor]:
    """Return `policy_change` with ρ the ratio in the objective: a token's or an answer's."""
    h, valid = learner.hyperparameters, flatten(batch.valid)
    return policy_change(
        learner,
        batch,
        bounds,
        pooled=lambda log_ratios: pooled(h, log_ratios, valid, h.answers),
    )


def sample_again(learner: AnswerLearner[SurrogateHyperparameters], batch: Batch) -> Diagnostics:
    """Run all epochs on one batch."""
    step = optimise(
        learner,
        batch,
        lambda terms: importance_sampling.objective(terms.ratio, terms.advantages),
    )
    return {**step, **change(learner, batch)}


@dataclass(frozen=True, kw_only=True)
class ClippedHyperparameters(ClipHyperparameters, SurrogateHyperparameters):
    """The hyperparameters of every surrogate, and the clip."""


def clip(learner: AnswerLearner[ClippedHyperparameters], batch: Batch) -> Diagnostics:
    """Run all epochs on one batch."""
    bounds = learner.hyperparameters.bounds
    step = optimise(
        learner,
        batch,
        lambda terms: clipped_ppo.objective(terms.ratio, terms.advantages, bounds),
    )
    return {**step, **change(learner, batch, bounds)}


@dataclass(frozen=True, kw_only=True)
class PenalisedHyperparameters(PenaltyHyperparameters, SurrogateHyperparameters):
    """The hyperparameters of every surrogate, and the penalty for leaving the old policy."""


def penalise(learner: AnswerLearner[PenalisedHyperparameters], batch: Batch) -> Diagnostics:
    """Run all epochs on one batch under one β; then adapt β."""
    beta = learner.memory["beta"]
    step = optimise(
        learner,
        batch,
        lambda terms: kl_ppo.objective(
            terms.ratio, terms.advantages, terms.divergence, beta.unsqueeze(1)
        ),
    )
    diagnostics = change(learner, batch)
    kl_ppo.adapt(learner, diagnostics["kl_mean"])
    return {**step, **diagnostics, "beta": beta}


IMPORTANCE_SAMPLING = SequenceAlgorithm(
    name="sequence_importance_sampling",
    title="Importance sampling on answers",
    equation="E_θ'[ ρₜ Aₜ ],  ρₜ = p_θ(yₜ|x,y_{<t}) / p_θ'(yₜ|x,y_{<t}),  Aₜ = Gₜ − bₜ(x)",
    hyperparameters=SurrogateHyperparameters,
    update=sample_again,
)
KL_PPO = SequenceAlgorithm(
    name="sequence_kl_ppo",
    title="KL-penalty PPO on answers",
    equation="E_θ'[ ρₜ Aₜ − β KL(p_θ' ‖ p_θ) ],  Aₜ = Gₜ − bₜ(x)",
    hyperparameters=PenalisedHyperparameters,
    update=penalise,
    start=kl_ppo.start,
)
CLIPPED_PPO = SequenceAlgorithm(
    name="sequence_clipped_ppo",
    title="Clipped PPO on answers",
    equation="E_θ'[ min(ρₜ Aₜ, clip(ρₜ, 1−ε, 1+ε) Aₜ) ],  Aₜ = Gₜ − bₜ(x)",
    hyperparameters=ClippedHyperparameters,
    update=clip,
)
