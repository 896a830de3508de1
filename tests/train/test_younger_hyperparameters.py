"""What hyperparameters do that are younger than the published runs, through the trainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from test_trainer import described, difference

from algorithms.policies import make_policy
from bench.plan.lookup import load_algorithm, values_as_before
from bench.train.environments import describe
from bench.train.results import RunResult
from bench.train.trainer import train

ENVIRONMENT = "FragileContinuous-v0"
SMALL = {"slots": 4, "batch_steps": 40, "minibatch": 20, "epochs": 2, "hidden_sizes": (8,)}
CHANGES: list[tuple[str, Any]] = [
    ("raw_reward_clip", 0.5),
    ("value_normalization", True),
    ("activation", "relu"),
    ("policy_head_gain", 1.0),
    ("separate_optimizers", True),
]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def trained(
    seeds: Sequence[int] = (0, 1), environment: str = ENVIRONMENT, **changes: Any
) -> list[RunResult]:
    return train(described("clipped_ppo", environment, 120, **{**SMALL, **changes}), seeds)


@pytest.fixture(scope="module")
def as_before() -> list[RunResult]:
    before = values_as_before(load_algorithm("clipped_ppo"))
    assert {name for name, _ in CHANGES} < before.keys()
    return trained(**before)


@pytest.mark.parametrize(("name", "value"), CHANGES)
def test_each_changes_what_is_learned(name: str, value: Any, as_before: list[RunResult]) -> None:
    for result, before in zip(trained(**{name: value}), as_before, strict=True):
        assert result.status == "finished"
        assert not np.array_equal(result.policy["policy"], before.policy["policy"])
        assert not np.array_equal(result.policy["critic"], before.policy["critic"])


def test_what_none_of_them_changes_is_as_before(as_before: list[RunResult]) -> None:
    for result, before in zip(trained(), as_before, strict=True):
        assert difference(result, before) is None


@pytest.mark.parametrize("environment", [ENVIRONMENT, "Fragile-v0"])
@pytest.mark.parametrize(("name", "value"), CHANGES)
def test_a_seed_is_the_same_alone(name: str, value: Any, environment: str) -> None:
    changes = {"environment": environment, name: value}
    group, (alone,) = trained((0, 1, 2), **changes), trained((1,), **changes)
    assert difference(group[1], alone) is None


def test_a_raw_reward_is_clipped_for_the_learner_and_not_in_the_returns(
    as_before: list[RunResult],
) -> None:
    clipped, wide = trained(raw_reward_clip=0.5), trained(raw_reward_clip=1e6)
    for result, unclipped, before in zip(clipped, wide, as_before, strict=True):
        assert difference(unclipped, before) is None
        # The first batch is played before anything is learned.
        for column in ("step", "return", "length"):
            first = [run.episodes[column][run.episodes["step"] <= 40] for run in (result, before)]
            np.testing.assert_array_equal(*first)
        assert before.episodes["return"][0] < -0.5 * before.episodes["length"][0]


def test_a_reward_is_clipped_before_it_is_normalised() -> None:
    """CartPole-v1 gives 1 a step, and half of all rewards is half their scale."""
    for normalised in (True, False):
        same = {"environment": "CartPole-v1", "reward_normalization": normalised}
        half, full, initial = (
            trained((0,), **same, **changes)[0].policy["critic"]
            for changes in (
                {"raw_reward_clip": 0.5, "learning_rate": 1e-2},
                {"learning_rate": 1e-2},
                {"learning_rate": 0.0},
            )
        )
        assert np.abs(full - initial).max() > 0.05
        assert np.allclose(half, full, rtol=1e-4, atol=1e-4) == normalised


def test_the_head_of_the_policy_begins_with_its_gain() -> None:
    """Without a step size the last policy is the first one."""
    description = describe(ENVIRONMENT)
    h = load_algorithm("clipped_ppo").hyperparameters(**SMALL)
    *hidden, weights, biases = make_policy(
        description.observation_size, description.action_space, h
    ).network.splits  # type: ignore[attr-defined]
    head = slice(sum(hidden), sum(hidden) + weights)
    assert biases == 1
    small, large = (
        trained(learning_rate=0.0, policy_head_gain=gain, initial_log_std=-1.0)
        for gain in (0.01, 0.5)
    )
    for one, other in zip(small, large, strict=True):
        first, second = one.policy["policy"].copy(), other.policy["policy"].copy()
        np.testing.assert_allclose(second[head], 50 * first[head], rtol=1e-5)
        assert np.linalg.norm(second[head]) == pytest.approx(0.5, rel=1e-5)
        first[head] = second[head] = 0
        np.testing.assert_array_equal(first, second)
        assert first[-1] == -1.0
        np.testing.assert_array_equal(one.policy["critic"], other.policy["critic"])


def test_another_activation_acts_otherwise_by_the_same_parameters() -> None:
    tanh, relu = (
        trained(learning_rate=0.0, policy_head_gain=1.0, activation=name)
        for name in ("tanh", "relu")
    )
    for one, other in zip(tanh, relu, strict=True):
        np.testing.assert_array_equal(one.policy["policy"], other.policy["policy"])
        assert one.episodes["return"].tolist() != other.episodes["return"].tolist()


def test_policy_and_critic_may_step_apart() -> None:
    initial, *policies = (
        trained(separate_optimizers=True, learning_rate=rate, critic_learning_rate=other)[0].policy
        for rate, other in ((0.0, 0.0), (1e-3, 0.0), (0.0, 1e-3))
    )
    for part, policy in zip(("policy", "critic"), policies, strict=True):
        for name in ("policy", "critic"):
            assert np.array_equal(policy[name], initial[name]) == (name != part)


def test_apart_with_one_step_size_and_no_bound_they_step_as_together() -> None:
    same = {"gradient_norm_clip": float("inf"), "learning_rate": 1e-3}
    together = trained(**same)
    apart = trained(separate_optimizers=True, critic_learning_rate=1e-3, **same)
    for one, other in zip(together, apart, strict=True):
        for part in ("policy", "critic"):
            np.testing.assert_allclose(one.policy[part], other.policy[part], rtol=1e-4, atol=1e-6)


def test_each_has_a_bound_of_its_own_on_its_gradient() -> None:
    """However steep the value loss, the policy's step is not shortened by it."""
    steep = {"value_coefficient": 1e4, "reward_normalization": False, "gradient_norm_clip": 1e-6}
    # Adam's step has the same length at any scale; ε makes it show.
    steep |= {"adam_epsilon": 1e-2, "learning_rate": 1e2}
    together, apart, initial = (
        trained(**{**steep, **changes})[0].policy["policy"]
        for changes in (
            {},
            {"separate_optimizers": True, "critic_learning_rate": 0.0},
            {"learning_rate": 0.0},
        )
    )
    assert np.linalg.norm(apart - initial) > 10 * np.linalg.norm(together - initial)


def test_the_loss_of_standardised_returns_does_not_follow_their_scale() -> None:
    """On CartPole-v1, which gives 1 a step, and with a hundredth of that."""
    same = {"environment": "CartPole-v1", "reward_normalization": False, "learning_rate": 1e-2}
    ratios = {}
    for standardised in (True, False):
        hundredth, full = (
            trained((0,), value_normalization=standardised, raw_reward_clip=clip, **same)[0]
            for clip in (1e-2, 1.0)
        )
        ratios[standardised] = full.updates["value_loss"][-1] / hundredth.updates["value_loss"][-1]
    assert 0.1 < ratios[True] < 10
    assert ratios[False] > 100
