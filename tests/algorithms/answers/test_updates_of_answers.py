"""The updates of the rungs on whole answers: against slow ones, one another, and the ladder's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from answers import ANSWER, NETWORK, PROMPT, batch_of, learner_of, random_batch, rung
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from algorithms.answers.learner import AnswerLearner
from algorithms.answers.penalty import IN_LOSS
from algorithms.answers.ratios import RATIOS
from algorithms.answers.surrogates import advantages_of
from algorithms.batch import Batch, flatten
from algorithms.ladder import (
    clipped_ppo,
    importance_sampling,
    kl_ppo,
    reward_to_go,
    vanilla_policy_gradient,
)

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
    ("policy_gradient", {"reference_penalty_form": "exact_in_loss"}),
    ("baseline", {"advantage_normalization": "group", "reference_penalty_form": "k3_in_loss"}),
    ("reward_to_go", {"advantage_normalization": "group"}),
    ("importance_sampling", {"reference_penalty_form": "k2_in_loss"}),
    ("kl_ppo", {"importance_ratio": "sequence", "length_normalization": False}),
    ("clipped_ppo", {"importance_ratio": "sequence_geometric_mean", "clip_range_above": 0.3}),
]
REUSING: dict[str, Any] = {"epochs": 3, "minibatch": 2, "learning_rate": 0.02}


def settled(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    reusing = name in ("importance_sampling", "kl_ppo", "clipped_ppo")
    return {**(REUSING if reusing else {"learning_rate": 0.02}), **changes}


def updated(learner: AnswerLearner[Any], name: str, batch: Batch) -> dict[str, Tensor]:
    return dict(rung(name).update(learner, batch))


def divergences(form: str, new: Categorical, reference: Categorical, actions: Tensor) -> Tensor:
    """Of every token, as Schulman's note has them: r is the reference's probability over θ's."""
    r = (reference.log_prob(actions) - new.log_prob(actions)).exp()
    return {
        "k1_in_loss": -r.log(),
        "k2_in_loss": 0.5 * r.log() ** 2,
        "k3_in_loss": (r - 1) - r.log(),
        "exact_in_loss": kl_divergence(new, reference),
    }[form]


