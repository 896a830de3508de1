"""Where two rungs of the ladder are the same thing, they must give the same parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from learners import SPACES, SURROGATES, Taught, each_implementation, learner_of
from torch import Tensor

from algorithms.batch import Batch
from algorithms.ladder import baseline, reward_to_go, vanilla_policy_gradient
from algorithms.learner import POLICY
from algorithms.returns import total_return
from algorithms.spaces import ActionSpace
from tests import strategies

TICKS = 12
spaces = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def batch_for(learner: Taught, **arguments: bool) -> Batch:
    return strategies.played(learner, TICKS, np.random.default_rng(5), **arguments)


def updated(learner: Taught, batch: Batch, times: int = 1) -> tuple[Tensor, Tensor]:
    """The policy's parameters after `times` updates, and those before."""
    before = learner.policy_parameters.clone()
    for _ in range(times):
        learner.algorithm.update(learner, batch)
        learner.updates += 1
    return learner.policy_parameters.clone(), before


def first_gradient(learner: Taught, batch: Batch) -> Tensor:
    """What the policy's optimiser is given in an update of one step [S, P]."""
    learner.algorithm.update(learner, batch)
    assert (learner.optimizer.counts[:, POLICY] == 1).all()
    # Adam's first moment was 0 and took a tenth of it.
    return learner.optimizer.first_moment[:, : learner.policy.size] / 0.1


@spaces
def test_a_baseline_of_zero_is_vanilla(space: ActionSpace) -> None:
    vanilla = learner_of("vanilla_policy_gradient", space)
    batch = batch_for(vanilla, whole_episodes=True)
    assert torch.equal(baseline.credit(batch), vanilla_policy_gradient.credit(batch))
    # The moving average knows nothing yet and is 0 in the first update.
    first, before = updated(vanilla, batch)
    second, _ = updated(learner_of("baseline", space, baseline="moving_average"), batch)
    assert torch.equal(first, second)
    assert not torch.equal(first, before)


@spaces
def test_in_one_step_episodes_reward_to_go_is_the_total_return(space: ActionSpace) -> None:
    vanilla = learner_of("vanilla_policy_gradient", space)
    batch = batch_for(vanilla, whole_episodes=True, one_step=True)
    to_go = reward_to_go.credit(batch, 0.3)
    assert torch.equal(to_go[:, 0], total_return(batch.rewards, batch.valid))
    first, before = updated(vanilla, batch, times=3)
    for discount in (1.0, 0.3):
        other = learner_of("reward_to_go", space, baseline="none", discount=discount)
        assert torch.equal(first, updated(other, batch, times=3)[0])
    assert not torch.equal(first, before)
    # Then a mean over steps is a mean over trajectories.
    means = [
        first_gradient(learner_of(rung, space, baseline="batch_mean"), batch)
        for rung in ("baseline", "reward_to_go")
    ]
    torch.testing.assert_close(*means, rtol=1e-4, atol=1e-6)


@spaces
def test_in_longer_episodes_reward_to_go_is_another_thing(space: ActionSpace) -> None:
    batch = batch_for(learner_of("vanilla_policy_gradient", space), whole_episodes=True)
    to_go = first_gradient(learner_of("reward_to_go", space, baseline="none"), batch)
    total = first_gradient(learner_of("vanilla_policy_gradient", space), batch)
    assert float((to_go - total).norm() / total.norm()) > 0.05


@spaces
@each_implementation
@pytest.mark.parametrize("normalization", ["none", "batch"])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("importance_sampling", {}),
        ("kl_ppo", {"beta": 50.0}),
        ("clipped_ppo", {"clip_range": 0.01}),
    ],
)
def test_at_the_behaviour_policy_a_surrogate_has_the_on_policy_gradient(
    space: ActionSpace,
    name: str,
    changes: dict[str, float],
    normalization: str,
    implementation: str,
) -> None:
    """ρ = 1 and KL = 0 with gradient 0: whatever the penalty or the clip."""
    shared = {"gradient_norm_clip": float("inf"), "advantage_normalization": normalization}
    steps = {"batch_steps": TICKS * 4}
    on_policy = learner_of("advantage", space, **shared, **steps)
    batch = batch_for(on_policy)
    expected = first_gradient(on_policy, batch)
    whole_batch = {"minibatch": TICKS * 4, "epochs": 1}
    surrogate = learner_of(
        name, space, implementation=implementation, **shared, **steps, **whole_batch, **changes
    )
    actual = first_gradient(surrogate, batch)
    assert float(expected.norm()) > 1e-3
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=2e-6)


