"""At the values of later hyperparameters that mean "as before", updates have the bits they had.

The updates below are those of the first edition, as they stood; they share with today's only what
has not changed: networks, optimiser, order of minibatches, and the ladder's objectives.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from answers import learner_of, random_batch, rung
from torch import Tensor

from algorithms import SEQUENCE_ALGORITHMS
from algorithms.answers.learner import AnswerLearner
from algorithms.batch import Batch, flatten, mean_over_steps
from algorithms.ladder import clipped_ppo, importance_sampling, kl_ppo
from algorithms.numerics.optimizers import clip_gradient_norm
from algorithms.policy_gradient import policy_gradient_step
from algorithms.returns import reward_to_go as to_go
from algorithms.returns import total_return
from algorithms.surrogate import Terms


def first_baseline(name: str, learner: AnswerLearner[Any], values: Tensor) -> Tensor:
    seeds, ticks, slots = values.shape
    size = slots if name == "batch_mean" else learner.hyperparameters.samples
    groups = values.reshape(-1, size)
    baselines = groups.mean(1, keepdim=True)
    if name == "group_leave_one_out":
        baselines = (groups.sum(1, keepdim=True) - groups) / (size - 1)
    return baselines.expand(-1, size).reshape(seeds, ticks, slots)


def first_edition(name: str, learner: AnswerLearner[Any], batch: Batch) -> None:
    h: Any = learner.hyperparameters
    returns = to_go(batch.rewards, batch.valid)
    total = total_return(batch.rewards, batch.valid).unsqueeze(1)
    totals = total.expand_as(batch.rewards)
    if name == "policy_gradient":
        policy_gradient_step(learner, batch, totals)
        return
    if name == "baseline":
        policy_gradient_step(learner, batch, totals - first_baseline(h.baseline, learner, total))
        return
    b = first_baseline(h.baseline, learner, returns)
    if name == "reward_to_go":
        policy_gradient_step(learner, batch, returns - b)
        return
    advantages = returns - b
    if h.advantage_normalization == "batch":
        centred = advantages - mean_over_steps(advantages, batch.valid)[:, None, None]
        deviation = mean_over_steps(centred.square(), batch.valid).sqrt()[:, None, None]
        advantages = centred / (deviation + 1e-8)
    policy, rate = learner.policy, learner.annealed(h.learning_rate)
    old_log_probability = policy.log_probability(batch.statistics, batch.actions)
    parts = (batch.observations, batch.actions, batch.statistics, batch.valid)
    samples = [
        values.transpose(1, 2).contiguous() for values in (*parts, old_log_probability, advantages)
    ]
    mask = torch.ones_like(batch.valid[:, 0])
    for minibatch, active in learner.minibatches(mask, h.epochs, h.minibatch, samples):
        tokens, actions, old, valid, before, advantage = (
            flatten(values.transpose(1, 2)) for values in minibatch
        )
        theta = learner.parameters.detach().requires_grad_()
        new = policy.statistics(theta, tokens)
        log_ratio = policy.log_probability(new, actions) - before
        terms = Terms(policy=policy, old=old, new=new, log_ratio=log_ratio, advantages=advantage)
        if name == "clipped_ppo":
            bounds = 1 - h.clip_range, 1 + h.clip_range
            gains = clipped_ppo.objective(terms.ratio, terms.advantages, bounds)
        elif name == "kl_ppo":
            beta = learner.memory["beta"].unsqueeze(1)
            gains = kl_ppo.objective(terms.ratio, terms.advantages, terms.divergence, beta)
        else:
            gains = importance_sampling.objective(terms.ratio, terms.advantages)
        gain = torch.where(valid, gains, 0.0).sum(1) / valid.sum(1)
        (of_theta,) = torch.autograd.grad(-gain.sum(), theta)
        gradient, _ = clip_gradient_norm(of_theta, h.gradient_norm_clip)
        learner.step_policy(gradient, rate, active)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((algorithm.removeprefix("sequence_"), {}) for algorithm in SEQUENCE_ALGORITHMS),
        *(
            (name, {"baseline": b})
            for name in ("baseline", "reward_to_go", "clipped_ppo")
            for b in ("group_leave_one_out", "batch_mean")
        ),
        ("importance_sampling", {"advantage_normalization": "none"}),
    ],
)
def test_updates_have_the_bits_of_the_first_edition(name: str, changes: dict[str, Any]) -> None:
    hyperparameters = {"learning_rate": 0.02, "prompts": 3, "samples": 4, **changes}
    current, first = (learner_of(name, **hyperparameters) for _ in range(2))
    start = current.parameters.clone()
    for number in range(3):
        batch = random_batch(current, number)
        rung(name).update(current, batch)
        first_edition(name, first, batch)
        if "beta" in current.memory:
            first.memory["beta"] = current.memory["beta"]
        for learner in (current, first):
            learner.updates += 1
    assert torch.equal(current.parameters, first.parameters)
    assert (current.parameters - start).abs().max() > 0.01


@pytest.mark.parametrize("name", SEQUENCE_ALGORITHMS)
def test_defaults_of_what_came_later_mean_as_before(name: str) -> None:
    fields = dataclasses.fields(rung(name.removeprefix("sequence_")).hyperparameters)
    later = {field.name: field for field in fields if "before" in field.metadata}
    assert "reference_penalty_form" in later
    assert all(field.default == field.metadata["before"] for field in later.values())
