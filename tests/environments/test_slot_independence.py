"""What happens in a slot follows from its seed, its number and its actions, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.spaces import Continuous
from bench.plan.back_ends import ENVPOOL
from bench.train.environments import make

Place = tuple[int, int]
Record = list[tuple[bytes, ...]]

TICKS = 40
# Short, so that ends by the limit, ends by falls and idling meet.
LIMIT = 12
SEEDS = (3, 0, 2**40)
SLOTS = 3

CASES = [
    ("CartPole-v1", "envpool"),
    ("Hopper-v5", "envpool"),
    ("LunarLanderContinuous-v3", "envpool"),
    ("CartPole-v1", "gymnasium"),
    ("Hopper-v5", "gymnasium"),
]


def play(
    environment: str,
    back_end: str,
    seeds: Sequence[int],
    slots: int,
    is_active: Callable[[int, int], bool] = lambda tick, index: True,
) -> tuple[list[bytes], dict[Place, Record]]:
    """First observations, and what each slot went through in its own steps.

    The k-th action of a slot depends on its place and k only, whatever it idled in between.
    """
    environments = make(environment, seeds, slots, back_end=back_end, time_limit=LIMIT)
    places = [(seed, slot) for seed in seeds for slot in range(slots)]
    script = np.stack([_script(environments.action_space, place) for place in places])
    own_steps = np.zeros(len(places), int)
    previous = environments.reset()
    first = [row.tobytes() for row in previous]
    records: dict[Place, Record] = {place: [] for place in places}
    for tick in range(TICKS):
        active = np.array([is_active(tick, index) for index in range(len(places))])
        actions = script[np.arange(len(places)), own_steps]
        step = environments.step(actions, active)
        for index, place in enumerate(places):
            if active[index]:
                records[place].append(
                    tuple(
                        column[index].tobytes()
                        for column in (
                            step.last_observations,
                            step.rewards,
                            step.terminated,
                            step.truncated,
                            step.observations,
                        )
                    )
                )
            else:
                assert step.rewards[index] == 0
                assert not step.terminated[index]
                assert not step.truncated[index]
                np.testing.assert_array_equal(step.observations[index], previous[index])
                np.testing.assert_array_equal(step.last_observations[index], previous[index])
        own_steps += active
        previous = step.observations
    environments.close()
    return first, records


def _script(space: object, place: Place) -> np.ndarray:
    generator = np.random.default_rng(place)
    if isinstance(space, Continuous):
        low, high = np.array(space.low), np.array(space.high)
        return generator.uniform(low, high, (TICKS + 1, space.size)).astype(np.float32)
    return generator.integers(0, 2, TICKS + 1)


_references: dict[tuple[str, str], dict[Place, Record]] = {}


def reference(environment: str, back_end: str) -> dict[Place, Record]:
    key = (environment, back_end)
    if key not in _references:
        _references[key] = play(environment, back_end, SEEDS, SLOTS)[1]
    return _references[key]


@pytest.mark.parametrize(("environment", "back_end"), CASES)
@settings(max_examples=12, deadline=None)
@given(
    seeds=st.lists(st.sampled_from(SEEDS), min_size=1, max_size=3, unique=True),
    slots=st.integers(1, SLOTS),
    awake=st.lists(st.lists(st.booleans(), min_size=9, max_size=9), min_size=TICKS, max_size=TICKS),
)
def test_any_group_in_any_order_with_any_idling_gives_the_same(
    environment: str, back_end: str, seeds: list[int], slots: int, awake: list[list[bool]]
) -> None:
    expected = reference(environment, back_end)
    _, records = play(environment, back_end, seeds, slots, lambda tick, index: awake[tick][index])
    for place, record in records.items():
        assert record == expected[place][: len(record)], place


@pytest.mark.parametrize("environment", ENVPOOL.ids)
def test_alone_in_a_group_and_permuted_are_the_same(environment: str) -> None:
    _, group = play(environment, "envpool", (5, 6, 7), 2)
    _, permuted = play(environment, "envpool", (7, 5), 2)
    _, alone = play(environment, "envpool", (6,), 1)
    assert permuted == {place: group[place] for place in permuted}
    assert alone == {place: group[place] for place in alone}


@pytest.mark.parametrize(("environment", "back_end"), CASES)
def test_every_slot_seed_and_episode_begins_elsewhere(environment: str, back_end: str) -> None:
    first, _ = play(environment, back_end, (0, 1), 2)
    repeated, _ = play(environment, back_end, (0, 1), 2)
    assert first == repeated
    starts = list(first)
    for record in reference(environment, back_end).values():
        starts += [
            observation
            for _, _, terminated, truncated, observation in record
            if any(terminated) or any(truncated)
        ]
    assert len(starts) > len(first) + 9
    assert len(set(starts)) == len(starts)


@pytest.mark.parametrize("back_end", ["envpool", "gymnasium"])
def test_later_ticks_do_not_write_into_what_was_handed_out(back_end: str) -> None:
    environments = make("CartPole-v1", [0], 2, back_end=back_end, time_limit=2)
    handed_out: list[Any] = [environments.reset()]
    all_active = np.ones(2, bool)
    copies = [handed_out[0].copy()]
    for _ in range(5):
        step = environments.step(np.zeros(2, np.int64), all_active)
        columns = [step.observations, step.last_observations, step.rewards]
        handed_out += [*columns, step.terminated, step.truncated]
        copies = copies + [column.copy() for column in handed_out[len(copies) :]]
    for array, copy in zip(handed_out, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    # Nor does writing into it reach the slots.
    before = step.observations.copy()
    step.observations[:] = 7.0
    idle = environments.step(np.zeros(2, np.int64), ~all_active)
    np.testing.assert_array_equal(idle.observations, before)


@pytest.mark.parametrize("back_end", ["envpool", "gymnasium"])
def test_dtypes_and_shapes(back_end: str) -> None:
    environments = make("HalfCheetah-v5", [4, 9], 3, back_end=back_end)
    first = environments.reset()
    step = environments.step(np.zeros((6, 6), np.float32), np.ones(6, bool))
    assert first.shape == (6, 17)
    assert first.dtype == np.float32
    assert step.observations.shape == (6, 17)
    assert step.observations.dtype == np.float32
    assert step.last_observations is step.observations
    assert step.rewards.shape == (6,)
    assert step.rewards.dtype == np.float64
    assert step.terminated.shape == (6,)
    assert step.terminated.dtype == np.bool_
    assert step.truncated.shape == (6,)
    assert step.truncated.dtype == np.bool_
