"""Falls, cuts and the observation that a step really led to."""

from __future__ import annotations

import numpy as np
import pytest

from bench.train.environments import make
from bench.train.environments.protocol import Environments, Step

BACK_ENDS = ["envpool", "gymnasium"]
# Pushed with full force, the pole of InvertedPendulum falls within a few steps: |angle| > 0.2.
FULL_FORCE = np.full((1, 1), 3.0, np.float32)
ONE = np.ones(1, bool)


def pendulum(back_end: str, time_limit: int | None = None) -> Environments:
    environments = make("InvertedPendulum-v5", [1], 1, back_end=back_end, time_limit=time_limit)
    environments.reset()
    return environments


def push(environments: Environments, steps: int) -> list[Step]:
    return [environments.step(FULL_FORCE, ONE) for _ in range(steps)]


def steps_to_the_fall(back_end: str) -> int:
    """The step at which the first episode falls where no limit is near."""
    ends = [bool(step.terminated[0]) for step in push(pendulum(back_end), 50)]
    fall = ends.index(True) + 1
    assert 2 < fall < 50
    return fall


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_fall_exactly_at_the_limit_is_a_fall(back_end: str) -> None:
    fall = steps_to_the_fall(back_end)
    *before, last = push(pendulum(back_end, time_limit=fall), fall)
    assert not any(step.terminated[0] or step.truncated[0] for step in before)
    assert last.terminated[0]
    assert not last.truncated[0]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_fall_one_step_before_the_limit_is_a_fall(back_end: str) -> None:
    fall = steps_to_the_fall(back_end)
    steps = push(pendulum(back_end, time_limit=fall + 1), fall + 1)
    assert steps[fall - 1].terminated[0]
    assert not steps[fall - 1].truncated[0]
    assert not steps[fall].terminated[0]
    assert not steps[fall].truncated[0]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_no_fall_by_the_limit_is_a_cut(back_end: str) -> None:
    limit = steps_to_the_fall(back_end) - 1
    *before, last = push(pendulum(back_end, time_limit=limit), limit)
    assert not any(step.terminated[0] or step.truncated[0] for step in before)
    assert last.truncated[0]
    assert not last.terminated[0]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_the_last_observation_is_the_fallen_one_and_the_next_a_fresh_one(back_end: str) -> None:
    fall = steps_to_the_fall(back_end)
    last = push(pendulum(back_end), fall)[-1]
    assert abs(last.last_observations[0, 1]) > 0.2
    # The reset noise of InvertedPendulum-v5 is uniform within 0.01.
    assert np.abs(last.observations[0]).max() <= 0.01


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_cut_changes_nothing_but_what_comes_after(back_end: str) -> None:
    cut = make("HalfCheetah-v5", [0], 2, back_end=back_end, time_limit=5)
    free = make("HalfCheetah-v5", [0], 2, back_end=back_end)
    np.testing.assert_array_equal(cut.reset(), free.reset())
    actions = np.random.default_rng(0).uniform(-1, 1, (5, 2, 6)).astype(np.float32)
    for row in actions:
        cut_step, free_step = cut.step(row, np.ones(2, bool)), free.step(row, np.ones(2, bool))
        np.testing.assert_array_equal(cut_step.last_observations, free_step.observations)
        np.testing.assert_array_equal(cut_step.rewards, free_step.rewards)
    assert cut_step.truncated.all()
    assert not free_step.truncated.any()
    assert (cut_step.observations != cut_step.last_observations).any(axis=1).all()


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_no_tick_is_spent_on_a_reset_and_idling_does_not_count(back_end: str) -> None:
    environments = make("HalfCheetah-v5", [0], 2, back_end=back_end, time_limit=5)
    environments.reset()
    actions = np.zeros((2, 6), np.float32)
    cuts = [
        environments.step(actions, np.array([True, tick % 2 == 0])).truncated
        for tick in range(1, 21)
    ]
    assert [tick for tick, cut in enumerate(cuts, 1) if cut[0]] == [5, 10, 15, 20]
    # Slot 1 steps in the ticks 2, 4, 6, ... only; its fifth step is tick 10.
    assert [tick for tick, cut in enumerate(cuts, 1) if cut[1]] == [10, 20]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_the_limit_of_the_environment_itself_holds(back_end: str) -> None:
    environments = make("Reacher-v5", [0], 1, back_end=back_end)
    environments.reset()
    assert environments.time_limit == 50
    cuts = [environments.step(np.zeros((1, 2), np.float32), ONE).truncated[0] for _ in range(100)]
    assert np.flatnonzero(cuts).tolist() == [49, 99]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_second_reset_begins_new_episodes(back_end: str) -> None:
    environments = make("HalfCheetah-v5", [0], 1, back_end=back_end, time_limit=3)
    first = environments.reset()
    environments.step(np.zeros((1, 6), np.float32), ONE)
    assert (environments.reset() != first).any()
    steps = [environments.step(np.zeros((1, 6), np.float32), ONE) for _ in range(3)]
    assert [bool(step.truncated[0]) for step in steps] == [False, False, True]


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_a_step_before_the_reset_is_refused(back_end: str) -> None:
    environments = make("InvertedPendulum-v5", [1], 1, back_end=back_end)
    with pytest.raises(Exception, match="reset"):
        environments.step(FULL_FORCE, ONE)
