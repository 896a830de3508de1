"""An action that is no number harms its own slot only, and says so in its reward."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from algorithms.spaces import Continuous, Discrete
from bench.train.environments import make
from bench.train.environments.protocol import withhold_not_finite

BOTH = np.ones(2, bool)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("environment", "back_end"),
    [
        ("Pendulum-v1", "envpool"),
        ("HalfCheetah-v5", "envpool"),
        ("Pendulum-v1", "gymnasium"),
        ("InvertedPendulum-v5", "gymnasium"),
        # Last: without the guard EnvPool never comes back from its first NaN.
        ("BipedalWalker-v3", "envpool"),
    ],
)
def test_the_slot_steps_with_zeros_and_the_others_notice_nothing(
    environment: str, back_end: str, value: float, tmp_path: Path
) -> None:
    disturbed = make(environment, [0], 2, back_end=back_end)
    sound = make(environment, [0], 2, back_end=back_end)
    np.testing.assert_array_equal(disturbed.reset(), sound.reset())
    assert isinstance(disturbed.action_space, Continuous)
    zeros = np.zeros((2, disturbed.action_space.size), np.float32)
    poisoned = zeros.copy()
    poisoned[0, -1] = value
    for _ in range(5):
        disturbed_step, sound_step = disturbed.step(poisoned, BOTH), sound.step(zeros, BOTH)
        assert np.isnan(disturbed_step.rewards[0])
        assert disturbed_step.rewards[1] == sound_step.rewards[1]
        np.testing.assert_array_equal(disturbed_step.observations, sound_step.observations)
        np.testing.assert_array_equal(disturbed_step.terminated, sound_step.terminated)
    # An idle slot is not asked for its action.
    idle = disturbed.step(poisoned, np.array([False, True]))
    assert idle.rewards[0] == 0
    assert np.isfinite(idle.rewards[1])
    np.testing.assert_array_equal(idle.observations[0], disturbed_step.observations[0])
    assert not (tmp_path / "MUJOCO_LOG.TXT").exists()


def test_zeros_are_moved_into_the_bounds() -> None:
    space = Continuous(size=2, low=(0.5, -3.0), high=(1.0, -1.0))
    actions = np.array([[0.75, -2.0], [np.nan, -2.0]], np.float32)
    safe_actions, withheld = withhold_not_finite(actions, space)
    np.testing.assert_array_equal(safe_actions, np.array([[0.75, -2.0], [0.5, -1.0]], np.float32))
    assert safe_actions.dtype == np.float32
    np.testing.assert_array_equal(withheld, [False, True])
    assert np.isnan(actions[1, 0]), "the caller's array is left as it was"


def test_sound_actions_are_passed_on_uncopied() -> None:
    actions = np.zeros((2, 1), np.float32)
    safe_actions, withheld = withhold_not_finite(
        actions, Continuous(size=1, low=(-1.0,), high=(1.0,))
    )
    assert safe_actions is actions
    assert withheld is None
    choices = np.zeros(2, np.int64)
    safe_actions, withheld = withhold_not_finite(choices, Discrete(count=2))
    assert safe_actions is choices
    assert withheld is None
