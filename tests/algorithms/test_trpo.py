"""The Fisher information, the step along its inverse, and the line search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from learners import SPACES, Taught, learner_of, sizes_of, spread_out
from torch import Tensor
from torch.distributions import kl_divergence

from algorithms.batch import flatten
from algorithms.ladder import advantage
from algorithms.policy_gradient import trajectory_gradients
from algorithms.rivals import trpo
from algorithms.rivals.trpo import fisher_product, line_search
from tests import reference, strategies

TICKS = 12


def small(space: Any, **changes: Any) -> Taught:
    learner = learner_of("trpo", space, batch_steps=4 * TICKS, critic_minibatch=16, **changes)
    spread_out(learner)
    return learner


def actor_of(columns: Tensor, learner: Taught, space: Any) -> reference.Actor:
    continuous = space is SPACES["continuous"]
    return reference.Actor(columns.double(), sizes_of(learner), continuous=continuous)


def dense_fisher(actor: reference.Actor, states: Tensor) -> Tensor:
    """[P, P], the Hessian of the KL that torch.distributions computes, in our order of columns."""
    named = dict(actor.named_parameters())
    if "log_std" in named:
        named["log_std"] = named.pop("log_std")  # last, as in our columns
    fixed = actor(states)

    def divergence(*values: Tensor) -> Tensor:
        parameters = dict(zip(named, values, strict=True))
        return kl_divergence(fixed, torch.func.functional_call(actor, parameters, (states,))).mean()

    values = tuple(parameter.detach() for parameter in named.values())
    blocks = torch.autograd.functional.hessian(divergence, values)
    sizes = [value.numel() for value in values]
    rows = [
        torch.cat([block.reshape(size, -1) for block in row], dim=1)
        for row, size in zip(blocks, sizes, strict=True)
    ]
    positions = torch.arange(sum(sizes)).split(sizes)
    order = reference.columns_of(
        [position.view(value.shape) for position, value in zip(positions, values, strict=True)]
    )
    return torch.cat(rows)[order][:, order].detach()


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_products_are_those_of_the_dense_matrix(space: Any) -> None:
    learner = small(space)
    generator = np.random.default_rng(0)
    states = strategies.normals(generator, 3, 20, 4)
    parameters = learner.policy_parameters.double()
    product = fisher_product(learner.policy, parameters, states, damping=0.0)
    damped = fisher_product(learner.policy, parameters, states, damping=0.3)
    vectors = strategies.normals(generator, 2, *parameters.shape)
    for vector in vectors:
        plain_product, damped_product = product(vector), damped(vector)
        torch.testing.assert_close(damped_product, plain_product + 0.3 * vector)
        for s in range(3):
            dense = dense_fisher(actor_of(learner.policy_parameters[s], learner, space), states[s])
            assert float(torch.linalg.eigvalsh(dense).min()) > -1e-9
            torch.testing.assert_close(plain_product[s], dense @ vector[s], rtol=1e-6, atol=1e-8)


def played(learner: Taught, seed: int = 0) -> Any:
    return strategies.played(learner, TICKS, np.random.default_rng(seed))


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_the_step_is_along_the_natural_gradient_and_ends_within_the_bound(space: Any) -> None:
    learner = small(space, kl_bound=1e-4, conjugate_gradient_iterations=60, damping=0.1)
    batch = played(learner)
    before = learner.policy_parameters.double().clone()
    critic = learner.critic_parameters.clone()
    seen: list[Tensor] = []
    original = trpo.estimate_advantages

    def watching(*args: Any) -> Any:
        estimates = original(*args)
        seen.append(estimates.advantages)
        return estimates

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trpo, "estimate_advantages", watching)
        report = learner.algorithm.update(learner, batch)
    (advantages,) = seen
    assert not torch.equal(critic, learner.critic_parameters)
    for s in range(3):
        states, actions = (flatten(x)[s].double() for x in (batch.observations, batch.actions))
        weights = flatten(advantages)[s].double()
        weights = (weights - weights.mean()) / (weights.std() + 1e-8)
        actor = actor_of(before[s], learner, space)
        old = actor(states)
        gradient = actor.gradient((weights * old.log_prob(actions)).mean())
        dense = dense_fisher(actor, states)
        natural = torch.linalg.solve(dense + 0.1 * torch.eye(len(dense)), gradient)
        moved = learner.policy_parameters[s].double() - before[s]
        cosine = torch.nn.functional.cosine_similarity(moved, natural, dim=0)
        assert cosine.item() > 0.999
        new = actor_of(learner.policy_parameters[s], learner, space)(states)
        divergence = kl_divergence(old, new).mean().item()
        assert 0.1e-4 < divergence <= 1.001e-4
        assert divergence == pytest.approx(float(report["kl_mean"][s]), rel=0.02)
        ratio = torch.exp(new.log_prob(actions) - old.log_prob(actions))
        assert (ratio * weights).mean().item() > weights.mean().item()


def test_with_the_identity_for_a_fisher_information_it_is_the_policy_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner = small(SPACES["discrete"], kl_bound=1e-5)
    plain = learner_of("advantage", SPACES["discrete"], batch_steps=4 * TICKS)
    plain.parameters.copy_(learner.parameters)
    batch = played(learner)
    monkeypatch.setattr(trpo, "fisher_product", lambda *args: lambda vector: vector)
    seen: list[Tensor] = []

    def watching(judge: Any, theta: Tensor, step: Tensor, *args: Any) -> Any:
        seen.append(step)
        return line_search(judge, theta, step, *args)

    monkeypatch.setattr(trpo, "line_search", watching)
    learner.algorithm.update(learner, batch)
    h = trpo.Hyperparameters(slots=4, batch_steps=4 * TICKS)
    weights = advantage.weights(trpo.estimate_advantages(plain, batch, h).advantages, "batch")
    expected = trajectory_gradients(plain, batch, weights).mean(1)
    cosine = torch.nn.functional.cosine_similarity(seen[0], expected, dim=1)
    torch.testing.assert_close(cosine, torch.ones(3), rtol=1e-5, atol=1e-5)


def test_kl_stays_within_the_bound_after_every_accepted_step() -> None:
    learner = small(SPACES["continuous"], kl_bound=0.01)
    accepted = 0
    for update in range(8):
        report = learner.algorithm.update(learner, played(learner, update))
        learner.updates += 1
        assert (report["kl_mean"] <= 0.01 * (1 + 1e-3)).all()
        accepted += int((report["learning_rate"] > 0).sum())
    assert accepted > 12


def test_a_step_that_never_improves_is_rejected_to_the_bit_and_reports_no_divergence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One seed's surrogate always falls: it stays; its neighbours step as they would."""
    learner, twin = (small(SPACES["continuous"]) for _ in range(2))
    batch = played(learner)
    played(twin)
    real = trpo.surrogate
    calls = 0

    def falling(ratio: Tensor, advantages: Tensor) -> Tensor:
        nonlocal calls
        gain = real(ratio, advantages)
        gain[1] -= calls
        calls += 1
        return gain

    before = learner.policy_parameters.clone()
    expected = twin.algorithm.update(twin, batch)
    monkeypatch.setattr(trpo, "surrogate", falling)
    report = learner.algorithm.update(learner, batch)
    assert torch.equal(learner.policy_parameters[1], before[1])
    assert report["kl_mean"][1] == report["kl_max"][1] == report["learning_rate"][1] == 0
    for s in (0, 2):
        assert torch.equal(learner.policy_parameters[s], twin.policy_parameters[s])
        assert report["kl_mean"][s] == expected["kl_mean"][s] > 0


def test_the_line_search_takes_the_longest_step_that_will_do() -> None:
    """x -> gain x(3 − x) and KL x²: improving below 3, within 0.5 below 0.71; from 2."""
    theta = torch.zeros(4, 1)
    step = torch.tensor([[2.0], [0.5], [-1.0], [float("nan")]])

    def judge(x: Tensor) -> tuple[Tensor, Tensor]:
        return (x * (3 - x))[:, 0], x.square()[:, 0]

    chosen, share = line_search(judge, theta, step, 0.5, 0.5, 5)
    assert share.tolist() == [0.25, 1.0, 0.0, 0.0]
    assert chosen[:, 0].tolist() == [0.5, 0.5, 0.0, 0.0]
    chosen, share = line_search(judge, theta, step, 0.5, 0.5, 2)
    assert share.tolist() == [0.0, 1.0, 0.0, 0.0]


def test_a_seed_that_is_not_active_stays_as_it_is() -> None:
    learner = small(SPACES["continuous"])
    learner.active = torch.tensor([True, False, True])
    before = learner.parameters.clone()
    learner.algorithm.update(learner, played(learner))
    same = [torch.equal(a, b) for a, b in zip(before, learner.parameters, strict=True)]
    assert same == [False, True, False]