@spaces
def test_at_the_behaviour_policy_the_trajectory_product_is_leave_one_out(
    space: ActionSpace,
) -> None:
    on_policy = learner_of("baseline", space, baseline="leave_one_out")
    batch = batch_for(on_policy, whole_episodes=True)
    expected = first_gradient(on_policy, batch)
    off_policy = learner_of("trajectory_importance_sampling", space, minibatch=4, epochs=1)
    torch.testing.assert_close(first_gradient(off_policy, batch), expected, rtol=1e-4, atol=1e-5)


WITHOUT_LIMITS: list[tuple[str, dict[str, Any]]] = [
    ("kl_ppo", {"beta": 0.0, "adaptive": False}),
    ("kl_ppo", {"beta": 0.0, "adaptive": True}),
    ("clipped_ppo", {"clip_range": float("inf")}),
]


@spaces
@pytest.mark.parametrize(("name", "changes"), WITHOUT_LIMITS)
@each_implementation
@pytest.mark.parametrize("normalization", ["none", "batch", "minibatch"])
def test_no_penalty_is_no_clip_is_importance_sampling(
    space: ActionSpace, name: str, changes: dict[str, Any], normalization: str, implementation: str
) -> None:
    """Bit for bit, over whole updates that move far from θ'.

    A divergence of weight 0 makes autograd add, and a compiler round, in another order: to 1e-5.
    """
    shared = {
        "learning_rate": 0.02,
        "epochs": 4,
        "minibatch": 10,
        "batch_steps": TICKS * 4,
        "advantage_normalization": normalization,
        "entropy_coefficient": 0.01,
        "value_clip": 0.1,
    }
    plain = learner_of("importance_sampling", space, implementation=implementation, **shared)
    batch, before = batch_for(plain), plain.parameters.clone()
    other = learner_of(name, space, implementation=implementation, **shared, **changes)
    for learner in (plain, other):
        updated(learner, batch, times=2)
    if name == "kl_ppo":
        difference, change = (
            plain.parameters - parameters for parameters in (other.parameters, before)
        )
        assert (difference.norm(dim=1) < 1e-5 * change.norm(dim=1)).all()
    else:
        assert torch.equal(plain.parameters, other.parameters)


@spaces
@pytest.mark.parametrize(
    ("name", "changes"),
    [("kl_ppo", {"beta": 1.0}), ("clipped_ppo", {"clip_range": 0.1})],
)
def test_a_penalty_and_a_clip_do_something(
    space: ActionSpace, name: str, changes: dict[str, Any]
) -> None:
    """Where they must: they end nearer to θ' than importance sampling does."""
    shared = {"learning_rate": 0.02, "epochs": 6, "minibatch": 16, "batch_steps": TICKS * 4}
    distances = []
    for rung, values in (("importance_sampling", {}), (name, changes)):
        learner = learner_of(rung, space, **shared, **values)
        batch = batch_for(learner)
        distances.append(learner.algorithm.update(learner, batch)["kl_mean"])
    assert (distances[1] < 0.7 * distances[0]).all(), distances


@pytest.mark.parametrize("name", SURROGATES)
def test_a_step_size_of_zero_moves_nothing(name: str) -> None:
    learner = learner_of(name, learning_rate=0.0, minibatch=16, batch_steps=TICKS * 4)
    before = learner.parameters.clone()
    change = learner.algorithm.update(learner, batch_for(learner))
    assert torch.equal(learner.parameters, before)
    assert change["kl_max"].abs().max() < 1e-6
    assert (change["effective_sample_size"] > 1 - 1e-6).all()
