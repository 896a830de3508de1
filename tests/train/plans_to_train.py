"""Small plans, of real algorithms and of the stand-in trainer's behaviours; equal results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ablations.spec import Ablation, Variant
from bench.plan.identity import Description
from bench.plan.plan import Cell, Plan, make_plan
from bench.store import Store
from bench.train.environments.catalogue import back_end_of


def described(behaviour: str = "finish", **changes: Any) -> Description:
    return Description(
        algorithm="baseline",
        hyperparameters={"behaviour": behaviour, **changes},
        environment="CartPole-v1",
        steps=10,
        back_end="envpool",
    )


def planned(
    descriptions: Sequence[Description],
    seeds: Sequence[int] = (0, 1),
    names: Sequence[str] | None = None,
) -> Plan:
    """One variant per description, all in the environment and with the budget of the first."""
    first = descriptions[0]
    variants = tuple(
        Variant(name=name, algorithm=first.algorithm, hyperparameters={"slots": index})
        for index, name in enumerate(names or [f"v{number}" for number in range(len(descriptions))])
    )
    ablation = Ablation(
        name="mine",
        title="Mine",
        question="Why?",
        environments=(first.environment,),
        variants=variants,
        control=variants[0].name,
        steps=first.steps,
    )
    cells = tuple(
        Cell(
            variant=variant,
            environment=first.environment,
            description=description,
            seeds=tuple(seeds),
            differs={},
        )
        for variant, description in zip(variants, descriptions, strict=True)
    )
    return Plan(ablation=ablation, cells=cells)


def real_plan(seeds: Sequence[int]) -> Plan:
    ablation = Ablation(
        name="mine",
        title="Mine",
        question="Why?",
        environments=("CartPole-v1",),
        variants=(
            Variant(name="ppo", algorithm="clipped_ppo", hyperparameters={"batch_steps": 256}),
            Variant(name="vanilla", algorithm="vanilla_policy_gradient"),
        ),
        control="ppo",
        steps=600,
        seeds=tuple(seeds),
    )
    return make_plan(ablation, back_end_of=back_end_of)


def assert_same(actual: Store, expected: Store) -> None:
    """Every run once, and all of it equal to the bit."""
    runs = sorted(expected.runs()["run"])
    assert sorted(actual.runs()["run"]) == runs
    assert set(actual.runs()["status"]) == {"finished"}
    for table in ("episodes", "updates"):
        one, other = (
            getattr(store, table)().drop(columns="seconds") for store in (actual, expected)
        )
        assert len(one)
        assert one.equals(other)
    for run in runs:
        one, other = actual.policy(run), expected.policy(run)
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)
