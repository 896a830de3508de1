"""What a policy says of an action, against torch.distributions."""

from __future__ import annotations

import math

import kernel_calls
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, Normal

from algorithms.hyperparameters import Hyperparameters
from algorithms.numerics.networks import Perceptron
from algorithms.policies import CategoricalPolicy, GaussianPolicy, make_critic, make_policy
from algorithms.spaces import Continuous, Discrete
from tests import reference, strategies


def gaussian(statistics: Tensor) -> Distribution:
    mean, log_std = statistics.chunk(2, dim=-1)
    return Independent(Normal(mean, log_std.exp()), 1)


def categorical(statistics: Tensor) -> Distribution:
    return Categorical(probs=statistics.exp())


def statistics_of(generator: np.random.Generator, kind: str, size: int, spread: float) -> Tensor:
    """φ [2, 5, K] of a policy of either kind."""
    if kind == "gaussian":
        return strategies.normals(generator, 2, 5, 2 * size, scale=spread)
    return torch.log_softmax(strategies.normals(generator, 2, 5, size, scale=spread), dim=2)


def policy_of(kind: str, size: int) -> GaussianPolicy | CategoricalPolicy:
    network = Perceptron((3, size), head_gain=1.0)
    return GaussianPolicy(network, 0.0) if kind == "gaussian" else CategoricalPolicy(network)


DISTRIBUTIONS = {"gaussian": gaussian, "categorical": categorical}


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@strategies.many
@given(strategies.generators, st.integers(1, 5), st.sampled_from([0.01, 1.0, 3.0]))
def test_probability_entropy_and_divergence(
    kind: str, generator: np.random.Generator, size: int, spread: float
) -> None:
    policy, distribution = policy_of(kind, size), DISTRIBUTIONS[kind]
    old, new = (statistics_of(generator, kind, size, spread) for _ in range(2))
    actions = distribution(old).sample()
    tolerance = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(
        policy.log_probability(new, actions), distribution(new).log_prob(actions), **tolerance
    )
    torch.testing.assert_close(policy.entropy(new), distribution(new).entropy(), **tolerance)
    expected = torch.distributions.kl_divergence(distribution(old), distribution(new))
    torch.testing.assert_close(policy.divergence(old, new), expected, **tolerance)
    assert (policy.divergence(old, old) == 0).all()


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@strategies.many
@given(strategies.generators, st.integers(1, 5), st.sampled_from([0.01, 1.0, 2.0]))
def test_kernels_say_the_same_of_one_action_and_find_the_way_back(
    kind: str, generator: np.random.Generator, size: int, spread: float
) -> None:
    """log p, KL and H, and a weighted sum's slopes in the network's outputs and in log σ."""
    continuous, distribution = kind == "gaussian", DISTRIBUTIONS[kind]
    outputs = strategies.normals(generator, size, scale=spread).requires_grad_()
    log_std = strategies.normals(generator, size if continuous else 0).requires_grad_()
    old = statistics_of(generator, kind, size, spread)[0, 0]
    new = torch.cat([outputs, log_std]) if continuous else torch.log_softmax(outputs, 0)
    action = distribution(old).sample()
    weights = strategies.normals(generator, 3)
    terms = [
        distribution(new).log_prob(action),
        torch.distributions.kl_divergence(distribution(old), distribution(new)),
        distribution(new).entropy(),
    ]
    size_of_terms = sum(abs(float(term.detach())) for term in terms)
    total = sum(weight * term for weight, term in zip(weights, terms, strict=True))
    expected = torch.autograd.grad(total, [outputs, log_std], allow_unused=True)
    values, of_outputs, of_log_std = kernel_calls.terms_of_an_action(
        outputs.detach(), log_std.detach(), old, action, weights
    )
    tolerance = {"rtol": 1e-4, "atol": 1e-5 * (1 + size_of_terms)}
    torch.testing.assert_close(values, torch.stack(terms).detach(), **tolerance)
    tolerance["atol"] += 1e-5 * float(expected[0].abs().max())
    torch.testing.assert_close(of_outputs, expected[0], **tolerance)
    if continuous:
        tolerance["atol"] += 1e-5 * float(expected[1].abs().max())
        torch.testing.assert_close(of_log_std, expected[1], **tolerance)


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_gradients_of_probability_and_divergence(kind: str) -> None:
    """Of ln p and of KL(old ‖ new) in the new φ; at old = new the latter is zero."""
    generator = np.random.default_rng(0)
    policy, distribution = policy_of(kind, 3), DISTRIBUTIONS[kind]
    old = statistics_of(generator, kind, 3, 1.0)
    new = statistics_of(generator, kind, 3, 1.0).requires_grad_()
    actions = distribution(old).sample()

    # A categorical φ is normalised: go through unnormalised logits.
    def gradient(function: object, at: Tensor) -> Tensor:
        statistics = at if kind == "gaussian" else torch.log_softmax(at, dim=2)
        return torch.autograd.grad(function(statistics).sum(), at)[0]  # type: ignore[operator]

    torch.testing.assert_close(
        gradient(lambda s: policy.log_probability(s, actions), new),
        gradient(lambda s: distribution(s).log_prob(actions), new),
    )
    torch.testing.assert_close(
        gradient(lambda s: policy.divergence(old, s), new),
        gradient(
            lambda s: torch.distributions.kl_divergence(distribution(old), distribution(s)), new
        ),
    )
    same = old.clone().requires_grad_()
    flat = gradient(lambda s: policy.divergence(old, s), same)
    torch.testing.assert_close(flat, torch.zeros_like(flat))