def slow_update(name: str, learner: AnswerLearner[Any], batch: Batch, s: int) -> Tensor:
    """The parameters of one seed after torch's own Adam on the objective as it is written."""
    h: Any = learner.hyperparameters
    leaf = learner.parameters[s : s + 1].clone().requires_grad_()
    optimizer = torch.optim.Adam([leaf], lr=h.learning_rate, eps=h.adam_epsilon)
    rewards = batch.rewards[s]
    returns = torch.flip(torch.flip(rewards, [0]).cumsum(0), [0])
    if h.importance_ratio != "token":
        returns = rewards.sum(0).expand_as(rewards)
    groups = returns.view(len(rewards), h.prompts, h.samples)
    advantages = (groups - groups.mean(2, keepdim=True)).view_as(rewards)
    if h.advantage_normalization == "group":
        spread = groups.std(2, correction=0, keepdim=True).expand_as(groups)
        advantages = advantages / (spread.reshape(rewards.shape) + 1e-8)
    if h.advantage_normalization == "batch":
        written = advantages[PROMPT - 1 :]
        advantages = (advantages - written.mean()) / (written.std(correction=0) + 1e-8)
    positions = torch.arange(h.answers).expand(len(learner.seeds), -1)
    minibatches = learner.minibatches(
        torch.ones_like(positions, dtype=torch.bool), h.epochs, h.minibatch, [positions]
    )
    for index in [chosen[s].clone() for (chosen,), _ in minibatches]:
        tokens = batch.observations[s, :, index, 0].reshape(1, -1)
        logits = NETWORK(leaf, tokens.unsqueeze(2))
        new = Categorical(logits=logits.view(len(rewards), len(index), -1))
        old = Categorical(logits=batch.statistics[s][:, index])
        actions = batch.actions[s][:, index]
        ratio = (new.log_prob(actions) - old.log_prob(actions))[PROMPT - 1 :].exp()
        if h.importance_ratio == "sequence":
            ratio = ratio.prod(0, keepdim=True)
        if h.importance_ratio == "sequence_geometric_mean":
            ratio = ratio.prod(0, keepdim=True) ** (1 / ANSWER)
        credit = advantages[PROMPT - 1 :, index][: len(ratio)]
        gain = ratio * credit
        if name == "clipped_ppo":
            clip_above = h.clip_range if h.clip_range_above is None else h.clip_range_above
            bounded = ratio.clamp(1 - h.clip_range, 1 + clip_above)
            gain = torch.minimum(gain, bounded * credit)
        if name == "kl_ppo":
            gain = gain - h.beta * kl_divergence(old, new)[PROMPT - 1 :]
        by_token = len(ratio) > 1 and not h.length_normalization
        loss = -gain.sum(0).mean() if by_token else -gain.mean()
        if h.reference_penalty_form != "k1_in_reward":
            reference_logits = NETWORK(learner.reference[s : s + 1], tokens.unsqueeze(2))
            reference = Categorical(logits=reference_logits.view_as(new.logits))
            kl = divergences(h.reference_penalty_form, new, reference, actions)[PROMPT - 1 :]
            whole = h.importance_ratio == "sequence" or by_token
            loss = loss + h.reference_penalty * (kl.sum(0).mean() if whole else kl.mean())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([leaf], h.gradient_norm_clip)
        optimizer.step()
    return leaf.detach()[0]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("importance_sampling", {}),
        ("clipped_ppo", {"clip_range": 0.1}),
        ("kl_ppo", {"beta": 0.5, "adaptive": False}),
        ("clipped_ppo", {"clip_range": 0.02, "clip_range_above": 0.2}),
        ("clipped_ppo", {"importance_ratio": "sequence", "clip_range": 0.1}),
        ("clipped_ppo", {"importance_ratio": "sequence_geometric_mean", "clip_range": 0.03}),
        ("importance_sampling", {"importance_ratio": "sequence", "length_normalization": False}),
        ("importance_sampling", {"advantage_normalization": "group"}),
        ("importance_sampling", {"advantage_normalization": "none", "length_normalization": False}),
        *(
            ("importance_sampling", {"reference_penalty_form": form, "reference_penalty": 2.0})
            for form in IN_LOSS
        ),
        (
            "importance_sampling",
            {
                "reference_penalty_form": "k3_in_loss",
                "length_normalization": False,
                "importance_ratio": "sequence_geometric_mean",
            },
        ),
    ],
)
def test_epochs_are_those_of_a_slow_loop(name: str, changes: dict[str, Any]) -> None:
    learner = learner_of(name, **{**REUSING, **changes})
    batch = random_batch(learner)
    expected = [slow_update(name, learner, batch, s) for s in range(2)]
    before = learner.parameters.clone()
    diagnostics = updated(learner, name, batch)
    assert (learner.parameters - before).abs().max() > 0.01
    torch.testing.assert_close(learner.parameters, torch.stack(expected), rtol=1e-3, atol=1e-4)
    assert diagnostics["kl_mean"].min() > 0


@pytest.mark.parametrize("length_normalization", [True, False])
@pytest.mark.parametrize("ratio", RATIOS)
def test_beta_ref_weighs_the_same_whatever_the_ratio(
    ratio: str, length_normalization: bool
) -> None:
    """At θ = θ' all ratios have the gradient of E[R(y)] − β_ref KL, up to a factor."""

    def direction(**changes: Any) -> Tensor:
        one_step = {"epochs": 1, "minibatch": 6, "gradient_norm_clip": float("inf")}
        penalty = {"reference_penalty_form": "exact_in_loss", "reference_penalty": 2.0}
        learner = learner_of("importance_sampling", **one_step, **penalty, **changes)
        batch = random_batch(learner)
        batch.rewards[:, :-1] = 0  # so that Gₜ is R(y) at every token
        updated(learner, "importance_sampling", batch)
        gradient = learner.optimizer.first_moment
        return gradient / gradient.norm(dim=1, keepdim=True)

    changes = {"importance_ratio": ratio, "length_normalization": length_normalization}
    torch.testing.assert_close(direction(**changes), direction(), rtol=1e-3, atol=1e-5)


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

    all_seeds = after(seeds)
    assert len({row.numpy().tobytes() for row in all_seeds.parameters}) == 10
    for group in ((4,), (7, 2), (6, 5, 4, 3, 2, 1, 0)):
        assert torch.equal(after(group).parameters, all_seeds.parameters[list(group)])


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
    parameters = []
    for name, changes in (
        ("importance_sampling", {}),
        ("clipped_ppo", {"clip_range": float("inf")}),
        ("kl_ppo", {"beta": 0.0, "adaptive": False}),
    ):
        learner = learner_of(name, **REUSING, **changes)
        updated(learner, name, random_batch(learner))
        parameters.append(learner.parameters)
    assert torch.equal(parameters[0], parameters[1])
    assert torch.equal(parameters[0], parameters[2])


