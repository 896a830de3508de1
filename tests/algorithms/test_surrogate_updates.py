"""Whole updates of the off-policy rungs against torch's own parts, one seed at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from learners import (
    SPACES,
    SURROGATES,
    actor_of,
    critic_of,
    each_implementation,
    learner_of,
    minibatches_of,
    spread_out,
)
from torch import Tensor

from algorithms.batch import Batch, flatten
from algorithms.surrogate import value_loss
from tests import reference, strategies

TICKS, SLOTS = 11, 3
CLIP, BETA = 0.15, 0.7


def clipped(ratio: Tensor, advantages: Tensor, divergence: Tensor, above: float = CLIP) -> Tensor:
    """Case by case: beyond the range in the direction of A there is nothing to gain."""
    gains = []
    for rho, a in zip(ratio, advantages, strict=True):
        bound = 1 + above if a > 0 else 1 - CLIP
        beyond = rho > bound if a > 0 else rho < bound
        gains.append(bound * a if beyond else rho * a)
    return torch.stack(gains)


OBJECTIVES: list[tuple[str, dict[str, Any], Callable[[Tensor, Tensor, Tensor], Tensor]]] = [
    ("importance_sampling", {}, lambda ratio, a, divergence: ratio * a),
    (
        "kl_ppo",
        {"beta": BETA, "adaptive": False},
        lambda ratio, a, divergence: ratio * a - BETA * divergence,
    ),
    ("clipped_ppo", {"clip_range": CLIP}, clipped),
    (
        "clipped_ppo",
        {"clip_range": CLIP, "clip_range_above": 0.4},
        lambda ratio, a, divergence: clipped(ratio, a, divergence, above=0.4),
    ),
]

VARIATIONS: list[dict[str, Any]] = [
    {"advantage_normalization": "minibatch", "reward_normalization": True},
    {
        "advantage_normalization": "batch",
        "reward_normalization": False,
        "value_clip": 0.05,
        "entropy_coefficient": 0.03,
        "gradient_norm_clip": 0.1,
        "value_coefficient": 2.0,
    },
    {
        "advantage_normalization": "none",
        "reward_normalization": True,
        "reward_clip": 0.6,
        "gradient_norm_clip": float("inf"),
        "gae_lambda": 1.0,
        "learning_rate_decay_steps": 400,
    },
    {
        "separate_optimizers": True,
        "critic_learning_rate": 0.03,
        "activation": "relu",
        "hidden_sizes": (7,),
        "gradient_norm_clip": 0.2,
        "entropy_coefficient": 0.03,
    },
    {
        "value_normalization": True,
        "value_clip": 0.1,
        "reward_normalization": False,
        "hidden_sizes": (5, 4, 6),
        "advantage_normalization": "batch",
    },
]


class Scales:
    """What one seed's rewards and returns have been so far."""

    def __init__(self, slots: int, h: Any) -> None:
        self.rewards = reference.RewardScale(slots, h.discount)
        self.returns: list[float] = []

    @property
    def of_returns(self) -> tuple[float, float]:
        """Mean and deviation of all returns that a critic was regressed on."""
        if not self.returns:
            return 0.0, 1.0
        return float(np.mean(self.returns)), float(np.sqrt(np.var(self.returns) + 1e-8))


