"""The plan that trains given runs again has exactly their ids."""

from __future__ import annotations

from typing import Any

from bench.plan.identity import Description
from bench.plan.retraining import retraining_plan


def describe(**changes: Any) -> Description:
    fields: dict[str, Any] = {
        "algorithm": "baseline",
        "hyperparameters": {"baseline": "none"},
        "environment": "Hopper-v5",
        "steps": 1000,
        "back_end": "envpool",
    }
    return Description(**{**fields, **changes})


def test_the_runs_of_the_plan_are_those_that_were_given() -> None:
    first, second = describe(), describe(hyperparameters={"baseline": "mean"})
    third = describe(environment="Ant-v5", steps=5)
    runs = [(first, 3), (second, 0), (first, 1), (third, 7), (first, 3)]
    plan = retraining_plan(runs)
    assert plan.runs() == {description.run(seed): (description, seed) for description, seed in runs}
    # Seeds of one description train together; what differs has a name of its own.
    assert [cell.seeds for cell in plan.cells] == [(1, 3), (0,), (7,)]
    names = [cell.variant.name for cell in plan.cells]
    assert len(set(names)) == 3
    assert all(name.startswith("baseline-") for name in names)
    assert [cell.environment for cell in plan.cells] == ["Hopper-v5", "Hopper-v5", "Ant-v5"]


def test_an_algorithm_with_an_address_is_named_as_a_variant_can_be() -> None:
    plan = retraining_plan([(describe(algorithm="_my.module:ALGORITHM"), 0)])
    (variant,) = plan.ablation.variants
    assert variant.name.startswith("my_module_ALGORITHM-")