def test_the_first_step_off_policy_is_the_step_of_reward_to_go() -> None:
    """One minibatch of everything, at θ = θ': the same direction, so Adam's same first step."""
    shared = {"learning_rate": 1e-3, "adam_epsilon": 0.0, "gradient_norm_clip": float("inf")}
    on_policy = learner_of("reward_to_go", **shared)
    off_policy = learner_of("importance_sampling", epochs=1, minibatch=6, **shared)
    before = on_policy.parameters.clone()
    for learner, name in ((on_policy, "reward_to_go"), (off_policy, "importance_sampling")):
        updated(learner, name, random_batch(learner))
    change = on_policy.parameters - before
    agree = ((off_policy.parameters - before).sign() == change.sign()).float().mean()
    # Standardising shifts the advantages of a batch whose group means are 0 by next to nothing.
    assert agree > 0.999


@pytest.mark.parametrize(
    ("module", "function", "name"),
    [
        (vanilla_policy_gradient, "credit", "baseline"),
        (reward_to_go, "credit", "reward_to_go"),
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
    original = getattr(module, function)
    monkeypatch.setattr(module, function, lambda *args, **kwargs: 0 * original(*args, **kwargs))
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
    diagnostics = updated(learner, "kl_ppo", random_batch(learner))
    assert (diagnostics["kl_mean"] > 0.015).all()
    assert learner.memory["beta"].tolist() == [2.0, 2.0]
    slow_learner = learner_of(
        "kl_ppo", beta=1.0, kl_target=0.01, **{**REUSING, "learning_rate": 1e-6}
    )
    updated(slow_learner, "kl_ppo", random_batch(slow_learner))
    assert slow_learner.memory["beta"].tolist() == [0.5, 0.5]


def test_a_learner_begins_at_its_reference() -> None:
    learner = learner_of("clipped_ppo")
    tokens = random_batch(learner).observations
    start: AnswerLearner[Any] = AnswerLearner(
        learner.hyperparameters,
        [0, 1],
        NETWORK,
        learner.reference[0].numpy(),
    )
    assert torch.equal(start.parameters, start.reference)
    start.parameters += 1
    assert not torch.equal(start.parameters, start.reference)
    assert torch.equal(start.reference, learner.reference)
    assert start.policy.statistics(start.parameters, flatten(tokens)).shape == (2, 24, 4)


def gradient_of(learner: AnswerLearner[Any], name: str, batch: Batch) -> Tensor:
    """What the optimiser is given first, with its sign turned to ascent [S, P]."""
    gradients: list[Tensor] = []
    step = learner.step_policy

    def recording(gradient: Tensor, *args: Any) -> None:
        gradients.append(-gradient.clone())
        step(gradient, *args)

    learner.step_policy = recording  # type: ignore[method-assign]
    updated(learner, name, batch)
    return gradients[0]


@pytest.mark.parametrize("normalization", ["none", "group"])
@pytest.mark.parametrize("penalty_form", ["k1_in_reward", *IN_LOSS])
def test_without_divisions_the_first_gradient_is_the_policy_gradient(
    normalization: str, penalty_form: str
) -> None:
    """Dr. GRPO: neither length nor deviation divides, so that it is the lecture's sum, its size
    too. With a deviation it is that of the rung that has one."""
    shared = {
        "gradient_norm_clip": float("inf"),
        "advantage_normalization": normalization,
        "reference_penalty_form": penalty_form,
    }
    on_policy = learner_of("reward_to_go", **shared)
    off_policy = learner_of(
        "importance_sampling", epochs=1, minibatch=6, length_normalization=False, **shared
    )
    expected = gradient_of(on_policy, "reward_to_go", random_batch(on_policy))
    gradient = gradient_of(off_policy, "importance_sampling", random_batch(off_policy))
    assert expected.norm() > 0.1
    torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-4)
    # And a mean over the tokens is that over their number.
    mean = learner_of("importance_sampling", epochs=1, minibatch=6, **shared)
    gradient = gradient_of(mean, "importance_sampling", random_batch(mean))
    torch.testing.assert_close(ANSWER * gradient, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("samples", [3, 8])
@pytest.mark.parametrize("scale", [0.1, 1000.1])
@pytest.mark.parametrize("rounding", [False, True])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("baseline", {}),
        ("baseline", {"advantage_normalization": "group"}),
        ("reward_to_go", {"baseline": "group_leave_one_out"}),
        ("importance_sampling", {"importance_ratio": "sequence"}),
        ("clipped_ppo", {}),
        ("clipped_ppo", {"baseline": "group_leave_one_out"}),
        ("clipped_ppo", {"advantage_normalization": "group"}),
    ],
)
def test_rewards_that_are_equal_within_every_group_move_nothing(
    name: str, changes: dict[str, Any], scale: float, samples: int, rounding: bool
) -> None:
    """Equal, or all but the last digit of a float32."""
    learner = learner_of(name, reference_penalty=0.0, prompts=6, samples=samples, **changes)
    rewards = torch.zeros(2, ANSWER, 6 * samples)
    groups = scale * (1 + torch.arange(6.0)).repeat_interleave(samples)
    rewards[:, -1] = groups
    if rounding:
        rewards[:, -1, ::2] = torch.nextafter(groups, torch.tensor(torch.inf))[::2]
    sequences = torch.randint(4, (2, 6 * samples, PROMPT + ANSWER))
    before = learner.parameters.clone()
    updated(learner, name, batch_of(learner, sequences, rewards))
    assert torch.equal(learner.parameters, before)
    # It can tell: a difference that a float32 holds is credited.
    rewards[:, -1, 0] *= 1 + 1e-6
    updated(learner, name, batch_of(learner, sequences, rewards))
    assert not torch.equal(learner.parameters, before)


