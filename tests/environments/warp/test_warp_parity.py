"""MuJoCo Warp against MuJoCo itself, from equal states and over whole episodes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from bench.errors import InputError
from bench.plan.back_ends import WARP
from bench.train.environments import make
from bench.train.environments import warp_worlds as worlds_module
from bench.train.environments.warp_backend import WarpEnvironments, describe

pytestmark = pytest.mark.warp

# Largest difference of an observation after at most ten steps, in its own units; it is float32's,
# grown by the physics: a foot that touches the ground multiplies what is there.
TOLERANCE = {
    "Ant-v5": 1e-4,  # in flight; see the test of its contacts
    "HalfCheetah-v5": 5e-2,  # of velocities of 5: a substep alone differs by 1e-4 at most
    "Hopper-v5": 1e-3,
    "InvertedDoublePendulum-v5": 1e-4,
    "InvertedPendulum-v5": 1e-5,
    "Reacher-v5": 1e-4,
    "Swimmer-v5": 1e-4,
    "Walker2d-v5": 2e-3,
}


def twins_of(environments: WarpEnvironments, environment_id: str) -> list[Any]:
    """Gymnasium's environments in the states of the worlds."""
    twins = []
    position, velocity = environments.worlds.position, environments.worlds.velocity
    for world in range(len(position)):
        twin: Any = gymnasium.make(environment_id).unwrapped
        twin.reset(seed=0)
        twin.set_state(position[world].double().numpy(), velocity[world].double().numpy())
        twins.append(twin)
    return twins


def actions_of(environments: WarpEnvironments, generator: np.random.Generator) -> np.ndarray:
    space = environments.action_space
    shape = len(environments.observations), space.size
    return generator.uniform(space.low, space.high, shape).astype(np.float32)


@pytest.mark.parametrize("environment_id", WARP.ids)
def test_ten_steps_from_equal_states(environment_id: str) -> None:
    environments = WarpEnvironments(environment_id, [0, 1], 3)
    first = environments.reset()
    if environment_id == "Ant-v5":
        # Legs that stand steeper than 60 degrees have the edges of their friction cone turned in
        # MuJoCo Warp (plane_capsule, 4.0.0), so that contacts agree in the mean only.
        environments.worlds.position[:, 2] += 0.25
        environments.place.copy_(environments.worlds.position[:, 0])
    twins = twins_of(environments, environment_id)
    if environment_id != "Ant-v5":
        for twin, observation in zip(twins, first, strict=True):
            np.testing.assert_allclose(observation, twin._get_obs(), rtol=0, atol=1e-6)
    generator = np.random.default_rng(0)
    alive = np.ones(len(twins), bool)
    for _ in range(10 if environment_id != "Ant-v5" else 4):
        actions = actions_of(environments, generator)
        step = environments.step(actions, np.ones(len(twins), bool))
        for slot in np.flatnonzero(alive):
            observation, reward, terminated, _, _ = twins[slot].step(actions[slot])
            tolerance = TOLERANCE[environment_id]
            np.testing.assert_allclose(
                step.last_observations[slot], observation, rtol=0, atol=tolerance
            )
            np.testing.assert_allclose(step.rewards[slot], reward, rtol=0, atol=tolerance)
            assert step.terminated[slot] == terminated
            alive[slot] = not terminated


@pytest.mark.parametrize("environment_id", WARP.ids)
def test_recorded_substeps_are_what_they_are_launched_one_by_one(environment_id: str) -> None:
    """Over resets and contacts, whatever was recorded with."""
    recorded, plain = (WarpEnvironments(environment_id, [0], 3, time_limit=8) for _ in range(2))
    plain.worlds.advance = plain.worlds._substeps  # type: ignore[method-assign]
    np.testing.assert_array_equal(recorded.reset(), plain.reset())
    generator = np.random.default_rng(0)
    for _ in range(20):
        actions = actions_of(recorded, generator)
        recorded_step, plain_step = (
            environments.step(actions, np.ones(3, bool)) for environments in (recorded, plain)
        )
        for field in fields(recorded_step):
            np.testing.assert_array_equal(
                getattr(recorded_step, field.name), getattr(plain_step, field.name)
            )


