"""What is asked for and what is there."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.evidence.measures.cells import (
    cell_values,
    complete_environments,
    counts_text,
    missing_text,
    planned,
    titles,
)

ENVIRONMENTS, VARIANTS = ("Ant-v5", "Hopper-v5"), ("a", "b", "c")
ALL = [(environment, variant) for environment in ENVIRONMENTS for variant in VARIANTS]


@pytest.fixture
def plan() -> pd.DataFrame:
    """In another order than the page's."""
    rows = [
        {
            "environment": environment,
            "environment_order": ENVIRONMENTS.index(environment),
            "variant": variant,
            "variant_order": VARIANTS.index(variant),
            "variant_title": {"a": "A", "b": "", "c": "C"}[variant],
        }
        for environment, variant in reversed(ALL)
    ]
    return pd.DataFrame(rows)


def test_the_plan_is_read_in_the_order_of_the_page(plan: pd.DataFrame) -> None:
    assert list(planned(plan)) == ALL
    assert titles(plan) == {"a": "A", "b": "b", "c": "C"}


def test_values_are_the_finite_ones_by_seed() -> None:
    nan = float("nan")
    scores = pd.DataFrame(
        {
            "environment": ["Ant-v5"] * 4,
            "variant": ["a", "a", "a", "b"],
            "seed": [2, 0, 1, 0],
            "score": [3.0, 1.0, nan, nan],
            "last_100": [30.0, 10.0, 20.0, 5.0],
        }
    )
    (values,) = cell_values(scores).values()
    assert values.tolist() == [1.0, 3.0]
    last = cell_values(scores, "last_100")
    assert {cell: seeds.tolist() for cell, seeds in last.items()} == {
        ("Ant-v5", "a"): [10.0, 20.0, 30.0],
        ("Ant-v5", "b"): [5.0],
    }


@pytest.mark.parametrize(
    ("absent", "text", "complete"),
    [
        ([], "", ENVIRONMENTS),
        ([("Hopper-v5", "a")], "A on Hopper-v5", ("Ant-v5",)),
        ([("Hopper-v5", "a"), ("Hopper-v5", "c")], "A, C on Hopper-v5", ("Ant-v5",)),
        ([("Ant-v5", v) for v in VARIANTS], "all of Ant-v5", ("Hopper-v5",)),
        ([(e, "b") for e in ENVIRONMENTS], "b everywhere", ENVIRONMENTS),
        (
            [*((e, "b") for e in ENVIRONMENTS), ("Ant-v5", "c")],
            "b everywhere; C on Ant-v5",
            ("Hopper-v5",),
        ),
        ([("Ant-v5", "a"), ("Hopper-v5", "b")], "A on Ant-v5; b on Hopper-v5", ()),
        (ALL, "all of it", ()),
    ],
)
def test_what_is_missing(
    plan: pd.DataFrame,
    absent: list[tuple[str, str]],
    text: str,
    complete: tuple[str, ...],
) -> None:
    present = [cell for cell in ALL if cell not in absent]
    assert missing_text(plan, present) == text
    assert complete_environments(plan, present) == complete


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "n = 10"),
        ({("Hopper-v5", "a"): 3}, "n = 10, save Hopper-v5: A 3"),
        ({("Hopper-v5", "a"): 0}, "n = 10"),
        ({("Hopper-v5", v): 5 for v in "ab"}, "n = 10, save Hopper-v5: A 5, b 5"),
        (
            {**{("Ant-v5", v): 5 for v in VARIANTS}, ("Hopper-v5", "c"): 2},
            "n = 5, save Hopper-v5: A 10, b 10, C 2",
        ),
        ({("Ant-v5", v): 5 for v in VARIANTS}, "n = 10, save Ant-v5: 5"),
        (dict.fromkeys(ALL, 0), "n = 0"),
    ],
)
def test_how_many_seeds(plan: pd.DataFrame, changes: dict[tuple[str, str], int], text: str) -> None:
    assert counts_text(plan, {**dict.fromkeys(ALL, 10), **changes}) == text