def test_a_diagnostic_of_the_ratio_is_of_the_one_that_is_taken() -> None:
    """The product over an answer's tokens leaves 1 further than the tokens' ratios do."""
    reports = {}
    for kind in ("token", "sequence", "sequence_geometric_mean"):
        learner = learner_of("clipped_ppo", importance_ratio=kind, **{**REUSING, "epochs": 1})
        batch = random_batch(learner)
        reports[kind] = updated(learner, "clipped_ppo", batch)
        new = learner.policy.statistics(learner.parameters, flatten(batch.observations))
        new = new.unflatten(1, batch.actions.shape[1:])
        logs = Categorical(logits=new.double()).log_prob(batch.actions)
        logs = (logs - Categorical(logits=batch.statistics.double()).log_prob(batch.actions))[
            :, PROMPT - 1 :
        ]
        if kind != "token":
            logs = logs.sum(1) / (ANSWER if kind != "sequence" else 1)
        ratio = logs.exp().flatten(1)
        outside = ((ratio < 0.8) | (ratio > 1.2)).double().mean(1)
        torch.testing.assert_close(reports[kind]["clip_fraction"].double(), outside)
        torch.testing.assert_close(
            reports[kind]["ratio_q50"].double(), ratio.quantile(0.5, 1), rtol=1e-4, atol=1e-4
        )
    assert len({float(report["ratio_q50"][0]) for report in reports.values()}) == 3
