"""Whole updates of the on-policy rungs, and of the trajectory product, one step at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from learners import (
    ON_TRAJECTORIES,
    SPACES,
    Taught,
    actor_of,
    critic_of,
    each_implementation,
    learner_of,
    minibatches_of,
    spread_out,
)

from algorithms.batch import Batch
from algorithms.policy_gradient import TIME_BLOCK, gradient_signal, trajectory_gradients
from tests import reference, strategies

TICKS, RATE = 9, 0.02
spaces = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def rewards_of(batch: Batch, seed: int) -> list[list[float]]:
    """Those of every slot's trajectory."""
    return [
        batch.rewards[seed, :, n][batch.valid[seed, :, n]].double().tolist()
        for n in range(batch.rewards.shape[2])
    ]


def weights_of(learner: Taught, batch: Batch, seed: int, earlier: list[float]) -> np.ndarray:
    """The credit [T, N] of one seed's steps, written out case by case.

    `earlier` holds the mean returns of earlier batches.
    """
    h: Any = learner.hyperparameters
    rung, name = learner.algorithm.name, getattr(h, "baseline", "none")
    rewards = rewards_of(batch, seed)
    totals = [sum(episode) for episode in rewards]
    discount = getattr(h, "discount", 1.0)
    returns = [reference.reward_to_go(episode, discount) for episode in rewards]
    weights = np.zeros((TICKS, len(rewards)))
    actor = actor_of(learner, seed)
    scores = None
    if name == "variance_optimal":
        ones = np.ones_like(weights)
        scores = (reference.slot_gradients(actor, batch, seed, ones) ** 2).sum(1)
    moments = learner.return_moments
    for n, all_rewards in enumerate(rewards):
        for t in range(len(all_rewards)):
            credit = returns[n][t] if rung == "reward_to_go" else totals[n]
            b = 0.0
            if name == "batch_mean" and rung == "reward_to_go":
                b = float(np.mean([g for episode in returns for g in episode]))
            elif name == "batch_mean":
                b = float(np.mean(totals))
            elif name == "leave_one_out":
                b = float(np.mean(totals[:n] + totals[n + 1 :]))
            elif name == "moving_average" and earlier:
                powers = [h.moving_average_decay**age for age in range(len(earlier))]
                b = float(np.average(earlier[::-1], weights=powers))
            elif name == "variance_optimal":
                b = float(np.average(totals, weights=scores))
            elif name == "learned":
                assert learner.critic is not None
                state = batch.observations[seed, t, n].double()
                critic = critic_of(learner, seed)
                scale = float((moments.variance[seed, 0] + 1e-8).sqrt())
                b = float(moments.mean[seed, 0]) + scale * float(critic(state).detach())
            weights[t, n] = credit - b
    return weights


@spaces
@pytest.mark.parametrize(
    ("name", "changes"),
    ON_TRAJECTORIES[:-1],
    ids=lambda value: "" if isinstance(value, str) else "-".join(map(str, value.values())),
)
@pytest.mark.parametrize("bound", [float("inf"), 0.5])
@each_implementation
def test_updates_take_adams_step_up_the_gradient(
    name: str, changes: dict[str, Any], space: Any, bound: float, implementation: str
) -> None:
    """Two updates, the second with a baseline that remembers the first."""
    learner = learner_of(
        name,
        space,
        (0, 1),
        implementation=implementation,
        learning_rate=RATE,
        gradient_norm_clip=bound,
        **changes,
    )
    spread_out(learner)
    parameters = [row.clone().requires_grad_() for row in learner.policy_parameters.double()]
    adams = [torch.optim.Adam([row], lr=RATE, eps=1e-5) for row in parameters]
    generator = np.random.default_rng(3)
    earlier: list[list[float]] = [[], []]
    for _ in range(2):
        batch = strategies.played(learner, TICKS, generator, whole_episodes=True)
        for s, (row, adam) in enumerate(zip(parameters, adams, strict=True)):
            weights = weights_of(learner, batch, s, earlier[s])
            gradients = reference.slot_gradients(actor_of(learner, s), batch, s, weights)
            row.grad = -torch.from_numpy(gradients.mean(0))
            torch.nn.utils.clip_grad_norm_([row], bound)
            adam.step()
            earlier[s].append(float(np.mean([sum(episode) for episode in rewards_of(batch, s)])))
        diagnostics = learner.algorithm.update(learner, batch)
        learner.updates += 1
        expected = torch.stack([row.detach() for row in parameters])
        torch.testing.assert_close(
            learner.policy_parameters.double(), expected, rtol=1e-4, atol=1e-4
        )
        assert (diagnostics["learning_rate"] == RATE).all()
    norm = diagnostics["gradient_norm"][1]
    np.testing.assert_allclose(float(norm), np.linalg.norm(gradients.mean(0)), rtol=1e-3)


