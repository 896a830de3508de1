"""What is not finite stays not finite, in every kernel; and a bound of infinity is no bound."""

from __future__ import annotations

import math
from typing import Any

import kernel_calls
import numpy as np
import pytest
import torch
from learners import SPACES, SURROGATES, learner_of, spread_out
from torch import Tensor

from algorithms.numerics.networks import Perceptron
from algorithms.numerics.normalization import RunningMoments
from algorithms.numerics.products import product
from algorithms.policies import CategoricalPolicy, GaussianPolicy
from algorithms.surrogate import value_loss
from tests import reference, strategies

NOT_FINITE = (math.nan, math.inf, -math.inf)
each_number = pytest.mark.parametrize("number", NOT_FINITE)


def assert_as_bad(actual: Any, expected: Any, rtol: float = 1e-4) -> None:
    """Not finite where float64 has no number, infinite or none where it is infinite, else close."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    bad = ~np.isfinite(expected)
    assert not np.isfinite(actual[bad]).any()
    np.testing.assert_allclose(actual[~bad], expected[~bad], rtol=rtol, atol=1e-5)


def normals(*shape: int) -> Tensor:
    return strategies.normals(np.random.default_rng(3), *shape)


@each_number
@pytest.mark.parametrize(("rows", "inner", "columns"), [(1, 1, 1), (5, 7, 65), (9, 64, 6)])
def test_products(rows: int, inner: int, columns: int, number: float) -> None:
    left, right = normals(1, rows, inner), normals(1, inner, columns)
    for factor, index in ((left, (0, rows - 1, inner - 1)), (right, (0, 0, columns - 1))):
        before = factor[index].clone()
        factor[index] = number
        # A row of zeros: 0 · ∞ is no number.
        left[0, 0, :-1] = 0
        with np.errstate(invalid="ignore"):
            expected = left[0].numpy() @ right[0].numpy()
        assert not np.isfinite(expected).all()
        assert_as_bad(product(left.float(), right.float())[0], expected)
        factor[index] = before


@each_number
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("operand", ["input", "weight", "bias", "slope"])
def test_networks_there_and_back(number: float, activation: str, operand: str) -> None:
    """tanh of infinity is 1: what tanh bounds is finite, as in float64."""
    network = Perceptron((3, 5, 2), head_gain=1.0, activation=activation)
    columns, inputs, of_outputs = normals(network.size), normals(4, 3), normals(4, 2)
    for position in range(3):
        arguments = columns.clone(), inputs.clone(), of_outputs.clone()
        target, index = {
            "input": (arguments[1], (2, position)),
            "weight": (arguments[0], (position,)),
            "bias": (arguments[0], (15 + position,)),
            "slope": (arguments[2], (position, 1)),
        }[operand]
        target[index] = number
        module = reference.module_of(arguments[0], network.sizes, activation)
        outputs = module(arguments[1])
        layers = torch.autograd.grad(outputs, list(module.parameters()), arguments[2])
        results = kernel_calls.passed(network, *arguments)
        for actual, desired in zip(
            results, (outputs.detach(), reference.columns_of(layers)), strict=True
        ):
            if activation == "tanh" or torch.isfinite(desired).all():
                assert_as_bad(actual, desired)
            else:
                # Whether max(0, NaN) has a slope of 0 or 1, decides which numbers are none besides.
                assert not torch.isfinite(actual[~torch.isfinite(desired)]).any()


@each_number
@pytest.mark.parametrize("part", ["outputs", "log_std", "old", "action"])
@pytest.mark.parametrize("continuous", [True, False])
def test_what_is_said_of_an_action(number: float, part: str, continuous: bool) -> None:
    network = Perceptron((1, 3), head_gain=1.0)
    policy = GaussianPolicy(network, 0.0) if continuous else CategoricalPolicy(network)
    if not continuous and part in ("log_std", "action"):
        return
    for position in range(3):
        parts = {
            "outputs": normals(3),
            "log_std": 0.3 * normals(3 if continuous else 0),
            "old": 0.5 * normals(6) if continuous else torch.log_softmax(normals(3), 0),
            "action": 0.3 * normals(3) if continuous else torch.tensor(1),
        }
        parts[part][position] = number
        outputs, log_std = (parts[name].requires_grad_() for name in ("outputs", "log_std"))
        phi = torch.cat([outputs, log_std]) if continuous else torch.log_softmax(outputs, 0)
        terms = torch.stack(
            [
                policy.log_probability(phi, parts["action"]),
                policy.divergence(parts["old"], phi),
                policy.entropy(phi),
            ]
        )
        weights = torch.tensor([0.7, -0.4, 0.2]).double()
        slopes = torch.autograd.grad((weights * terms).sum(), [outputs, log_std], allow_unused=True)
        arguments = (parts[name].detach() for name in ("outputs", "log_std", "old", "action"))
        results = kernel_calls.terms_of_an_action(*arguments, weights)
        assert_as_bad(results[0], terms.detach())
        # What has no value has no slope that counts; where the value is a number, so is the slope.
        if torch.isfinite(terms).all():
            assert_as_bad(results[1], slopes[0])
        else:
            numbers = [*results[0].tolist(), *results[1].tolist(), *results[2].tolist()]
            assert not np.isfinite(numbers).all()


@each_number
@pytest.mark.parametrize("size", [1, 64, 131])
def test_optimisers_and_norms(number: float, size: int) -> None:
    gradient = normals(size).numpy()
    gradient[size // 2] = number
    bad = ~np.isfinite(gradient)
    for after in (
        kernel_calls.adam(np.ones(size), gradient),
        kernel_calls.rmsprop(np.ones(size), gradient, inside=True),
        kernel_calls.rmsprop(np.ones(size), gradient, inside=False),
    ):
        assert (np.isfinite(after) == ~bad).all()
    length = kernel_calls.norm(gradient)
    assert math.isnan(length) if math.isnan(number) else length == math.inf
    # What is multiplied by this share: NaN for NaN, and 0 · ∞ for infinity.
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(kernel_calls.clipped_share(length, 0.5) * gradient[bad]).any()
    assert kernel_calls.clipped_share(3.0, math.inf) == 1.0


def slow_advantages(columns: list[np.ndarray], discount: float, decay: float) -> np.ndarray:
    rewards, values, next_values, terminated, truncated = columns
    advantages, after = np.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        bootstrap = 0.0 if terminated[t] else next_values[t, 0]
        if terminated[t] or truncated[t]:
            after = 0.0
        after = rewards[t, 0] + discount * bootstrap - values[t, 0] + decay * after
        advantages[t] = after
    return advantages


@each_number
def test_returns_and_advantages(number: float) -> None:
    """Within an episode all that comes before is not finite, and nothing beyond its ends."""
    ends = np.zeros((3, 12, 1), bool)
    ends[0, 3] = ends[1, 8] = True
    for name in range(3):
        for tick in range(12):
            columns = list(normals(3, 12, 1).numpy())
            columns[name][tick] = number
            results = kernel_calls.advantages(*columns, (ends[0], ends[1]), (0.9, 0.8))
            expected = slow_advantages([*columns, ends[0], ends[1]], 0.9, 0.9 * 0.8)
            assert_as_bad(results, expected)
    rewards = normals(12, 1).numpy()
    rewards[5] = number
    ended = ends[0] | ends[1]
    results = kernel_calls.discounted_returns(rewards, ended, 0.9)
    assert (np.isfinite(results[:, 0]) == [t not in (5, 6, 7, 8) for t in range(12)]).all()


@each_number
def test_moments_and_what_they_standardise(number: float) -> None:
    values, mask = normals(6, 2).numpy(), np.ones(6, bool)
    values[2, 1] = number
    for counted in (True, False):
        mask[2] = counted
        moments = RunningMoments(1, 2)
        moments.update(torch.from_numpy(values)[None], torch.from_numpy(mask)[None])
        mean, variance, standardised = kernel_calls.moments(values, mask, 1.5)
        assert_as_bad(mean, moments.mean[0], rtol=1e-9)
        assert_as_bad(variance, moments.variance[0], rtol=1e-9)
        assert_as_bad(standardised, moments.standardise(torch.from_numpy(values)[None], 1.5)[0])
        # The other component is not touched; infinity itself is bounded, where moments are finite.
        assert np.isfinite(standardised[:, 0]).all()
        assert np.isfinite(standardised[:, 1]).all() == (not counted and not math.isnan(number))
    assert not np.isfinite(kernel_calls.standardised([1.0, number, 2.0])).any()


@each_number
@pytest.mark.parametrize("clip", [0.2, math.inf])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_value_loss(number: float, clip: float, index: int) -> None:
    numbers = [1.5, 0.7, 1.1]
    numbers[index] = number
    tensors = (torch.tensor([[x]], dtype=torch.float64) for x in numbers)
    loss, slope = kernel_calls.value_loss(*numbers, clip)
    expected = value_loss(*tensors, clip).item()
    if not math.isfinite(expected):
        assert not math.isfinite(loss)
        assert not math.isfinite(slope)


@each_number
@pytest.mark.parametrize("name", [*SURROGATES, "a2c", "advantage"])
def test_a_reward_that_is_no_number_ruins_its_own_seed_only(name: str, number: float) -> None:
    space = SPACES["continuous"]
    settings = {"batch_steps": 40, "reward_normalization": False}
    learner, clean = (learner_of(name, space, **settings) for _ in range(2))
    batch = strategies.played(learner, 10, np.random.default_rng(0))
    strategies.played(clean, 10, np.random.default_rng(0))
    clean.algorithm.update(clean, batch)
    batch.rewards[1, 4, 2] = number
    learner.algorithm.update(learner, batch)
    assert not torch.isfinite(learner.parameters[1]).all()
    assert torch.isfinite(clean.parameters).all()
    for s in (0, 2):
        assert torch.equal(learner.parameters[s], clean.parameters[s])


CLIPS = (
    "clip_range",
    "value_clip",
    "gradient_norm_clip",
    "reward_clip",
    "raw_reward_clip",
    "observation_clip",
)


@pytest.mark.parametrize("implementation", ["compiled", "differentiated"])
@pytest.mark.parametrize("name", [*CLIPS, None])
def test_a_bound_at_infinity_trains_as_one_that_is_never_reached(
    name: str | None, implementation: str
) -> None:
    """One at a time, and all at once."""
    results = []
    for bound in (math.inf, 1e30):
        clips = dict.fromkeys([name] if name else CLIPS, bound)
        learner = learner_of(
            "clipped_ppo",
            implementation=implementation,
            batch_steps=40,
            minibatch=16,
            learning_rate=0.01,
            **clips,
        )
        spread_out(learner)
        start = learner.parameters.clone()
        for update in range(2):
            batch = strategies.played(learner, 10, np.random.default_rng(update))
            mask = torch.ones(3, 4, dtype=torch.bool)
            for t in range(10):
                batch.observations[:, t] = learner.observe(batch.observations[:, t], mask)
            learner.algorithm.update(learner, batch)
            learner.updates += 1
        results.append(learner.parameters)
    assert torch.isfinite(results[0]).all()
    difference, moved = results[0] - results[1], results[0] - start
    assert moved.norm() > 0.05
    # Of two values that are equal, autograd divides the slope between them.
    assert difference.norm() <= (0 if implementation == "compiled" else 1e-4 * moved.norm())
