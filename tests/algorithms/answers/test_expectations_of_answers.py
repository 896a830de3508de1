"""What the estimators expect, by writing every answer there is and asking the shipped gradient.

The objective is E[score] − β KL(p_θ ‖ p_ref), both over whole answers, of a language of three
tokens and answers of two: nine answers, 81 pairs.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
import torch
from answers import drawn, rung
from torch import Tensor

from algorithms.answers.grouping import grouped_baseline, in_group_deviations
from algorithms.answers.learner import AnswerLearner
from algorithms.answers.penalty import IN_LOSS, penalised
from algorithms.answers.policy_gradients import penalty_gradients
from algorithms.answers.ratios import RATIOS
from algorithms.answers.transformer import Transformer
from algorithms.batch import Batch, flatten
from algorithms.policy_gradient import trajectory_gradients
from algorithms.returns import reward_to_go as to_go
from algorithms.returns import total_return

TOKENS, ANSWER, PENALTY = 3, 2, 0.7
NETWORK = Transformer(vocabulary=TOKENS, ticks=ANSWER, width=4, layers=1, heads=1)
ALL = torch.tensor([[0, *answer] for answer in itertools.product(range(TOKENS), repeat=ANSWER)])
SCORES = torch.from_numpy(np.random.default_rng(5).normal(3, 2, len(ALL)).astype(np.float32))


def one_seed() -> AnswerLearner[Any]:
    hyperparameters = rung("policy_gradient").hyperparameters(reference_penalty=PENALTY)
    learner: AnswerLearner[Any] = AnswerLearner(hyperparameters, [0], NETWORK, drawn(1, NETWORK))
    learner.parameters.add_(torch.from_numpy(drawn(2, NETWORK)), alpha=0.5)
    return learner


def log_probabilities(parameters: Tensor) -> Tensor:
    """Of all answers under parameters [1, P], differentiable: [9]."""
    observations = ALL[:, :-1].T.reshape(1, -1)
    logits = NETWORK(parameters, observations.unsqueeze(2))
    logs = torch.log_softmax(logits, 2)[0].view(ANSWER, len(ALL), TOKENS)
    return logs.gather(2, ALL[:, 1:].T.unsqueeze(2)).squeeze(2).sum(0)


def objective_gradient(learner: AnswerLearner[Any]) -> Tensor:
    """∇(E[score] − β KL), by autograd through the sum over all answers."""
    leaf = learner.parameters.clone().requires_grad_()
    logs, reference = log_probabilities(leaf), log_probabilities(learner.reference).detach()
    value = (logs.exp() * (SCORES - PENALTY * (logs - reference))).sum()
    (gradient,) = torch.autograd.grad(value, leaf)
    return gradient[0]


def batch_of(learner: AnswerLearner[Any], chosen: Tensor) -> Batch:
    """The answers `chosen` [N] of `ALL`, with the rewards that the sampler gives them."""
    tokens = ALL[chosen].T.unsqueeze(0)
    observations, actions = tokens[:, :-1].unsqueeze(3), tokens[:, 1:]
    with torch.no_grad():
        statistics, reference = (
            learner.policy.statistics(parameters, flatten(observations)).unflatten(
                1, actions.shape[1:]
            )
            for parameters in (learner.parameters, learner.reference)
        )
    valid = torch.ones_like(actions, dtype=torch.bool)
    rewards = penalised(
        learner.policy, statistics, reference, actions, valid, SCORES[chosen].unsqueeze(0), PENALTY
    )
    return Batch(
        observations=observations,
        next_observations=actions.unsqueeze(3),
        actions=actions,
        statistics=statistics,
        rewards=rewards,
        terminated=torch.zeros_like(valid),
        truncated=torch.zeros_like(valid),
        valid=valid,
    )


def expected(learner: AnswerLearner[Any], batch: Batch, weights: Tensor, chance: Tensor) -> Tensor:
    """Σ chance · gradient of every slot: [P]."""
    gradients = trajectory_gradients(learner, batch, weights)
    return (chance.unsqueeze(1) * gradients[0]).sum(0)


def assert_is(actual: Tensor, desired: Tensor) -> None:
    torch.testing.assert_close(actual, desired, rtol=2e-3, atol=2e-4)


def test_the_policy_gradient_expects_the_penalised_objective_s() -> None:
    learner = one_seed()
    batch = batch_of(learner, torch.arange(len(ALL)))
    chance = log_probabilities(learner.parameters).exp()
    assert chance.sum().item() == pytest.approx(1, abs=1e-5)
    gradient = objective_gradient(learner)
    assert gradient.norm() > 0.1
    totals = total_return(batch.rewards, batch.valid).unsqueeze(1).expand_as(batch.rewards)
    assert_is(expected(learner, batch, totals, chance), gradient)
    # What comes before a token is no reason for it: leaving it out changes nothing on average.
    rewards_to_go = to_go(batch.rewards, batch.valid)
    assert (rewards_to_go - totals).abs().max() > 0.1
    assert_is(expected(learner, batch, rewards_to_go, chance), gradient)


@pytest.mark.parametrize(
    ("name", "factor"), [("group_mean", 1 / 2), ("group_leave_one_out", 1.0), ("batch_mean", None)]
)
@pytest.mark.parametrize("credit", ["whole", "to_go"])
def test_baselines_expect_what_they_say(name: str, factor: float | None, credit: str) -> None:
    """All pairs of answers to the prompt, side by side as one batch of 81 groups of two."""
    learner = one_seed()
    pairs = torch.tensor(list(itertools.product(range(len(ALL)), repeat=2)))
    batch = batch_of(learner, pairs.flatten())
    logs = log_probabilities(learner.parameters)
    chance = logs[pairs].sum(1).exp().repeat_interleave(2) / 2
    returns = to_go(batch.rewards, batch.valid)
    if credit == "whole":
        returns = returns[:, :1]
    weights = (returns - grouped_baseline(name, returns, samples=2)).expand_as(batch.rewards)
    expectation = expected(learner, batch, weights, chance)
    gradient = objective_gradient(learner)
    if factor is not None:
        assert_is(expectation, factor * gradient)
    else:
        # The mean over a batch that is no sample but all pairs there are: a constant.
        assert_is(expectation, gradient)


def test_groups_are_kept_apart() -> None:
    values = torch.tensor([[[1.0, 3.0, 5.0, 10.0, 20.0, 60.0]]])
    baselines = {
        "group_mean": [3, 3, 3, 30, 30, 30],
        "group_leave_one_out": [4, 3, 2, 40, 35, 15],
        "batch_mean": [16.5] * 6,
    }
    for name, desired in baselines.items():
        baseline = grouped_baseline(name, values, samples=3)
        torch.testing.assert_close(baseline, torch.tensor([[desired]], dtype=torch.float32))


def test_without_a_penalty_the_reward_to_go_is_the_whole_return() -> None:
    learner = one_seed()
    batch = batch_of(learner, torch.arange(len(ALL)))
    rewards = penalised(
        learner.policy,
        batch.statistics,
        batch.statistics,
        batch.actions,
        batch.valid,
        SCORES.unsqueeze(0),
        PENALTY,
    )
    assert torch.equal(rewards[0, -1], SCORES) and not rewards[0, :-1].any()
    returns = to_go(rewards, batch.valid)
    assert torch.equal(returns[:, 0], returns[:, 1])
    assert batch.rewards[0, 0].all()


def token_logs(parameters: Tensor) -> Tensor:
    """Log-probabilities of every next token in all answers [ANSWER, 9, TOKENS], differentiable."""
    logits = NETWORK(parameters, ALL[:, :-1].T.reshape(1, -1, 1))
    return torch.log_softmax(logits, 2)[0].view(ANSWER, len(ALL), TOKENS)


@pytest.mark.parametrize("penalty_form", IN_LOSS)
def test_a_penalty_in_the_loss_expects_what_it_says(penalty_form: str) -> None:
    """At θ = θ': the gradient of a token's KL, at the states that are visited."""
    learner = one_seed()
    h = dataclasses.replace(learner.hyperparameters, reference_penalty_form=penalty_form)
    learner.hyperparameters = h
    batch = batch_of(learner, torch.arange(len(ALL)))
    chance = log_probabilities(learner.parameters).exp().detach()
    gradients = penalty_gradients(learner, batch)
    assert gradients is not None
    expectation = (chance.unsqueeze(1) * gradients[0]).sum(0)
    leaf = learner.parameters.clone().requires_grad_()
    policy_logs, reference_logs = token_logs(leaf), token_logs(learner.reference).detach()
    forward = (policy_logs.exp() * (policy_logs - reference_logs)).sum(2)
    backward = (reference_logs.exp() * (reference_logs - policy_logs)).sum(2)
    divergences = {
        "k1_in_loss": 0 * policy_logs.sum(2),
        "k2_in_loss": forward,
        "k3_in_loss": backward,
        "exact_in_loss": forward,
    }
    objective = -PENALTY * (chance * divergences[penalty_form]).sum()
    (gradient,) = torch.autograd.grad(objective, leaf, retain_graph=True)
    assert_is(expectation, gradient[0])
    assert gradients.norm() > 0.01
    # The two directions, and none, can be told apart here.
    (other,) = torch.autograd.grad((chance * (forward - backward)).sum(), leaf)
    assert other.norm() > 0.01


def test_the_penalty_in_the_rewards_is_none_of_the_loss() -> None:
    learner = one_seed()
    assert penalty_gradients(learner, batch_of(learner, torch.arange(len(ALL)))) is None


def test_the_ratio_of_whole_answers_makes_the_expectation_over_another_policy_this_one_s() -> None:
    """E_θ'[ρ R] = E_θ[R] and so are their gradients; not so with the ratios of tokens."""
    learner = one_seed()
    leaf = (learner.parameters + 0.3 * learner.reference).requires_grad_()
    old = token_logs(learner.parameters).detach()
    tokens = ALL[:, 1:].T.unsqueeze(2)
    log_ratios = (token_logs(leaf) - old).gather(2, tokens).squeeze(2).unsqueeze(0)
    chance = log_probabilities(learner.parameters).exp().detach()
    valid = torch.ones(log_ratios.shape, dtype=torch.bool)
    (true_gradient,) = torch.autograd.grad((log_probabilities(leaf).exp() * SCORES).sum(), leaf)
    values, gradients = {}, {}
    for name, pooled in RATIOS.items():
        value = (chance * pooled(log_ratios, valid).exp()[0].mean(0) * SCORES).sum()
        (gradients[name],) = torch.autograd.grad(value, leaf, retain_graph=True)
        values[name] = value.item()
    expected = (log_probabilities(leaf).exp() * SCORES).sum().item()
    assert values["sequence"] == pytest.approx(expected, rel=1e-5)
    assert_is(gradients["sequence"], true_gradient)
    for name in ("token", "sequence_geometric_mean"):
        assert (gradients[name] - true_gradient).norm() > 0.1 * true_gradient.norm()


