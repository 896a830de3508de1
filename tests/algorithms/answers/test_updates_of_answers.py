"""The updates of the rungs on whole answers: against slow ones, one another, and the ladder's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from answers import NETWORK, PROMPT, learner_of, random_batch, rung
from torch import Tensor

from algorithms.answers.learner import AnswerLearner
from algorithms.answers.surrogates import advantages_of
from algorithms.batch import Batch, flatten
from algorithms.ladder import baseline, clipped_ppo, importance_sampling, kl_ppo, reward_to_go

RUNGS: list[tuple[str, dict[str, Any]]] = [
    ("policy_gradient", {}),
    ("baseline", {}),
    ("baseline", {"baseline": "group_leave_one_out"}),
    ("baseline", {"baseline": "batch_mean"}),
    ("reward_to_go", {}),
    ("importance_sampling", {}),
    ("importance_sampling", {"advantage_normalization": "none"}),
    ("kl_ppo", {"adaptive": True}),
    ("kl_ppo", {"adaptive": False}),
    ("clipped_ppo", {}),
]
REUSING: dict[str, Any] = {"epochs": 3, "minibatch": 2, "learning_rate": 0.02}


def settled(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    reusing = name in ("importance_sampling", "kl_ppo", "clipped_ppo")
    return {**(REUSING if reusing else {"learning_rate": 0.02}), **changes}


def updated(learner: AnswerLearner[Any], name: str, batch: Batch) -> dict[str, Tensor]:
    return dict(rung(name).update(learner, batch))


def slow_update(name: str, learner: AnswerLearner[Any], batch: Batch, s: int) -> Tensor:
    """The parameters of one seed after torch's own Adam on the objective as it is written."""
    h: Any = learner.hyperparameters
    leaf = learner.parameters[s : s + 1].clone().requires_grad_()
    optimizer = torch.optim.Adam([leaf], lr=h.learning_rate, eps=h.adam_epsilon)
    rewards = batch.rewards[s]
    to_come = torch.flip(torch.flip(rewards, [0]).cumsum(0), [0])
    groups = to_come.view(len(rewards), h.prompts, h.samples)
    advantages = (groups - groups.mean(2, keepdim=True)).view_as(rewards)
    written = advantages[PROMPT - 1 :]
    advantages = (advantages - written.mean()) / (written.std(correction=0) + 1e-8)
    places = torch.arange(h.answers).expand(len(learner.seeds), -1)
    drawn = learner.minibatches(
        torch.ones_like(places, dtype=torch.bool), h.epochs, h.minibatch, [places]
    )
    for index in [chosen[s].clone() for (chosen,), _ in drawn]:
        tokens = batch.observations[s, :, index, 0].reshape(1, -1)
        logits = NETWORK.logits(NETWORK.weights(leaf), tokens)
        new = torch.distributions.Categorical(logits=logits.view(len(rewards), len(index), -1))
        old = torch.distributions.Categorical(logits=batch.statistics[s][:, index])
        actions = batch.actions[s][:, index]
        ratio = (new.log_prob(actions) - old.log_prob(actions)).exp()
        gain = ratio * advantages[:, index]
        if name == "clipped_ppo":
            bounded = ratio.clamp(1 - h.clip_range, 1 + h.clip_range)
            gain = torch.minimum(gain, bounded * advantages[:, index])
        if name == "kl_ppo":
            gain = gain - h.beta * torch.distributions.kl_divergence(old, new)
        optimizer.zero_grad()
        (-gain[PROMPT - 1 :].mean()).backward()
        torch.nn.utils.clip_grad_norm_([leaf], h.gradient_norm_clip)
        optimizer.step()
    return leaf.detach()[0]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("importance_sampling", {}),
        ("clipped_ppo", {"clip_range": 0.1}),
        ("kl_ppo", {"beta": 0.5, "adaptive": False}),
    ],
)
def test_epochs_are_those_of_a_slow_loop(name: str, changes: dict[str, Any]) -> None:
    learner = learner_of(name, **{**REUSING, **changes})
    batch = random_batch(learner)
    expected = [slow_update(name, learner, batch, s) for s in range(2)]
    before = learner.parameters.clone()
    told = updated(learner, name, batch)
    assert (learner.parameters - before).abs().max() > 0.01
    torch.testing.assert_close(learner.parameters, torch.stack(expected), rtol=1e-3, atol=1e-4)
    assert told["kl_mean"].min() > 0


