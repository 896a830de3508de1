"""A saved policy acts as the learner did that it was saved from."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from algorithms.actor_critic import ActorCritic
from algorithms.numerics.random_streams import Noise
from bench.errors import InputError
from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm
from bench.policies.evaluation import evaluate
from bench.policies.saved_policy import SavedPolicy, saved_policy
from bench.train.environments import describe
from bench.train.trainer import train

ENVIRONMENTS = Path(__file__).parents[1] / "train"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ENVIRONMENTS)


def described(environment: str, algorithm: str = "clipped_ppo", **changes: Any) -> Description:
    declared = load_algorithm(algorithm).hyperparameters
    sizes: dict[str, Any] = {"slots": 2, **changes}
    if algorithm == "clipped_ppo":
        sizes = {"batch_steps": 64, "minibatch": 32, "epochs": 2, **sizes}
    return Description(
        algorithm=algorithm,
        hyperparameters=vars(declared(**sizes)),
        environment=environment,
        steps=128,
        back_end=describe(environment).back_end,
    )


def saved(description: Description) -> tuple[SavedPolicy, dict[str, np.ndarray]]:
    (result,) = train(description, [3])
    specification = describe(description.environment)
    return saved_policy(description, result.policy, specification), result.policy


@pytest.mark.parametrize("environment", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize("normalised", [True, False])
def test_it_acts_as_the_learner(environment: str, normalised: bool) -> None:
    description = described(environment, observation_normalization=normalised)
    policy, arrays = saved(description)
    algorithm = load_algorithm("clipped_ppo")
    h = algorithm.hyperparameters(**dict(description.hyperparameters))
    specification = describe(environment)
    learner = ActorCritic(
        h, [3], specification.observation_size, specification.action_space, critic=True
    )
    learner.policy_parameters[0] = torch.from_numpy(arrays["policy"])
    for name in ("mean", "variance", "count"):
        moment = torch.from_numpy(arrays[f"observation_{name}"])
        setattr(learner.observation_moments, name, moment.unsqueeze(0))
    observations = torch.randn(1, 5, specification.observation_size)
    noise = Noise([9], 0, (5, policy.policy.noise_size), policy.policy.noise_kind, 1)
    drawn = noise.next_block()[0]
    actions, _ = learner.act(learner.normalise(observations), drawn)
    expected = actions[0].numpy()
    if policy.bounds is not None:
        expected = np.clip(expected, *policy.bounds)
    np.testing.assert_array_equal(policy.act(observations[0].numpy(), drawn[0]), expected)
    mode = policy.policy.sample(
        policy.policy.statistics(policy.parameters, learner.normalise(observations)),
        torch.zeros_like(drawn),
    )[0]
    action = policy.act(observations[0].numpy(), None)
    np.testing.assert_array_equal(action, mode if policy.bounds is None else mode.clamp(-2, 2))


def test_its_normaliser_belongs_to_it() -> None:
    description = described("Pendulum-v1")
    policy, arrays = saved(description)
    observations = np.ones((1, 3), np.float32)
    moved = {**arrays, "observation_mean": arrays["observation_mean"] + 1}
    other = saved_policy(description, moved, describe("Pendulum-v1"))
    assert policy.act(observations, None) != other.act(observations, None)
    np.testing.assert_allclose(
        policy.act(observations, None), other.act(observations + 1, None), rtol=1e-5
    )


def constant(environment: str, action: float) -> SavedPolicy:
    """A policy whose mode is one action, whatever it sees."""
    policy, _ = saved(described(environment, "vanilla_policy_gradient"))
    policy.parameters.zero_()
    # The last columns are the head's biases, then log σ.
    network = policy.policy.network
    policy.parameters[0, network.size - network.sizes[-1] : network.size] = action
    return policy


def test_whole_episodes_with_clipped_modes_and_samples() -> None:
    environment = "small_environments:Echo-v0"
    policy = constant(environment, 1.0)
    played = evaluate(policy, environment, episodes=3, sampled=False)
    # The bound is 0.25, an episode four steps; a reward is the action as it arrived.
    np.testing.assert_array_equal(played.returns, [1.0] * 3)
    np.testing.assert_array_equal(played.lengths, [4] * 3)
    sampled = evaluate(policy, environment, episodes=3, sampled=True)
    assert len(set(sampled.returns)) > 1
    assert (sampled.returns <= 1.0).all()


def test_an_episode_follows_from_the_seed_and_its_number() -> None:
    environment = "small_environments:Diary-v0"
    policy, _ = saved(described(environment, "vanilla_policy_gradient"))
    few, many, other = (
        evaluate(policy, environment, episodes=number, sampled=True, seed=seed)
        for number, seed in ((3, 5), (8, 5), (8, 6))
    )
    np.testing.assert_array_equal(few.returns, many.returns[:3])
    np.testing.assert_array_equal(few.lengths, many.lengths[:3])
    assert set(many.returns) != set(other.returns)
    assert ((many.lengths >= 1) & (many.lengths <= 5)).all()


@pytest.mark.parametrize("environment", ["small_environments:Echo-v0", "CartPole-v1"])
def test_what_is_not_finite_is_not_played(environment: str) -> None:
    """Of a discrete policy the mode of NaN would be action 0, and a return would be told."""
    policy = constant(environment, float("nan"))
    with pytest.raises(InputError, match="the policy's output was not finite"):
        evaluate(policy, environment, episodes=2, sampled=False)
    observation = np.full((1, describe(environment).observation_size), np.nan, np.float32)
    with pytest.raises(InputError, match="an observation was not finite"):
        constant(environment, 0.0).act(observation, None)


def with_first(value: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: np.concatenate([[np.array(value, array.dtype)], array[1:]])


NAMES = ("policy", "critic", "observation_mean", "observation_variance", "observation_count")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("array", "message"),
    [
        (with_first(np.nan), "is not played: {!r} is not finite, as where training diverges"),
        (with_first(-np.inf), "is not played: {!r} is not finite"),
        (lambda array: array.astype(np.int64), "is no network for CartPole-v1: {!r} is int64"),
        (lambda array: array.astype(np.float16), "{!r} is float16"),
        (lambda array: array.astype(bool), "{!r} is bool"),
        (lambda array: array[1:], "{!r} is float"),
        (lambda array: array[None], "{!r} is float"),
        (None, "is no network for CartPole-v1: it has no {!r}"),
    ],
)
def test_arrays_that_are_none_of_its_policy_s(
    name: str, array: Callable[[np.ndarray], np.ndarray] | None, message: str
) -> None:
    description = described("CartPole-v1")
    _, arrays = saved(description)
    changed = {key: value for key, value in arrays.items() if key != name}
    if array is not None:
        changed[name] = array(arrays[name])
    with pytest.raises(InputError) as caught:
        saved_policy(description, changed, describe("CartPole-v1"))
    assert str(caught.value).startswith("the saved policy of clipped_ppo is no")
    assert message.format(name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tensor_too_many() -> None:
    description = described("CartPole-v1")
    _, arrays = saved(description)
    extra = {"optimiser": arrays["policy"], "b": arrays["policy"]}
    with pytest.raises(InputError, match="no network for CartPole-v1: it has 'b', 'optimiser' bes"):
        saved_policy(description, {**arrays, **extra}, describe("CartPole-v1"))


@pytest.mark.parametrize(
    "algorithm", ["vanilla_policy_gradient", "a2c", "trpo", "cem", "kl_ppo", "uniform_random"]
)
def test_what_every_kind_of_algorithm_keeps_is_taken(algorithm: str) -> None:
    saved(described("CartPole-v1", algorithm))


def test_rewards_that_are_not_finite_are_no_return(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = "small_environments:Echo-v0"
    policy = constant(environment, 1.0)
    echo = importlib.import_module("small_environments").Echo
    monkeypatch.setattr(
        echo, "step", lambda self, _: (self.observation(), float("nan"), True, False, {})
    )
    with pytest.raises(InputError, match="rewards of small_environments:Echo-v0 were not finite"):
        evaluate(policy, environment, episodes=2, sampled=False)


@pytest.mark.parametrize(("algorithm", "chooses"), [("cem", True), ("trpo", False)])
def test_whether_training_sampled_from_it(algorithm: str, chooses: bool) -> None:
    policy, _ = saved(described("CartPole-v1", algorithm))
    assert policy.chooses == chooses