@pytest.mark.parametrize("continuous", [True, False])
def test_statistics_are_those_of_a_torch_network_of_each_seed(continuous: bool) -> None:
    generator = np.random.default_rng(1)
    space = Continuous(size=2, low=(-1,) * 2, high=(1,) * 2) if continuous else Discrete(count=3)
    policy = make_policy(4, space, Hyperparameters(hidden_sizes=(6, 5), initial_log_std=-0.5))
    sizes = (4, 6, 5, 2 if continuous else 3)
    parameters = strategies.normals(generator, 3, policy.size)
    observations = strategies.normals(generator, 3, 7, 4)
    old = policy.statistics(parameters, observations)
    for s in range(3):
        distribution = reference.Actor(parameters[s], sizes, continuous=continuous)(observations[s])
        actions = distribution.sample()
        torch.testing.assert_close(
            policy.log_probability(old[s], actions), distribution.log_prob(actions)
        )
        torch.testing.assert_close(policy.entropy(old[s]), distribution.entropy())


def test_the_same_noise_gives_mean_plus_deviation_times_noise() -> None:
    statistics = torch.tensor([[1.0, -2.0, math.log(0.5), math.log(3.0)]])
    action = policy_of("gaussian", 2).sample(statistics, torch.tensor([[2.0, -1.0]]))
    torch.testing.assert_close(action, torch.tensor([[2.0, -5.0]]))


def test_gumbel_noise_samples_the_categorical_distribution() -> None:
    probabilities = torch.tensor([0.05, 0.15, 0.3, 0.5])
    draws = 200_000
    noise = torch.from_numpy(np.random.default_rng(2).gumbel(size=(draws, 4)))
    actions = policy_of("categorical", 4).sample(probabilities.log().expand(draws, 4), noise)
    frequencies = torch.bincount(actions, minlength=4) / draws
    deviation = (probabilities * (1 - probabilities) / draws).sqrt()
    assert ((frequencies - probabilities).abs() < 5 * deviation).all()


def test_an_impossible_choice_is_never_taken_and_costs_no_nan_probability() -> None:
    policy = policy_of("categorical", 3)
    certain = torch.log_softmax(torch.tensor([[0.0, 300.0, 0.0]]), dim=1)
    noise = torch.from_numpy(np.random.default_rng(3).gumbel(size=(1000, 3)))
    assert (policy.sample(certain.expand(1000, 3), noise) == 1).all()
    assert policy.entropy(certain) == 0
    assert policy.log_probability(certain, torch.tensor([1])) == 0


def test_the_first_policy_is_nearly_the_same_in_every_state() -> None:
    """The head's gain of 0.01: an untrained policy is unbiased between actions."""
    policy = make_policy(5, Discrete(count=4), Hyperparameters())
    columns = policy.initial(np.random.default_rng(4), "orthogonal")
    observations = strategies.normals(np.random.default_rng(5), 1, 100, 5).float()
    probabilities = policy.statistics(torch.from_numpy(columns[None]), observations).exp()
    assert (probabilities - 0.25).abs().max() < 0.02


def test_the_first_log_deviation_is_the_one_asked_for() -> None:
    space = Continuous(size=2, low=(-1, -1), high=(1, 1))
    policy = make_policy(3, space, Hyperparameters(hidden_sizes=(8,), initial_log_std=-0.7))
    for initialization in ("orthogonal", "uniform"):
        columns = torch.from_numpy(policy.initial(np.random.default_rng(0), initialization)[None])
        log_std = columns[:, policy.network.size :]
        assert log_std.shape == (1, 2)
        assert (log_std == np.float32(-0.7)).all()
        phi = policy.statistics(columns, torch.randn(1, 4, 3))
        assert torch.equal(phi[..., 2:], log_std.expand(4, 2).unsqueeze(0))


def test_the_critic_gives_one_number_a_state() -> None:
    critic = make_critic(3, Hyperparameters(hidden_sizes=(8,)))
    draws = [critic.initial(np.random.default_rng(seed), "uniform") for seed in range(2)]
    parameters = torch.from_numpy(np.stack(draws)).double()
    assert parameters.shape == (2, critic.size)
    observations = strategies.normals(np.random.default_rng(1), 2, 9, 3)
    values = critic(parameters, observations)
    assert values.shape == (2, 9, 1)
    for s in range(2):
        expected = reference.critic_of(parameters[s], (3, 8, 4))(observations[s])
        torch.testing.assert_close(values[s], expected.detach())
