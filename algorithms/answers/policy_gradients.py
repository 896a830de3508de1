"""The rungs of one step a batch on whole answers: policy gradient, baseline, reward-to-go.

    ∇J(θ) ≈ 1/N Σₙ Σₜ (R(yⁿ) − b) ∇log p_θ(yₜⁿ|x, yⁿ_{<t})

x is a prompt, y an answer to it; the state is the prompt with the answer so far. A token's reward
is the penalty −β log(p_θ(yₜ|·)/p_ref(yₜ|·)), and at the last token the score of the whole answer
besides, so that R(y) = score(x, y) − β log(p_θ(y|x)/p_ref(y|x)).
Expectation with b = 0: ∇(E[score] − β KL(p_θ(y|x) ‖ p_ref(y|x))), exactly.

Difference from the ladder's: the baseline is the prompt's own. Until the last token only penalties
are paid, so the reward-to-go leaves out those of the tokens before; with β = 0 it is R(y).

Source: Williams 1992; the reward: Ziegler et al. 2019, arXiv 1909.08593, eq. 2.

R(y) − b ↔ the ladder's own `weights`; b ↔ `grouped_baseline(...)`.
"""

from __future__ import annotations

from algorithms.answers.algorithm import SequenceAlgorithm
from algorithms.answers.grouping import grouped_baseline
from algorithms.answers.hyperparameters import BaselineHyperparameters, SequenceHyperparameters
from algorithms.answers.learner import SequenceLearner
from algorithms.batch import Batch, Diagnostics
from algorithms.diagnostics import policy_change
from algorithms.ladder import baseline, reward_to_go, vanilla_policy_gradient
from algorithms.policy_gradient import policy_gradient_step
from algorithms.returns import reward_to_go as to_go


def subtract_baseline(learner: SequenceLearner, batch: Batch) -> Diagnostics:
    """One step up the gradient with R(y) − b."""
    h = learner.hyperparameters
    assert isinstance(h, BaselineHyperparameters)
    returns = vanilla_policy_gradient.weights(batch)[:, :1]
    b = grouped_baseline(h.baseline, learner, batch, returns, h.samples)
    step = policy_gradient_step(learner, batch, baseline.weights(batch, b))
    return {**step, **policy_change(learner, batch)}


def credit_what_follows(learner: SequenceLearner, batch: Batch) -> Diagnostics:
    """One step up the gradient with Gₜ − bₜ."""
    h = learner.hyperparameters
    assert isinstance(h, BaselineHyperparameters)
    returns = to_go(batch.rewards, batch.valid)
    b = grouped_baseline(h.baseline, learner, batch, returns, h.samples)
    step = policy_gradient_step(learner, batch, reward_to_go.weights(batch, 1.0, b))
    return {**step, **policy_change(learner, batch)}


POLICY_GRADIENT = SequenceAlgorithm(
    name="sequence_policy_gradient",
    title="Policy gradient on answers",
    equation="1/N Σₙ Σₜ R(yⁿ) log p_θ(yₜ|x,y_{<t})",
    hyperparameters=SequenceHyperparameters,
    update=vanilla_policy_gradient.update,
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