def estimates_of(
    batch: Batch, seed: int, critic: torch.nn.Module, h: Any, scales: Scales
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Advantages, the critic's targets and its values, [T, N] each, of one seed."""
    rewards = batch.rewards[seed].double().numpy()
    if h.reward_normalization:
        rewards = scales.rewards(rewards, batch.ended[seed].numpy(), h.reward_clip)
    with torch.no_grad():
        values, next_values = (
            critic(states[seed].double()).squeeze(2).numpy()
            for states in (batch.observations, batch.next_observations)
        )
    if h.value_normalization:
        mean, deviation = scales.of_returns
        values, next_values = (mean + deviation * array for array in (values, next_values))
    advantages = np.empty_like(rewards)
    for n in range(rewards.shape[1]):
        advantages[:, n] = reference.generalized_advantage(
            rewards[:, n].tolist(),
            values[:, n].tolist(),
            next_values[:, n].tolist(),
            batch.terminated[seed, :, n].tolist(),
            batch.truncated[seed, :, n].tolist(),
            h.discount,
            h.gae_lambda,
        )
    targets = advantages + values
    if h.value_normalization:
        scales.returns += targets.ravel().tolist()
        mean, deviation = scales.of_returns
        targets, values = ((array - mean) / deviation for array in (targets, values))
    return advantages, targets, values


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize(
    ("name", "changes", "objective", "variation"),
    # The other clip is another slope only, which the tests of slopes know on both of its sides.
    [(*objective, each) for objective in OBJECTIVES[:3] for each in VARIATIONS]
    + [(*OBJECTIVES[3], VARIATIONS[0])],
)
@each_implementation
def test_two_updates_are_those_of_torch(
    name: str,
    changes: dict[str, Any],
    objective: Callable[[Tensor, Tensor, Tensor], Tensor],
    variation: dict[str, Any],
    space: Any,
    implementation: str,
) -> None:
    learner = learner_of(
        name,
        space,
        (0, 1),
        implementation=implementation,
        slots=SLOTS,
        batch_steps=TICKS * SLOTS,
        learning_rate=0.01,
        epochs=2,
        minibatch=8,
        **changes,
        **variation,
    )
    h: Any = learner.hyperparameters
    # Away from the small first head, so that there is something to distinguish.
    spread_out(learner, 0.3)
    start = learner.parameters.double().clone()
    continuous = space is SPACES["continuous"]
    actors = [actor_of(learner, s) for s in range(len(learner.seeds))]
    critics = [critic_of(learner, s) for s in range(len(learner.seeds))]
    generator = np.random.default_rng(9)
    batches, minibatches, remaining = [], [], []
    for update in range(2):
        batch = strategies.played(learner, TICKS, generator)
        learner.steps += TICKS * SLOTS
        batches.append(batch)
        drawn = minibatches_of(learner, flatten(batch.valid), h.epochs, h.minibatch)
        minibatches.append([index for index, _ in drawn])
        remaining.append(1 - (update + 1) * TICKS * SLOTS / h.learning_rate_decay_steps)
        learner.algorithm.update(learner, batch)
        learner.updates += 1
    for s in range(len(learner.seeds)):
        expected = reference.SurrogateUpdate(
            actor=actors[s],
            critic=critics[s],
            objective=objective,
            learning_rate=0.01,
            adam_epsilon=h.adam_epsilon,
            gradient_norm_clip=h.gradient_norm_clip,
            value_coefficient=h.value_coefficient,
            value_clip=h.value_clip,
            entropy_coefficient=h.entropy_coefficient,
            normalise=h.advantage_normalization,
            critic_learning_rate=h.critic_learning_rate if h.separate_optimizers else None,
        )
        scales = Scales(SLOTS, h)
        for batch, chosen, share in zip(batches, minibatches, remaining, strict=True):
            advantages, targets, values = estimates_of(batch, s, expected.critic, h, scales)
            expected.run(
                flatten(batch.observations)[s].double(),
                flatten(batch.actions)[s].double() if continuous else flatten(batch.actions)[s],
                advantages.ravel(),
                torch.from_numpy(targets.ravel()),
                torch.from_numpy(values.ravel()),
                [index[s].tolist() for index in chosen],
                share,
            )
        critic = reference.columns_of_critic(expected.critic)
        after = torch.cat([expected.actor.columns, critic])
        moved = float((after - start[s]).norm())
        assert moved > 0.05
        # float32 against float64 over 20 Adam steps.
        assert float((learner.parameters[s].double() - after).norm()) < 1e-3 * moved


def test_the_value_loss_by_hand() -> None:
    prediction = torch.tensor([[1.0, 1.0, 1.0, 3.0, -1.0]])
    target = torch.tensor([[2.0, 0.0, 1.0, 0.0, -5.0]])
    old = torch.tensor([[0.5, 0.5, 1.0, 1.0, 0.0]])
    unclipped = value_loss(prediction, target, old, float("inf"))
    assert unclipped.tolist() == [[0.5, 0.5, 0.0, 4.5, 8.0]]
    # Within 0.2 of the old value: 0.7, 0.7, 1.0, 1.2, −0.2; the larger error counts.
    clipped_loss = value_loss(prediction, target, old, 0.2)
    expected = [[(2 - 0.7) ** 2 / 2, 0.5, 0.0, 4.5, (5 - 0.2) ** 2 / 2]]
    torch.testing.assert_close(clipped_loss, torch.tensor(expected))


def test_a_clipped_value_gains_nothing_by_moving_on_towards_its_target() -> None:
    old, target = torch.zeros(1, 3), torch.tensor([[5.0, 5.0, -5.0]])
    prediction = torch.tensor([[0.1, 1.0, 1.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(value_loss(prediction, target, old, 0.2).sum(), prediction)
    # Inside; beyond, and towards the target; beyond, and away from it.
    torch.testing.assert_close(gradient, torch.tensor([[-4.9, 0.0, 6.0]]))


@pytest.mark.parametrize("name", SURROGATES)
def test_the_entropy_bonus_keeps_the_policy_random(name: str) -> None:
    entropies = []
    for coefficient in (0.0, 0.5):
        learner = learner_of(
            name,
            SPACES["discrete"],
            batch_steps=48,
            minibatch=16,
            learning_rate=0.03,
            entropy_coefficient=coefficient,
        )
        # A policy that is not yet uniform has an entropy to gain.
        learner.policy_parameters.mul_(4)
        batch = strategies.played(learner, 12, np.random.default_rng(2))
        entropies.append(learner.algorithm.update(learner, batch)["entropy"])
    assert (entropies[1] > entropies[0]).all()