@spaces
@each_implementation
@pytest.mark.parametrize("minibatch", [1, 3, 4, 7])
def test_updates_of_the_trajectory_product(space: Any, minibatch: int, implementation: str) -> None:
    """Every step: Πρ (R − leave-one-out mean) Σ∇log p over the chosen trajectories."""
    learner = learner_of(
        "trajectory_importance_sampling",
        space,
        seeds=(0, 1),
        implementation=implementation,
        learning_rate=RATE,
        minibatch=minibatch,
        epochs=2,
    )
    spread_out(learner)
    batch = strategies.played(learner, TICKS, np.random.default_rng(3), whole_episodes=True)
    mask = torch.ones(2, 4, dtype=torch.bool)
    chosen = [index for index, _ in minibatches_of(learner, mask, 2, minibatch)]
    start = learner.policy_parameters.clone()
    learner.algorithm.update(learner, batch)
    for s in range(2):
        totals = [sum(episode) for episode in rewards_of(batch, s)]
        row = start[s].double().requires_grad_()
        adam = torch.optim.Adam([row], lr=RATE, eps=1e-5)
        old = actor_of(learner, s, start)
        for index in chosen:
            new = actor_of(learner, s, torch.stack([row.detach()] * 2))
            weights = np.zeros((TICKS, 4))
            for n in range(4):
                log_ratio = 0.0
                for t in range(len(rewards_of(batch, s)[n])):
                    state = batch.observations[s, t, n].double()
                    action = batch.actions[s, t, n]
                    difference = new(state).log_prob(action) - old(state).log_prob(action)
                    log_ratio += float(difference.detach())
                b = np.mean(totals[:n] + totals[n + 1 :])
                weights[:, n] = np.exp(log_ratio) * (totals[n] - b)
            gradients = reference.slot_gradients(new, batch, s, weights)
            row.grad = -torch.from_numpy(gradients[index[s].numpy()].mean(0))
            adam.step()
        torch.testing.assert_close(
            learner.policy_parameters[s].double(), row.detach(), rtol=2e-4, atol=2e-4
        )


@spaces
@each_implementation
@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_an_update_of_the_advantage_rung(
    space: Any, normalization: str, implementation: str
) -> None:
    learner = learner_of(
        "advantage",
        space,
        seeds=(0, 1),
        implementation=implementation,
        slots=3,
        batch_steps=3 * TICKS,
        learning_rate=RATE,
        advantage_normalization=normalization,
        reward_normalization=False,
        discount=0.9,
        gae_lambda=0.7,
    )
    spread_out(learner)
    batch = strategies.played(learner, TICKS, np.random.default_rng(3))
    expected = []
    for s in range(2):
        critic = critic_of(learner, s)
        with torch.no_grad():
            values, next_values = (
                critic(states[s].double()).squeeze(2).numpy()
                for states in (batch.observations, batch.next_observations)
            )
        advantages = np.zeros((TICKS, 3))
        for n in range(3):
            advantages[:, n] = reference.generalized_advantage(
                batch.rewards[s, :, n].tolist(),
                values[:, n].tolist(),
                next_values[:, n].tolist(),
                batch.terminated[s, :, n].tolist(),
                batch.truncated[s, :, n].tolist(),
                0.9,
                0.7,
            )
        if normalization == "batch":
            advantages = reference.standardise(advantages.ravel()).reshape(TICKS, 3)
        actor = actor_of(learner, s)
        gradient = reference.slot_gradients(actor, batch, s, advantages).sum(0) / (3 * TICKS)
        row = learner.policy_parameters[s].double().requires_grad_()
        row.grad = -torch.from_numpy(gradient)
        torch.nn.utils.clip_grad_norm_([row], 0.5)
        torch.optim.Adam([row], lr=RATE, eps=1e-5).step()
        expected.append(row.detach())
    before = learner.critic_parameters.clone()
    learner.algorithm.update(learner, batch)
    torch.testing.assert_close(
        learner.policy_parameters.double(), torch.stack(expected), rtol=1e-4, atol=1e-4
    )
    assert not torch.equal(learner.critic_parameters, before)


@spaces
@each_implementation
@pytest.mark.parametrize("ticks", [1, TIME_BLOCK - 1, TIME_BLOCK, TIME_BLOCK + 3])
def test_gradients_of_long_trajectories_are_the_sum_over_blocks(
    space: Any, ticks: int, implementation: str
) -> None:
    learner = learner_of(
        "vanilla_policy_gradient", space, (0, 1), implementation=implementation, slots=2
    )
    spread_out(learner)
    generator = np.random.default_rng(3)
    batch = strategies.played(learner, min(ticks, 60), generator, whole_episodes=True)
    # Longer ones are made of it, so that one block of noise is enough.
    repeats = -(-ticks // batch.rewards.shape[1])
    batch = Batch(
        **{
            name: values.repeat(1, repeats, *[1] * (values.dim() - 2))[:, :ticks]
            for name, values in vars(batch).items()
        }
    )
    weights = strategies.normals(generator, 2, ticks, 2).float()
    gradients = trajectory_gradients(learner, batch, weights)
    for s in range(2):
        expected = reference.slot_gradients(actor_of(learner, s), batch, s, weights[s].numpy())
        np.testing.assert_allclose(gradients[s].detach(), expected, rtol=1e-3, atol=1e-3)


@each_implementation
def test_rubbish_where_no_step_was_taken_does_not_reach_a_gradient(implementation: str) -> None:
    learner = learner_of("vanilla_policy_gradient", implementation=implementation, slots=3)
    batch = strategies.played(learner, TICKS, np.random.default_rng(3), whole_episodes=True)
    assert not batch.valid.all()
    weights = torch.ones(batch.rewards.shape)
    clean = trajectory_gradients(learner, batch, weights)
    for values in (weights, batch.observations, batch.actions):
        values[~batch.valid] = 1e3
    poisoned = trajectory_gradients(learner, batch, weights)
    assert torch.equal(clean, poisoned)


def test_the_signal_by_hand() -> None:
    gradients = torch.tensor([[[1.0, 2.0], [3.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]]])
    signal = gradient_signal(gradients)
    # Mean (2, 2); squared distances 1 + 1; over N − 1 = 1, then over N = 2.
    assert signal["gradient_variance"].tolist() == [1.0, 0.0]
    assert signal["gradient_signal_to_noise"].tolist() == [7.0, float("inf")]
    assert gradient_signal(gradients[:, :1])["gradient_variance"].isnan().all()
