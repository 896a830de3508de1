"""The plan that trains given runs again: one variant per description, no question behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ablations.spec import Ablation, Variant
from bench.plan.identity import Description
from bench.plan.plan import Cell, Plan


def retraining_plan(runs: Sequence[tuple[Description, int]]) -> Plan:
    """The plan of runs, given by description and seed; there is at least one."""
    seeds: dict[Description, set[int]] = {}
    for description, seed in runs:
        seeds.setdefault(description, set()).add(seed)
    variants = {each: Variant(name=_name(each), algorithm=each.algorithm) for each in seeds}
    ablation = Ablation(
        name="retraining",
        title="Runs trained again",
        question="Does training again give what is stored?",
        environments=tuple(dict.fromkeys(each.environment for each in seeds)),
        variants=tuple(variants.values()),
        control=next(iter(variants.values())).name,
        steps=max(each.steps for each in seeds),
    )
    return Plan(
        ablation=ablation,
        cells=tuple(
            Cell(
                variant=variants[each],
                environment=each.environment,
                description=each,
                seeds=tuple(sorted(numbers)),
                differs={},
            )
            for each, numbers in seeds.items()
        ),
    )


def _name(description: Description) -> str:
    # An algorithm alone would not do: its variants are descriptions of their own.
    # Of an address, what a variant's name may hold.
    text = re.sub(r"[^A-Za-z0-9]+", "_", description.algorithm)[-100:].strip("_")
    return f"{text or 'algorithm'}-{description.identifier[:8]}"