@pytest.mark.parametrize("environment_id", WARP.ids)
def test_a_hundred_random_episodes_agree_in_distribution(environment_id: str) -> None:
    """Returns and lengths beside EnvPool's, cut at 50 steps."""
    samples = []
    for environments in (
        WarpEnvironments(environment_id, range(100, 110), 10, time_limit=50),
        make(environment_id, range(10), 10, time_limit=50),
    ):
        environments.reset()
        generator = np.random.default_rng(len(samples))
        active = np.ones(100, bool)
        returns, lengths = np.zeros(100), np.zeros(100)
        space: Any = environments.action_space
        while active.any():
            actions = generator.uniform(space.low, space.high, (100, space.size))
            step = environments.step(actions.astype(np.float32), active)
            returns += step.rewards
            lengths += active
            active &= ~(step.terminated | step.truncated)
        samples.append((returns, lengths))
        environments.close()
    (ours, our_lengths), (theirs, their_lengths) = samples
    assert ks_2samp(ours, theirs).pvalue > 1e-3
    assert ks_2samp(our_lengths, their_lengths).pvalue > 1e-3


def test_finished_slots_begin_anew_in_the_same_tick_and_others_go_on() -> None:
    environments = WarpEnvironments("InvertedPendulum-v5", [0], 3)
    environments.reset()
    environments.worlds.position[1, 1] = 0.25  # beyond 0.2: fallen
    step = environments.step(np.zeros((3, 1), np.float32), np.ones(3, bool))
    assert step.terminated.tolist() == [False, True, False]
    assert not step.truncated.any()
    assert abs(step.last_observations[1, 1]) > 0.2
    assert abs(step.observations[1]).max() < 0.0101
    np.testing.assert_array_equal(step.observations[[0, 2]], step.last_observations[[0, 2]])
    assert environments.elapsed.tolist() == [1, 0, 1]
    assert environments.episode.tolist() == [1, 2, 1]


def test_the_time_limit_truncates_and_a_fall_exactly_at_it_is_a_fall() -> None:
    environments = WarpEnvironments("InvertedPendulum-v5", [0], 2, time_limit=3)
    environments.reset()
    no_push = np.zeros((2, 1), np.float32)
    for _ in range(2):
        step = environments.step(no_push, np.ones(2, bool))
        assert not (step.terminated | step.truncated).any()
    environments.worlds.position[1, 1] = 0.25
    step = environments.step(no_push, np.ones(2, bool))
    assert step.terminated.tolist() == [False, True]
    assert step.truncated.tolist() == [True, False]


def test_idle_slots_are_not_touched() -> None:
    environments = WarpEnvironments("Hopper-v5", [0], 3)
    environments.reset()
    generator = np.random.default_rng(0)
    before = {name: value.clone() for name, value in environments.state.items()}
    active = np.array([True, False, True])
    step = environments.step(actions_of(environments, generator), active)
    assert step.rewards[1] == 0
    np.testing.assert_array_equal(step.observations[1], before["observations"][1])
    for name, value in environments.state.items():
        torch.testing.assert_close(value[1], before[name][1], rtol=0, atol=0, msg=name)
        if name != "episode":
            assert not torch.equal(value[0], before[name][0]), name


