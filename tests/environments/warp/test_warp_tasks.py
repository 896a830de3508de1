"""The tasks' kernels against Gymnasium's own, from its own physics: nothing is stepped here."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import warp
from scipy.stats import ks_2samp

from bench.plan.back_ends import WARP
from bench.train.environments.warp_kernels import Slots, State, kernels
from bench.train.environments.warp_launching import filled
from bench.train.environments.warp_tasks import TASKS

pytestmark = pytest.mark.warp

POINTS = {"bodies": warp.vec3, "sites": warp.vec3, "contact": warp.spatial_vector}


class Tasks:
    """Gymnasium's environment, and its task's kernels with M slots of their own."""

    def __init__(self, environment_id: str, count: int) -> None:
        self.environment: Any = gymnasium.make(environment_id).unwrapped
        self.environment.reset(seed=0)
        task = TASKS[environment_id]
        self._numbers = task.numbers_of(self.environment, "cpu")
        self._begin, self._receive = kernels(task.functions)
        self._count = count
        self.slots = {
            "seeds": np.zeros(count, np.int64),
            "slots": np.arange(count),
            **{name: np.zeros(count, np.int64) for name in ("elapsed", "episode")},
            **{name: np.zeros(count, np.float32) for name in ("place", "rewards")},
            **{name: np.ones(count, bool) for name in ("finite", "terminated", "truncated")},
            **{
                name: np.zeros((count, *self.environment.observation_space.shape), np.float32)
                for name in ("observations", "last")
            },
        }
        self._slots = filled(
            Slots,
            {
                name: warp.array(values, device="cpu", copy=False)
                for name, values in self.slots.items()
            },
        )

    def _state(self, action: np.ndarray) -> State:
        data = self.environment.data
        arrays = {
            "position": data.qpos,
            "velocity": data.qvel,
            "warm_start": data.qvel,
            "action": action,
            "bodies": data.xpos,
            "sites": data.site_xpos,
            "constraint": data.qfrc_constraint,
            "contact": data.cfrc_ext,
        }
        fields = {
            name: warp.array(
                np.array([values] * self._count), dtype=POINTS.get(name, float), device="cpu"
            )
            for name, values in arrays.items()
        }
        return filled(State, fields)

    def begin(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """qpos, qvel and observation of new episodes, [M, …]."""
        state = self._state(np.zeros(1))
        warp.launch(
            self._begin, self._count, inputs=[state, self._slots, self._numbers], device="cpu"
        )
        return state.position.numpy(), state.velocity.numpy(), self.slots["observations"]

    def receive(self, action: np.ndarray) -> tuple[np.ndarray, float, bool]:
        """Observation, reward and whether the episode ended, of Gymnasium's physics."""
        active = warp.array(np.ones(self._count, bool), device="cpu")
        inputs = [self._state(action), self._slots, self._numbers, 1_000, active]
        warp.launch(self._receive, self._count, inputs=inputs, device="cpu")
        last, rewards, terminated = (self.slots[name] for name in ("last", "rewards", "terminated"))
        return last[0], float(rewards[0]), bool(terminated[0])


@pytest.mark.parametrize("environment_id", WARP.ids)
def test_observation_reward_and_end_are_gymnasiums_own(environment_id: str) -> None:
    """From calm states and from wild ones, to the last places of float32."""
    tasks = Tasks(environment_id, 1)
    environment = tasks.environment
    generator = np.random.default_rng(0)
    ended = 0
    for episode in range(30):
        environment.reset(seed=episode)
        spread = 0.3 * (episode % 3)
        position = environment.init_qpos + spread * generator.normal(size=environment.model.nq)
        velocity = environment.init_qvel + spread * generator.normal(size=environment.model.nv)
        environment.set_state(position, velocity)
        tasks.slots["place"][:] = position[0]
        for _ in range(5):
            action = generator.uniform(
                environment.action_space.low, environment.action_space.high
            ).astype(np.float32)
            x_position = float(tasks.slots["place"][0])
            observation, reward, terminated, _, _ = environment.step(action)
            ours, our_reward, our_end = tasks.receive(action)
            np.testing.assert_allclose(ours, observation, rtol=2e-6, atol=2e-6)
            # A place to 24 bits is a speed to as many, divided by the time between.
            rounding = (1 + abs(x_position)) * 2**-22 / environment.dt
            np.testing.assert_allclose(our_reward, reward, rtol=1e-5, atol=rounding)
            assert our_end is terminated
            ended += terminated
            if our_end:
                break
    endless = environment_id in ("HalfCheetah-v5", "Swimmer-v5", "Reacher-v5")
    assert endless == (ended == 0)


@pytest.mark.parametrize("environment_id", WARP.ids)
def test_an_episode_begins_as_gymnasiums_do(environment_id: str) -> None:
    """The first observation follows from the state; each coordinate has the same distribution."""
    tasks = Tasks(environment_id, 400)
    environment = tasks.environment
    position, velocity, first = tasks.begin()
    for copy in range(5):
        environment.set_state(position[copy].astype(float), velocity[copy].astype(float))
        np.testing.assert_allclose(first[copy], environment._get_obs(), rtol=0, atol=1e-6)
    theirs = []
    for seed in range(400):
        environment.reset(seed=seed)
        theirs.append(np.concatenate([environment.data.qpos, environment.data.qvel]))
    ours = np.concatenate([position, velocity], axis=1)
    for our_values, their_values in zip(ours.T, np.array(theirs).T, strict=True):
        if np.ptp(their_values) == 0:
            np.testing.assert_allclose(our_values, their_values[0], rtol=1e-6)
        else:
            assert ks_2samp(our_values, their_values).pvalue > 1e-5
            np.testing.assert_allclose(our_values.std(), their_values.std(), rtol=0.15)