def test_tokens_that_the_policy_did_not_write_are_in_no_ratio() -> None:
    log_ratios = torch.tensor([[[5.0], [0.2], [0.4]]])
    valid = torch.tensor([[[False], [True], [True]]])
    ratios = {name: pooled(log_ratios, valid)[0, 1:, 0] for name, pooled in RATIOS.items()}
    torch.testing.assert_close(ratios["token"], torch.tensor([0.2, 0.4]))
    torch.testing.assert_close(ratios["sequence"], torch.tensor([0.6, 0.6]))
    torch.testing.assert_close(ratios["sequence_geometric_mean"], torch.tensor([0.3, 0.3]))


def test_advantages_are_divided_by_their_group_s_deviation() -> None:
    values = torch.tensor([[[1.0, 3.0, 5.0, 10.0, 20.0, 60.0]]])
    advantages = torch.tensor([[[-2.0, 0.0, 2.0, -20.0, -10.0, 30.0]]])
    scaled = in_group_deviations(advantages, values, samples=3)
    deviations = np.repeat([np.std([1, 3, 5]), np.std([10, 20, 60])], 3)
    np.testing.assert_allclose(scaled[0, 0], advantages[0, 0].numpy() / deviations, rtol=1e-6)
    equal = torch.full((1, 1, 6), 0.1)
    assert not in_group_deviations(torch.zeros(1, 1, 6), equal, samples=3).any()