@pytest.mark.parametrize("environment_id", ["Hopper-v5", "HalfCheetah-v5"])
def test_a_slot_has_the_same_bits_in_any_company(environment_id: str) -> None:
    alone = WarpEnvironments(environment_id, [7], 2)
    group = WarpEnvironments(environment_id, [3, 7, 5], 2)
    np.testing.assert_array_equal(group.reset()[2:4], alone.reset())
    generator = np.random.default_rng(0)
    for _ in range(30):
        actions = actions_of(group, generator)
        group_step = group.step(actions, np.ones(6, bool))
        alone_step = alone.step(actions[2:4], np.ones(2, bool))
        np.testing.assert_array_equal(
            group_step.last_observations[2:4], alone_step.last_observations
        )
        np.testing.assert_array_equal(group_step.observations[2:4], alone_step.observations)
        np.testing.assert_array_equal(group_step.rewards[2:4], alone_step.rewards)


def test_an_action_that_is_no_number_costs_its_own_slot_the_reward() -> None:
    environments = WarpEnvironments("Hopper-v5", [0], 2)
    twin = WarpEnvironments("Hopper-v5", [0], 2)
    environments.reset()
    twin.reset()
    actions = np.array([[np.nan, 1, 1], [0.5, 0.5, 0.5]], np.float32)
    step = environments.step(actions, np.ones(2, bool))
    other = twin.step(np.array([[0, 0, 0], [0.5, 0.5, 0.5]], np.float32), np.ones(2, bool))
    assert np.isnan(step.rewards[0])
    assert step.rewards[1] == other.rewards[1]
    np.testing.assert_array_equal(step.last_observations, other.last_observations)


def test_a_world_that_bursts_begins_anew_and_costs_no_other() -> None:
    """As MuJoCo does with a bad state, which would otherwise stay bad for ever."""
    environments = WarpEnvironments("Hopper-v5", [0], 3)
    twin = WarpEnvironments("Hopper-v5", [0], 3)
    environments.reset()
    twin.reset()
    environments.worlds.velocity[1] = torch.nan
    generator = np.random.default_rng(0)
    for _ in range(20):
        actions = actions_of(environments, generator)
        step = environments.step(actions, np.ones(3, bool))
        other = twin.step(actions, np.ones(3, bool))
        assert np.isfinite(step.observations).all()
        np.testing.assert_array_equal(
            step.last_observations[[0, 2]], other.last_observations[[0, 2]]
        )


def test_contacts_without_room_fail_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds_module, "_bounds", lambda model, on_device: (1, 60))
    environments = WarpEnvironments("Walker2d-v5", [0], 4)
    environments.reset()
    # Lying, each has more contacts than the one that there is room for.
    environments.worlds.position[:, 1] = 0.2
    environments.worlds.position[:, 2] = 1.57
    with pytest.raises(RuntimeError, match=r"overflowed \(.*PHASE.*\) in \d of 4 worlds"):
        environments.step(np.zeros((4, 6), np.float32), np.ones(4, bool))


def test_every_world_has_room_for_all_the_contacts_it_can_have() -> None:
    """A heap of hoppers, lying: no world lacks what others took."""
    environments = WarpEnvironments("Hopper-v5", [0], 8)
    environments.reset()
    environments.worlds.position[:, 1] = 0.1
    environments.worlds.position[:, 2] = 1.57
    active = np.ones(8, bool)
    for _ in range(3):
        environments.step(np.zeros((8, 3), np.float32), active)


def test_what_it_does_not_step_is_refused() -> None:
    with pytest.raises(InputError, match=r"doesn't step 'Humanoid-v5' here\. Allowed: Ant-v5"):
        WarpEnvironments("Humanoid-v5", [0], 1)


def test_it_states_what_the_other_back_ends_state() -> None:
    from bench.train import environments

    for environment_id in WARP.ids:
        ours, theirs = describe(environment_id), environments.describe(environment_id)
        assert ours.observation_size == theirs.observation_size
        assert ours.action_space == theirs.action_space
        assert ours.time_limit == theirs.time_limit


def test_stepping_before_the_first_reset_is_an_error() -> None:
    environments = WarpEnvironments("InvertedPendulum-v5", [0], 1)
    with pytest.raises(RuntimeError, match="reset"):
        environments.step(np.zeros((1, 1), np.float32), np.ones(1, bool))
