"""EnvPool against Gymnasium: the same environments, wherever the list sends an id to EnvPool."""

from __future__ import annotations

from typing import Any

import envpool
import gymnasium
import numpy as np
import pytest
from scipy.stats import ks_2samp

from algorithms.spaces import Continuous
from bench.plan.back_ends import ENVPOOL
from bench.train.environments import describe, make
from bench.train.environments.slot_seeds import slot_seed

PAPER_IDS = (
    "HalfCheetah-v5",
    "Hopper-v5",
    "InvertedDoublePendulum-v5",
    "InvertedPendulum-v5",
    "Reacher-v5",
    "Swimmer-v5",
    "Walker2d-v5",
)
CLASSIC_IDS = (
    "Acrobot-v1",
    "CartPole-v1",
    "MountainCar-v0",
    "MountainCarContinuous-v0",
    "Pendulum-v1",
)
COPIES = 8

# Gymnasium's own environments warn of their age and of float64 bounds: nothing of ours.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*precision lowered by casting"),
    pytest.mark.filterwarnings("ignore:.*is out of date"),
]


def mujoco_state(
    environment: str, observation: np.ndarray, position: list[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Generalised positions and velocities that an initial observation stands for.

    `position` holds the coordinates that the observation leaves out.
    """
    name = environment.partition("-")[0]
    if name in ("HalfCheetah", "Hopper", "Swimmer", "Walker2d"):
        coordinates = (observation.size + len(position)) // 2
        hidden = coordinates - len(position)
        return np.array([*position, *observation[:hidden]]), observation[hidden:]
    if name == "InvertedPendulum":
        return observation[:2], observation[2:]
    if name == "InvertedDoublePendulum":
        angles = np.arctan2(observation[1:3], observation[3:5])
        return np.array([observation[0], *angles]), observation[5:8]
    assert name == "Reacher"
    angles = np.arctan2(observation[2:4], observation[0:2])
    return np.array([*angles, *observation[4:6]]), np.array([*observation[6:8], 0.0, 0.0])


def compare(environment: str, pool: Any, twins: list[Any], steps: int, tolerance: float) -> int:
    """Steps both with the same actions until a twin terminates; how many did."""
    generator = np.random.default_rng(0)
    space = twins[0].action_space
    fallen = np.zeros(COPIES, bool)
    for _ in range(steps):
        if isinstance(space, gymnasium.spaces.Discrete):
            actions: Any = generator.integers(0, space.n, COPIES)
        else:
            actions = generator.uniform(space.low, space.high, (COPIES, *space.shape))
            actions = actions.astype(np.float32)
        observations, rewards, terminated, _, _ = pool.step(actions)
        for copy in np.flatnonzero(~fallen):
            observation, reward, twin_terminated, _, _ = twins[copy].step(actions[copy])
            np.testing.assert_allclose(observations[copy], observation, rtol=0, atol=tolerance)
            # EnvPool's rewards are float32.
            np.testing.assert_allclose(rewards[copy], reward, rtol=1e-6, atol=max(tolerance, 1e-6))
            assert terminated[copy] == twin_terminated
            fallen[copy] = twin_terminated
    return int(fallen.sum())


@pytest.mark.parametrize("environment", PAPER_IDS)
def test_mujoco_agrees_from_equal_states(environment: str) -> None:
    """Observations within 1e-8 over 10 steps; 2e-10 was seen, in HalfCheetah, whose contacts
    multiply the rounding; 1e-12 or less in the others."""
    # A far limit: falls are not mixed up with it.
    pool: Any = envpool.make_gymnasium(
        environment, num_envs=COPIES, seed=list(range(COPIES)), max_episode_steps=10**6
    )
    observations, information = pool.reset()
    twins = []
    for copy in range(COPIES):
        twin: Any = gymnasium.make(environment)
        twin.reset(seed=0)
        hidden = [
            float(information[key][copy])
            for key in ("x_position", "y_position")
            if key in information
        ]
        twin.unwrapped.set_state(*mujoco_state(environment, observations[copy], hidden))
        np.testing.assert_allclose(
            twin.unwrapped._get_obs(), observations[copy], rtol=0, atol=1e-12
        )
        twins.append(twin)
    fallen = compare(environment, pool, twins, steps=10, tolerance=1e-8)
    if environment in ("InvertedDoublePendulum-v5", "InvertedPendulum-v5"):
        assert fallen > 0, "the rewards of a fall have not been compared"


@pytest.mark.parametrize("environment", CLASSIC_IDS)
def test_classic_control_agrees_from_equal_states(environment: str) -> None:
    """Observations within 1e-5 over 10 steps: they are float32, and so is the state read off."""
    pool: Any = envpool.make_gymnasium(
        environment, num_envs=COPIES, seed=list(range(COPIES)), max_episode_steps=10**6
    )
    observations, information = pool.reset()
    twins = []
    for copy in range(COPIES):
        twin: Any = gymnasium.make(environment)
        twin.reset(seed=0)
        state = observations[copy].astype(np.float64)
        if environment == "Acrobot-v1":
            state = np.array([*information["state"][copy], *state[4:]], np.float64)
        if environment == "Pendulum-v1":
            state = np.array([np.arctan2(state[1], state[0]), state[2]])
        twin.unwrapped.state = state
        twins.append(twin)
    compare(environment, pool, twins, steps=10, tolerance=1e-5)


@pytest.mark.parametrize("environment", ENVPOOL.ids)
def test_both_libraries_state_the_same_spaces_and_limit(environment: str) -> None:
    assert environment in envpool.list_all_envs()
    ours, theirs = describe(environment), describe(environment, back_end="gymnasium")
    assert ours.time_limit is not None
    assert (ours.observation_size, ours.action_space, ours.time_limit) == (
        theirs.observation_size,
        theirs.action_space,
        theirs.time_limit,
    )


@pytest.mark.parametrize("environment", ENVPOOL.ids)
def test_episodes_begin_alike(environment: str) -> None:
    """First observations have one distribution; a tenth more or less noise would show."""
    count = 200
    pool = make(environment, range(count), 1, back_end="envpool").reset()
    twin = gymnasium.make(environment)
    twins = np.stack([twin.reset(seed=seed)[0] for seed in range(count)]).astype(np.float32)
    assert pool.shape == twins.shape
    # Both are fixed by their seeds; 1e-6 leaves room for the 348 numbers of Humanoid.
    for number in range(pool.shape[1]):
        # Constants differ by rounding between the libraries, which ranks would take for a shift.
        ours, theirs = np.round(pool[:, number], 5), np.round(twins[:, number], 5)
        assert ks_2samp(ours, theirs, method="asymp").pvalue > 1e-6, number


@pytest.mark.parametrize(
    "environment", ["LunarLander-v3", "LunarLanderContinuous-v3", "BipedalWalker-v3"]
)
def test_box2d_returns_alike(environment: str) -> None:
    """Box2D takes no states from outside: 100 steps of random actions, compared as a sample."""
    count, steps = 40, 100
    generator = np.random.default_rng(0)
    pool, twin = make(environment, range(count), 1), gymnasium.make(environment)
    twin.action_space.seed(0)
    pool.reset()
    returns, alive = np.zeros(count), np.ones(count, bool)
    lengths = np.zeros(count)
    for _ in range(steps):
        if isinstance(pool.action_space, Continuous):
            actions = generator.uniform(-1, 1, (count, pool.action_space.size))
            step = pool.step(actions.astype(np.float32), alive)
        else:
            step = pool.step(generator.integers(0, pool.action_space.count, count), alive)
        returns += step.rewards
        lengths += alive
        alive = alive & ~step.terminated
    theirs = np.zeros((count, 2))
    for seed in range(count):
        twin.reset(seed=seed)
        for _ in range(steps):
            _, reward, terminated, _, _ = twin.step(twin.action_space.sample())
            theirs[seed] += (float(reward), 1)
            if terminated:
                break
    assert ks_2samp(returns, theirs[:, 0], method="asymp").pvalue > 0.001
    assert ks_2samp(lengths, theirs[:, 1], method="asymp").pvalue > 0.001


def test_the_back_end_passes_on_what_envpool_gives() -> None:
    environments = make("Walker2d-v5", [3, 8], 2)
    pool: Any = envpool.make_gymnasium(
        "Walker2d-v5",
        num_envs=4,
        seed=[slot_seed(seed, slot) for seed in (3, 8) for slot in (0, 1)],
    )
    first = pool.reset()[0]
    np.testing.assert_array_equal(environments.reset(), first.astype(np.float32))
    generator = np.random.default_rng(0)
    for _ in range(5):
        actions = generator.uniform(-1, 1, (4, 6)).astype(np.float32)
        step, raw = environments.step(actions, np.ones(4, bool)), pool.step(actions)
        np.testing.assert_array_equal(step.observations, raw[0].astype(np.float32))
        np.testing.assert_array_equal(step.rewards, raw[1])
