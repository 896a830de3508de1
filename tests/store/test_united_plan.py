"""Two plans of an ablation as one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from stored_example import NOON, PlanRows

from bench.evidence.statistics.claimable import FEWEST_PAIRS
from bench.store.united_plan import FEWEST_SEEDS, unite

OLD, NEW = '{"title": "old"}', '{"title": "new"}'
LATER = NOON + timedelta(hours=1)
Rows = list[dict[str, Any]]


def cells(rows: Rows) -> list[tuple[Any, ...]]:
    names = ("environment", "environment_order", "variant", "variant_order", "description")
    return [tuple(row[name] for name in names) for row in rows]


def part(rows: Rows, **selection: Any) -> Rows:
    """Some cells of a plan, as a request for part of the ablation has them: its own environment
    order, and the ablation's order of variants."""
    selected = [
        row for row in rows if all(row[name] in values for name, values in selection.items())
    ]
    environments = list(dict.fromkeys(row["environment"] for row in selected))
    return [
        {**row, "environment_order": environments.index(row["environment"])} for row in selected
    ]


def test_plans_of_other_seeds_are_the_same_plan(plan_rows: PlanRows) -> None:
    here, there = plan_rows(), plan_rows(created=LATER)
    assert unite(here, there) == (there, ())
    assert unite(there, here) == (there, ())
    assert unite(there, there) == (there, ())


@pytest.mark.parametrize(
    ("here", "there", "results", "expected"),
    [
        (range(10), range(10, 20), range(20), range(10)),
        (range(10), range(10, 20), range(10, 20), range(10, 20)),
        (range(10), range(10, 20), range(9), range(20)),
        (range(3), range(10), range(10), range(10)),
        (range(4), range(4, 8), range(8), range(8)),
    ],
)
def test_seeds_stay_once_results_can_be_judged(
    here: range, there: range, results: range, expected: range, plan_rows: PlanRows
) -> None:
    ours, theirs = (
        plan_rows(metadata=json.dumps({"title": title, "seeds": [*seeds]}), created=created)
        for title, seeds, created in (("old", here, NOON), ("new", there, LATER))
    )
    stored = dict.fromkeys(("d0", "d1"), results)
    united, _ = unite(ours, theirs, results=stored)
    planned = [json.loads(row["metadata"]) for row in united]
    assert planned == [{"title": "new", "seeds": [*expected]}] * 2
    assert unite(united, theirs, results=stored)[0] == united


def test_as_many_results_can_be_judged_as_a_test_needs() -> None:
    assert FEWEST_SEEDS == FEWEST_PAIRS


def test_held_out_seeds_of_parts_are_held_out_together(plan_rows: PlanRows) -> None:
    here, there = (
        plan_rows(metadata=json.dumps({"held_out": seeds})) for seeds in ([100, 101], [102])
    )
    united, _ = unite(here, there)
    assert [json.loads(row["metadata"]) for row in united] == [{"held_out": [100, 101, 102]}] * 2


def test_where_there_is_no_plan_the_other_is_taken(plan_rows: PlanRows) -> None:
    assert unite([], plan_rows()) == (plan_rows(), ())


def test_parts_make_the_whole_again(plan_rows: PlanRows) -> None:
    names = ("Swimmer-v5", "Ant-v5", "Hopper-v5")
    full = plan_rows(variants=("none", "mean", "own"), environments=names)
    for here, there in (
        ({"environment": names[:2]}, {"environment": names[2:]}),
        ({"variant": ["none", "own"]}, {"variant": ["mean"]}),
        ({"variant": ["mean"]}, {"variant": ["none", "mean", "own"]}),
        ({"variant": ["none"], "environment": names[:1]}, {}),
    ):
        first, second = part(full, **here), part(full, **there)
        united, contested = unite(first, second)
        assert united == full
        assert contested == ()
        # Merging once more changes nothing.
        assert unite(united, first)[0] == unite(united, second)[0] == full


