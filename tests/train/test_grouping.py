"""Groups hold every seed once, are as large as they may be, and leave no worker idle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.plan.identity import Description
from bench.train.events import Group, Row
from bench.train.grouping import grouped


def described(number: int) -> Description:
    return Description(
        algorithm="baseline",
        hyperparameters={"number": number},
        environment="CartPole-v1",
        steps=10,
        back_end="envpool",
    )


def rows_of(*parts: tuple[Description, Iterable[int]]) -> list[Row]:
    return [Row(description, seed) for description, seeds in parts for seed in seeds]


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(1, 25), min_size=1, max_size=5),
    workers=st.integers(1, 9),
    group_size=st.integers(1, 12),
)
def test_groups_hold_every_seed_once_and_are_small_enough(
    counts: list[int], workers: int, group_size: int
) -> None:
    descriptions = [described(number) for number in range(len(counts))]
    missing = rows_of(*zip(descriptions, map(range, counts), strict=True))
    groups = grouped(missing, workers, group_size, lambda description: 1.0)
    assert sorted(row.run for g in groups for row in g.rows) == sorted(row.run for row in missing)
    assert all(len(group.descriptions) == 1 for group in groups)
    assert max(len(group.seeds) for group in groups) <= group_size
    sizes = [len(group.seeds) for group in groups]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("counts", "workers", "sizes"),
    [
        ([10], 1, [10]),
        ([10], 2, [5, 5]),
        ([10], 4, [3, 3, 2, 2]),
        ([10], 16, [1] * 10),
        ([10, 10], 2, [10, 10]),
        ([10, 10, 10], 2, [10, 10, 5, 5]),
        ([10] * 12, 2, [10] * 12),
        ([25], 1, [9, 8, 8]),
    ],
)
def test_groups_are_as_large_as_busy_workers_allow(
    counts: list[int], workers: int, sizes: list[int]
) -> None:
    missing = rows_of(*((described(number), range(count)) for number, count in enumerate(counts)))
    groups = grouped(missing, workers, 10, lambda description: 1.0)
    assert [len(group.seeds) for group in groups] == sizes


def test_costly_groups_come_first_and_large_ones_stay_whole() -> None:
    cheap, costly = described(0), described(1)
    groups = grouped(
        rows_of((cheap, range(10)), (costly, range(10))),
        2,
        10,
        lambda description: 1.0 + (description == costly) / 10,
    )
    assert [(group.description, group.seeds) for group in groups] == [
        (costly, tuple(range(10))),
        (cheap, tuple(range(10))),
    ]
    (first, *_) = grouped(
        rows_of((cheap, range(10)), (costly, [0])),
        2,
        10,
        lambda description: 1.0 + (description == costly) * 100,
    )
    assert first == Group.of(costly, (0,))


def on_device(clip_range: float, environment: str = "Hopper-v5", **changes: Any) -> Description:
    return Description(
        algorithm="clipped_ppo",
        hyperparameters={"clip_range": clip_range, "slots": 8, **changes},
        environment=environment,
        steps=10,
        back_end="warp",
        device="cuda",
    )


def test_on_a_device_all_rows_of_a_program_are_one_group_and_on_a_cpu_they_are_not() -> None:
    descriptions = [on_device(0.1), on_device(0.2), on_device(0.3)]
    other = on_device(0.1, "HalfCheetah-v5")
    missing = rows_of(*((description, range(10)) for description in (*descriptions, other)))
    groups = grouped(missing, 1, 10, lambda description: 1.0)
    assert [len(group.rows) for group in groups] == [30, 10]
    assert groups[0].descriptions == descriptions
    # A second place gains next to nothing where the chip is nearly empty.
    assert [len(group.rows) for group in grouped(missing[:30], 2, 10, lambda description: 1.0)] == [
        30
    ]
    host = [
        row._replace(description=replace(row.description, back_end="envpool")) for row in missing
    ]
    assert [len(group.rows) for group in grouped(host, 1, 10, lambda description: 1.0)] == [10] * 4


def test_a_group_on_a_device_has_no_more_worlds_than_fit() -> None:
    (first, *others) = grouped(
        rows_of((on_device(0.1, slots=65_536), range(5))), 1, 10, lambda description: 1.0
    )
    assert [len(group.rows) for group in (first, *others)] == [2, 2, 1]
