"""The critic: its values, its targets, its regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from learners import critic_of, each_implementation, learner_of, minibatches_of
from torch import Tensor

from algorithms.baselines import learned
from algorithms.batch import flatten
from algorithms.critic import (
    estimate_advantages,
    explained_variance,
    fit_critic,
    standardised,
    values_over_time,
)
from algorithms.policy_gradient import TIME_BLOCK
from tests import reference, strategies

TICKS = 10


@pytest.mark.parametrize("ticks", [1, TIME_BLOCK, 2 * TIME_BLOCK + 5])
def test_values_over_time_are_the_network_at_every_step(ticks: int) -> None:
    learner = learner_of("advantage", batch_steps=40)
    observations = strategies.normals(np.random.default_rng(0), 3, ticks, 4, 4).float()
    values = values_over_time(learner, observations)
    for s in range(3):
        expected = critic_of(learner, s)(observations[s].double()).squeeze(2)
        torch.testing.assert_close(values[s].double(), expected.detach(), rtol=1e-5, atol=1e-5)


def test_targets_are_advantages_plus_values_of_normalised_rewards() -> None:
    learner = learner_of("advantage", batch_steps=40, discount=0.9, gae_lambda=0.8)
    h: Any = learner.hyperparameters
    batch = strategies.played(learner, TICKS, np.random.default_rng(0))
    estimates = estimate_advantages(learner, batch, h)
    advantages, values = estimates.advantages, estimates.values
    torch.testing.assert_close(estimates.targets, advantages + values)
    scale = (learner.reward_scale.moments.variance + 1e-8).sqrt().unsqueeze(2)
    deltas = (batch.rewards / scale).clamp(-10, 10)
    next_values = values_over_time(learner, batch.next_observations)
    last = deltas + 0.9 * torch.where(batch.terminated, 0.0, next_values) - values
    # At the batch's end only the first term of the sum is left.
    torch.testing.assert_close(advantages[:, -1].double(), last[:, -1], rtol=1e-5, atol=1e-5)
    ends = batch.ended
    assert batch.truncated.any() and batch.terminated.any()
    torch.testing.assert_close(advantages[ends].double(), last[ends], rtol=1e-5, atol=1e-5)


def test_rewards_stay_raw_where_asked_for() -> None:
    learner = learner_of("advantage", batch_steps=40, reward_normalization=False, gae_lambda=0.0)
    h: Any = learner.hyperparameters
    batch = strategies.played(learner, TICKS, np.random.default_rng(0))
    estimates = estimate_advantages(learner, batch, h)
    next_values = values_over_time(learner, batch.next_observations)
    next_values = torch.where(batch.terminated, 0.0, next_values)
    expected = batch.rewards + h.discount * next_values - estimates.values
    torch.testing.assert_close(estimates.advantages, expected)
    assert (learner.reward_scale.moments.count == 0).all()


@each_implementation
@pytest.mark.parametrize("changes", [{}, {"activation": "relu", "hidden_sizes": (5,)}])
@pytest.mark.parametrize("whole_episodes", [True, False])
def test_the_regression_is_torchs_seed_by_seed(
    whole_episodes: bool, changes: dict[str, Any], implementation: str
) -> None:
    """Ragged where episodes are whole: a seed with fewer samples makes fewer steps."""
    learner = learner_of(
        "baseline" if whole_episodes else "advantage",
        implementation=implementation,
        critic_epochs=3,
        critic_minibatch=7,
        critic_learning_rate=0.01,
        **({"baseline": "learned"} if whole_episodes else {"batch_steps": 40}),
        **changes,
    )
    h: Any = learner.hyperparameters
    generator = np.random.default_rng(6)
    batch = strategies.played(learner, TICKS, generator, whole_episodes=whole_episodes)
    targets = strategies.normals(generator, *batch.rewards.shape).float()
    targets[~batch.valid] = float("nan")
    start = [critic_of(learner, s) for s in range(3)]
    policy, before = learner.policy_parameters.clone(), learner.critic_parameters.clone()
    minibatches = minibatches_of(learner, flatten(batch.valid), 3, 7)
    losses = fit_critic(learner, batch, targets, h)
    counts = [sum(bool(active[s]) for _, active in minibatches) for s in range(3)]
    assert (len(set(counts)) > 1) == whole_episodes
    for s, critic in enumerate(start):
        adam = torch.optim.Adam(critic.parameters(), lr=0.01, eps=1e-5)
        loss = torch.zeros(())
        for index, active in minibatches:
            if active[s]:
                states = flatten(batch.observations)[s, index[s]].double()
                target = flatten(targets)[s, index[s]].double()
                loss = ((critic(states).squeeze(1) - target) ** 2).mean() / 2
                adam.zero_grad()
                loss.backward()
                adam.step()
        expected = reference.columns_of_critic(critic)
        assert float((learner.critic_parameters[s] - before[s]).norm()) > 0.05
        torch.testing.assert_close(
            learner.critic_parameters[s].double(), expected, rtol=1e-3, atol=1e-4
        )
        np.testing.assert_allclose(float(losses[s]), float(loss.detach()), rtol=1e-3)
    assert torch.equal(learner.policy_parameters, policy)


def test_a_learned_baseline_is_in_units_of_the_return() -> None:
    learner = learner_of("baseline", baseline="learned")
    generator = np.random.default_rng(6)
    batch = strategies.played(learner, TICKS, generator, whole_episodes=True)
    raw = 5000 + 700 * strategies.normals(generator, *batch.rewards.shape).float()
    raw[~batch.valid] = float("nan")
    before = learned(learner, batch, raw)
    assert torch.equal(before, values_over_time(learner, batch.observations))
    units = standardised(learner, batch, raw)
    after = learned(learner, batch, raw)
    for s in range(3):
        seen = raw[s][batch.valid[s]].double().numpy()
        mean, deviation = seen.mean(), seen.std()
        np.testing.assert_allclose(
            units[s][batch.valid[s]], (seen - mean) / deviation, rtol=1e-3, atol=1e-4
        )
        value = critic_of(learner, s)(batch.observations[s].double()).squeeze(2).detach()
        np.testing.assert_allclose(after[s], mean + deviation * value, rtol=1e-4)


def test_moments_of_long_batches_are_those_of_all_blocks() -> None:
    learner = learner_of("baseline", baseline="learned", slots=2)
    generator = np.random.default_rng(6)
    ticks = 2 * TIME_BLOCK + 9
    valid = torch.arange(ticks).view(1, ticks, 1) < torch.tensor([[[ticks, 70]], [[3, 1]]] * 2)[:3]
    batch = type("Ragged", (), {"valid": valid})
    raw = strategies.normals(generator, 3, ticks, 2).float()
    standardised(learner, batch, raw)  # type: ignore[arg-type]
    for s in range(3):
        seen = raw[s][valid[s]].double()
        torch.testing.assert_close(learner.return_moments.mean[s, 0], seen.mean())
        torch.testing.assert_close(learner.return_moments.variance[s, 0], seen.var(correction=0))


def explained(values: list[float], targets: list[float], valid: list[bool]) -> float:
    shape = (1, len(values), 1)
    return float(
        explained_variance(
            torch.tensor(values).view(shape),
            torch.tensor(targets).view(shape),
            torch.tensor(valid).view(shape),
        )
    )


def test_explained_variance_by_hand() -> None:
    targets = [1.0, 2.0, 3.0, 4.0]
    all_valid = [True] * 4
    assert explained(targets, targets, all_valid) == 1
    assert explained([2.5] * 4, targets, all_valid) == 0
    # An offset is not variance; a sign is.
    assert explained([11.0, 12.0, 13.0, 14.0], targets, all_valid) == 1
    assert explained([-1.0, -2.0, -3.0, -4.0], targets, all_valid) == -3
    nan = float("nan")
    assert explained([1.0, 2.0, nan, 9.0], [1.0, 2.0, nan, nan], [True, True, False, False]) == 1


def test_explained_variance_of_a_seed_that_took_no_step_is_not_a_number_without_a_warning() -> None:
    """As in every batch in which one seed has finished and its neighbours go on."""
    torch.set_warn_always(True)
    try:
        assert np.isnan(explained([0.0], [0.0], [False]))
    finally:
        torch.set_warn_always(False)


def test_a_critic_where_there_is_none() -> None:
    learner = learner_of("baseline")
    batch = strategies.played(learner, 3, np.random.default_rng(0), whole_episodes=True)
    for learner.compiled in (True, False):
        with pytest.raises(ValueError, match="this learner has no critic"):
            fit_critic(learner, batch, batch.rewards, learner.hyperparameters)
        with pytest.raises(ValueError, match="this learner has no critic"):
            values_over_time(learner, batch.observations)
    empty: Tensor = learner.critic_parameters
    assert empty.shape == (3, 0)