def test_environments_come_in_the_declared_order_whoever_is_merged_first(
    plan_rows: PlanRows,
) -> None:
    names = ("Swimmer-v5", "Ant-v5", "Hopper-v5")
    full = plan_rows(environments=names)
    first = part(full, environment=["Swimmer-v5", "Hopper-v5"])
    second = part(full, environment=["Ant-v5"])
    assert unite(first, second, declared=names)[0] == full
    assert unite(second, first, declared=names)[0] == full
    united, _ = unite(second, first)
    assert [row["environment"] for row in united[::2]] == ["Ant-v5", "Swimmer-v5", "Hopper-v5"]
    # What is not new keeps the order in which it was asked for.
    turned = plan_rows(environments=names[::-1])
    assert unite(turned, turned, declared=names)[0] == turned


def test_the_later_plan_has_the_words(plan_rows: PlanRows) -> None:
    here = part(plan_rows(title="Old", metadata=OLD), variant=["none"])
    there = part(plan_rows(title="New", metadata=NEW, created=LATER), variant=["mean"])
    for united in (unite(here, there)[0], unite(there, here)[0]):
        assert [row["title"] for row in united] == ["New", "New"]
        assert [row["created"] for row in united] == [LATER, LATER]
        assert [row["metadata"] for row in united] == [OLD, NEW]
    # Of a cell that both have, too.
    full = plan_rows(metadata=OLD)
    for united in (unite(full, there)[0], unite(there, full)[0]):
        assert [row["metadata"] for row in united] == [OLD, NEW]


def test_what_cannot_be_compared_is_taken_whole_from_one_of_them(plan_rows: PlanRows) -> None:
    environments = ("Swimmer-v5", "Ant-v5")
    here = plan_rows(environments=environments)
    there = plan_rows(variants=("none", "mean", "own"), environments=("Swimmer-v5",))
    there = [{**row, "description": f"e{place}"} for place, row in enumerate(there)]
    united, contested = unite(here, there)
    assert contested == ("Swimmer-v5",)
    assert united == here
    united, contested = unite(here, there, replace=True)
    assert contested == ("Swimmer-v5",)
    assert cells(united) == [
        ("Swimmer-v5", 0, "none", 0, "e0"),
        ("Swimmer-v5", 0, "mean", 1, "e1"),
        ("Swimmer-v5", 0, "own", 2, "e2"),
        ("Ant-v5", 1, "none", 0, "d2"),
        ("Ant-v5", 1, "mean", 1, "d3"),
    ]
    assert unite(united, there) == (united, ())


def test_variants_of_other_budgets_cannot_be_compared(plan_rows: PlanRows) -> None:
    here = part(plan_rows(), variant=["none"])
    there = part(plan_rows(budget=500), variant=["mean"])
    assert unite(here, there) == (here, ("Hopper-v5",))
    assert unite(here, there, replace=True) == (there, ("Hopper-v5",))
    # In another environment it may be another one.
    elsewhere = plan_rows(budget=500, environments=("Ant-v5",))
    assert unite(here, elsewhere)[1] == ()


def test_a_variant_that_came_in_later_moves_those_behind_it(plan_rows: PlanRows) -> None:
    old = plan_rows(variants=("none", "mean", "gone"))
    new = plan_rows(variants=("none", "new", "mean"), created=LATER)
    descriptions = {"none": "d0", "mean": "d1", "gone": "d2", "new": "d3"}
    for row in (*old, *new):
        row["description"] = descriptions[row["variant"]]
    for united in (unite(old, new)[0], unite(new, old)[0]):
        assert [(row["variant"], row["variant_order"]) for row in united] == [
            ("none", 0),
            ("new", 1),
            ("mean", 2),
            ("gone", 3),
        ]


def test_what_was_imported_bars_no_environment_from_being_united(plan_rows: PlanRows) -> None:
    here, there = plan_rows(), plan_rows(created=LATER)
    imported = {**there[1], "variant": "sb3", "description": "i0", "budget": 77, "variant_order": 2}
    united, contested = unite(here, [*there, {**imported, "metadata": '{"imported": true}'}])
    assert contested == ()
    assert [row["variant"] for row in united] == ["none", "mean", "sb3"]
    _, contested = unite(here, [*there, imported])
    assert contested == ("Hopper-v5",)
