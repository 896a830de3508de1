"""Groups hold every seed once, are as large as they may be, and leave no worker idle."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.plan.identity import Description
from bench.train.events import Group
from bench.train.grouping import grouped


def described(number: int) -> Description:
    return Description(
        algorithm="baseline",
        hyperparameters={"number": number},
        environment="CartPole-v1",
        steps=10,
        back_end="envpool",
    )


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
    missing = [(each, range(count)) for each, count in zip(descriptions, counts, strict=True)]
    groups = grouped(missing, workers, group_size, lambda description: 1.0)
    held = sorted((g.description.identifier, seed) for g in groups for seed in g.seeds)
    assert held == sorted((each.identifier, seed) for each, seeds in missing for seed in seeds)
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
    missing = [(described(number), range(count)) for number, count in enumerate(counts)]
    groups = grouped(missing, workers, 10, lambda description: 1.0)
    assert [len(group.seeds) for group in groups] == sizes


def test_costly_groups_come_first_and_large_ones_stay_whole() -> None:
    cheap, costly = described(0), described(1)
    groups = grouped(
        [(cheap, range(10)), (costly, range(10))], 2, 10, lambda each: 1.0 + (each == costly) / 10
    )
    assert [(group.description, group.seeds) for group in groups] == [
        (costly, tuple(range(10))),
        (cheap, tuple(range(10))),
    ]
    (first, *_) = grouped(
        [(cheap, range(10)), (costly, [0])], 2, 10, lambda each: 1.0 + (each == costly) * 100
    )
    assert first == Group(description=costly, seeds=(0,))