@pytest.mark.parametrize(("name", "changes"), RUNGS)
def test_a_seed_has_the_same_bits_alone_and_in_any_group(
    name: str, changes: dict[str, Any]
) -> None:
    seeds = tuple(range(10))

    def after(group: tuple[int, ...]) -> AnswerLearner[Any]:
        learner = learner_of(name, group, **settled(name, changes))
        for number in range(3):
            updated(learner, name, random_batch(learner, number))
            learner.updates += 1
        return learner

    whole = after(seeds)
    assert len({row.numpy().tobytes() for row in whole.parameters}) == 10
    for group in ((4,), (7, 2), (6, 5, 4, 3, 2, 1, 0)):
        assert torch.equal(after(group).parameters, whole.parameters[list(group)])


@pytest.mark.parametrize(("name", "changes"), RUNGS)
def test_an_inactive_seed_stays_as_it_is(name: str, changes: dict[str, Any]) -> None:
    learner = learner_of(name, **settled(name, changes))
    before, beta = learner.parameters.clone(), learner.memory.get("beta")
    learner.active = torch.tensor([True, False])
    updated(learner, name, random_batch(learner))
    assert torch.equal(learner.parameters[1], before[1])
    assert not torch.equal(learner.parameters[0], before[0])
    if beta is not None:
        assert learner.memory["beta"][1] == beta[1]


def test_without_clip_or_penalty_they_are_importance_sampling() -> None:
    found = []
    for name, changes in (
        ("importance_sampling", {}),
        ("clipped_ppo", {"clip_range": float("inf")}),
        ("kl_ppo", {"beta": 0.0, "adaptive": False}),
    ):
        learner = learner_of(name, **REUSING, **changes)
        updated(learner, name, random_batch(learner))
        found.append(learner.parameters)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_the_first_step_off_policy_is_the_step_of_reward_to_go() -> None:
    """One minibatch of everything, at θ = θ': the same direction, so Adam's same first step."""
    shared = {"learning_rate": 1e-3, "adam_epsilon": 0.0, "gradient_norm_clip": float("inf")}
    on = learner_of("reward_to_go", **shared)
    off = learner_of("importance_sampling", epochs=1, minibatch=6, **shared)
    before = on.parameters.clone()
    for learner, name in ((on, "reward_to_go"), (off, "importance_sampling")):
        updated(learner, name, random_batch(learner))
    moved = on.parameters - before
    agree = ((off.parameters - before).sign() == moved.sign()).float().mean()
    # Standardising shifts the advantages of a batch whose group means are 0 by next to nothing.
    assert agree > 0.999


@pytest.mark.parametrize(
    ("module", "function", "name"),
    [
        (baseline, "weights", "baseline"),
        (reward_to_go, "weights", "reward_to_go"),
        (importance_sampling, "objective", "importance_sampling"),
        (kl_ppo, "objective", "kl_ppo"),
        (clipped_ppo, "objective", "clipped_ppo"),
    ],
)
def test_the_objective_is_the_ladder_s_own(
    module: Any, function: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = learner_of(name)
    batch, before = random_batch(learner), learner.parameters.clone()
    own = getattr(module, function)
    monkeypatch.setattr(module, function, lambda *given: 0 * own(*given))
    updated(learner, name, batch)
    assert torch.equal(learner.parameters, before)


def test_advantages_are_standardised_over_what_was_written() -> None:
    learner = learner_of("clipped_ppo")
    batch = random_batch(learner)
    advantages = advantages_of(learner, batch)[:, PROMPT - 1 :].flatten(1)
    torch.testing.assert_close(advantages.mean(1), torch.zeros(2), rtol=0, atol=1e-6)
    torch.testing.assert_close(advantages.std(1, correction=0), torch.ones(2), rtol=0, atol=1e-5)


def test_beta_follows_the_kl_of_each_seed() -> None:
    learner = learner_of("kl_ppo", beta=1.0, adaptive=True, kl_target=0.01, **REUSING)
    told = updated(learner, "kl_ppo", random_batch(learner))
    assert (told["kl_mean"] > 0.015).all()
    assert learner.memory["beta"].tolist() == [2.0, 2.0]
    still = learner_of("kl_ppo", beta=1.0, kl_target=0.01, **{**REUSING, "learning_rate": 1e-6})
    updated(still, "kl_ppo", random_batch(still))
    assert still.memory["beta"].tolist() == [0.5, 0.5]


def test_a_learner_begins_at_its_reference() -> None:
    learner = learner_of("clipped_ppo")
    tokens = random_batch(learner).observations
    start = AnswerLearner(
        rung("clipped_ppo"),
        learner.hyperparameters,  # type: ignore[arg-type]
        [0, 1],
        NETWORK,
        learner.reference[0].numpy(),
    )
    assert torch.equal(start.parameters, start.reference)
    start.parameters += 1
    assert not torch.equal(start.parameters, start.reference)
    assert torch.equal(start.reference, learner.reference)
    assert start.policy.statistics(start.parameters, flatten(tokens)).shape == (2, 24, 4)
