"""The rungs of several epochs a batch on whole answers: importance sampling, KL-PPO, clipped PPO.

    J(θ) = E_{y~θ'}[ f(ρₜ, Aₜ) ],    ρₜ = p_θ(yₜ|·) / p_θ'(yₜ|·),    Aₜ = Gₜ − bₜ(x)

Difference from the ladder's: A is the reward-to-go less the prompt's own baseline, without a
critic; a minibatch is a set of whole answers. The objectives f are the ladder's own, and so is
what the penalty of KL-PPO keeps θ near to: θ', the policy that wrote the batch. The penalty for
leaving the reference is in the rewards.

Source: Schulman et al. 2017, arXiv 1707.06347; without a critic: Ahmadian et al. 2024, arXiv
2402.14740, Shao et al. 2024, arXiv 2402.03300.

f ↔ `objective` of the ladder's file; ρ, A ↔ `Terms`; β of KL-PPO ↔ `learner.memory["beta"]` [S].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.answers.algorithm import SequenceAlgorithm
from algorithms.answers.grouping import grouped_baseline
from algorithms.answers.hyperparameters import SurrogateHyperparameters
from algorithms.answers.learner import SequenceLearner
from algorithms.batch import Batch, Diagnostics, flatten, mean_over_steps
from algorithms.diagnostics import policy_change
from algorithms.hyperparameters import PAPER_TEXT, hyperparameter
from algorithms.ladder import clipped_ppo, importance_sampling, kl_ppo
from algorithms.numerics.optimizers import clip_gradient_norm
from algorithms.returns import reward_to_go
from algorithms.surrogate import Objective, Terms


def advantages_of(learner: SequenceLearner, batch: Batch) -> Tensor:
    """Gₜ − bₜ(x) [S, T, N], standardised over the batch's tokens if asked to."""
    h = learner.hyperparameters
    assert isinstance(h, SurrogateHyperparameters)
    returns = reward_to_go(batch.rewards, batch.valid)
    advantages = returns - grouped_baseline(h.baseline, learner, batch, returns, h.samples)
    if h.advantage_normalization == "none":
        return advantages
    centred = advantages - mean_over_steps(advantages, batch.valid)[:, None, None]
    deviation = mean_over_steps(centred.square(), batch.valid).sqrt()[:, None, None]
    return centred / (deviation + 1e-8)


def optimise(learner: SequenceLearner, batch: Batch, objective: Objective) -> dict[str, Tensor]:
    """Maximise E[objective] over the tokens of the batch, for all epochs."""
    h = learner.hyperparameters
    assert isinstance(h, SurrogateHyperparameters)
    policy, rate = learner.policy, learner.annealed(h.learning_rate)
    norm = torch.zeros_like(rate)
    advantages = advantages_of(learner, batch)
    old_log_probability = policy.log_probability(batch.statistics, batch.actions)
    parts = (batch.observations, batch.actions, batch.statistics, batch.valid)
    samples = [
        values.transpose(1, 2).contiguous() for values in (*parts, old_log_probability, advantages)
    ]
    everybody = torch.ones_like(batch.valid[:, 0])
    for minibatch, active in learner.minibatches(everybody, h.epochs, h.minibatch, samples):
        tokens, actions, old, valid, before, advantage = (
            flatten(values.transpose(1, 2)) for values in minibatch
        )
        passed = learner.network(learner.parameters, tokens)
        new = policy.read(passed.outputs, passed.others)
        log_ratio = policy.log_probability(new, actions) - before
        terms = Terms(policy=policy, old=old, new=new, log_ratio=log_ratio, advantages=advantage)
        gain = torch.where(valid, objective(terms), 0.0).sum(1) / valid.sum(1)
        gradient, norm = clip_gradient_norm(passed.gradient_of(-gain), h.gradient_norm_clip)
        learner.policy_optimizer.step(gradient, rate, active)
    return {"gradient_norm": norm, "learning_rate": rate}


def sample_again(learner: SequenceLearner, batch: Batch) -> Diagnostics:
    """All epochs on one batch."""
    step = optimise(
        learner,
        batch,
        lambda terms: importance_sampling.objective(terms.ratio, terms.advantages),
    )
    return {**step, **policy_change(learner, batch)}


@dataclass(frozen=True, kw_only=True)
class ClipHyperparameters(SurrogateHyperparameters):
    """The clip."""

    clip_range: float = hyperparameter(
        0.2,
        "ε: how far ρ may leave 1 before it gains nothing; inf for no clip",
        low=0.0,
        source=PAPER_TEXT,
    )


def clip(learner: SequenceLearner, batch: Batch) -> Diagnostics:
    """All epochs on one batch."""
    h = learner.hyperparameters
    assert isinstance(h, ClipHyperparameters)
    step = optimise(
        learner,
        batch,
        lambda terms: clipped_ppo.objective(terms.ratio, terms.advantages, h.clip_range),
    )
    return {**step, **policy_change(learner, batch, h.clip_range)}


@dataclass(frozen=True, kw_only=True)
class PenaltyHyperparameters(SurrogateHyperparameters):
    """The penalty for leaving the old policy, and how it adapts."""

    beta: float = hyperparameter(
        1.0,
        "β, the weight of the KL to the old policy (its first value where adaptive)",
        low=0.0,
        source=PAPER_TEXT + ", Table 1: adaptive from 1; fixed 0.3, 1, 3, 10",
    )
    adaptive: bool = hyperparameter(
        True, "β is doubled or halved after an update", source="section 4 of the PPO paper"
    )
    kl_target: float = hyperparameter(
        0.01,
        "d_targ, the KL an update should make",
        unit="nats",
        low=0.0,
        source="Table 1 of the PPO paper: the best of 0.003, 0.01, 0.03",
    )


def start_penalty(learner: SequenceLearner) -> None:
    """β as declared."""
    h = learner.hyperparameters
    assert isinstance(h, PenaltyHyperparameters)
    learner.memory["beta"] = torch.full((len(learner.seeds),), h.beta, device=learner.device)


def penalise(learner: SequenceLearner, batch: Batch) -> Diagnostics:
    """All epochs on one batch under one β; then β adapts."""
    h = learner.hyperparameters
    assert isinstance(h, PenaltyHyperparameters)
    beta = learner.memory["beta"]
    step = optimise(
        learner,
        batch,
        lambda terms: kl_ppo.objective(
            terms.ratio, terms.advantages, terms.divergence, beta.unsqueeze(1)
        ),
    )
    change = policy_change(learner, batch)
    if h.adaptive:
        adapted = kl_ppo.adapted(beta, change["kl_mean"].to(beta), h.kl_target)
        learner.memory["beta"] = torch.where(learner.active, adapted, beta)
    return {**step, **change, "beta": beta}


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
    hyperparameters=PenaltyHyperparameters,
    update=penalise,
    start=start_penalty,
)
CLIPPED_PPO = SequenceAlgorithm(
    name="sequence_clipped_ppo",
    title="Clipped PPO on answers",
    equation="E_θ'[ min(ρₜ Aₜ, clip(ρₜ, 1−ε, 1+ε) Aₜ) ],  Aₜ = Gₜ − bₜ(x)",
    hyperparameters=ClipHyperparameters,
    update=clip,
)
