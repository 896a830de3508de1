"""The tasks as tensors against Gymnasium's own, from its own physics: nothing is stepped here."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from algorithms.numerics.counters import address
from bench.plan.back_ends import WARP
from bench.train.environments.warp_tasks import State, Task, task_of


def made(environment_id: str) -> tuple[Any, Task]:
    environment: Any = gymnasium.make(environment_id).unwrapped
    environment.reset(seed=0)
    return environment, task_of(environment_id, environment)


def row(values: Any) -> torch.Tensor:
    return torch.as_tensor(np.array(values)).unsqueeze(0)


def state_of(environment: Any, before: torch.Tensor, action: np.ndarray) -> State:
    data = environment.data
    return State(
        position=row(data.qpos),
        velocity=row(data.qvel),
        before=before,
        action=row(action),
        bodies=row(data.xpos),
        sites=row(data.site_xpos),
        constraint=row(data.qfrc_constraint),
        contact=row(data.cfrc_ext),
    )


@pytest.mark.parametrize("environment_id", WARP.ids)
def test_observation_reward_and_end_are_gymnasiums_own(environment_id: str) -> None:
    """In double precision, from calm states and from wild ones, to the last places."""
    environment, task = made(environment_id)
    generator = np.random.default_rng(0)
    ended = 0
    for episode in range(30):
        environment.reset(seed=episode)
        wild = 0.3 * (episode % 3)
        position = environment.init_qpos + wild * generator.normal(size=environment.model.nq)
        velocity = environment.init_qvel + wild * generator.normal(size=environment.model.nv)
        environment.set_state(position, velocity)
        place = row(position)[:, 0]
        for _ in range(5):
            action = generator.uniform(
                environment.action_space.low, environment.action_space.high
            ).astype(np.float32)
            observation, reward, terminated, _, _ = environment.step(action)
            state = state_of(environment, place, action)
            healthy = task.healthy(state)
            np.testing.assert_allclose(task.observe(state)[0], observation, rtol=0, atol=1e-12)
            np.testing.assert_allclose(task.reward(state, healthy)[0], reward, rtol=1e-6, atol=1e-6)
            assert bool(healthy[0]) is not terminated
            ended += terminated
            place = task.place(state)
    endless = environment_id in ("HalfCheetah-v5", "Swimmer-v5", "Reacher-v5")
    assert endless == (ended == 0)


@pytest.mark.parametrize("environment_id", WARP.ids)
def test_an_episode_begins_as_gymnasiums_do(environment_id: str) -> None:
    """The first observation follows from the state; each coordinate has the same distribution."""
    environment, task = made(environment_id)
    keys = address(1, torch.arange(400))
    position, velocity = task.begin(keys)
    first = task.first(position.double(), velocity.double())
    for copy in range(5):
        environment.set_state(position[copy].double().numpy(), velocity[copy].double().numpy())
        np.testing.assert_allclose(first[copy], environment._get_obs(), rtol=0, atol=1e-7)
    theirs = []
    for seed in range(400):
        environment.reset(seed=seed)
        theirs.append(np.concatenate([environment.data.qpos, environment.data.qvel]))
    ours = torch.cat([position, velocity], dim=1).double().numpy()
    for mine, other in zip(ours.T, np.array(theirs).T, strict=True):
        if np.ptp(other) == 0:
            np.testing.assert_allclose(mine, other[0], rtol=1e-6)
        else:
            assert ks_2samp(mine, other).pvalue > 1e-5


def test_a_world_that_is_no_number_is_not_healthy() -> None:
    environment, task = made("Hopper-v5")
    state = state_of(environment, torch.zeros(1), np.zeros(3, np.float32))
    state.position = torch.full_like(state.position, torch.nan)
    assert not task.healthy(state)[0]
