"""The plan that trains given runs again: one variant per description, no question behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ablations.spec import Ablation, Variant
from bench.plan.identity import Description
from bench.plan.plan import Cell, Plan


def retraining_plan(runs: Sequence[tuple[Description, int]]) -> Plan:
    """Return the plan of runs, given as pairs (description, seed), at least one."""
    seeds: dict[Description, set[int]] = {}
    for trained, seed in runs:
        seeds.setdefault(trained, set()).add(seed)
    variants = {
        description: Variant(name=_name(description), algorithm=description.algorithm)
        for description in seeds
    }
    ablation = Ablation(
        name="retraining",
        title="Runs trained again",
        question="Does training again give what is stored?",
        environments=tuple(dict.fromkeys(description.environment for description in seeds)),
        variants=tuple(variants.values()),
        control=next(iter(variants.values())).name,
        steps=max(description.steps for description in seeds),
    )
    return Plan(
        ablation=ablation,
        cells=tuple(
            Cell(
                variant=variants[description],
                environment=description.environment,
                description=description,
                seeds=tuple(sorted(numbers)),
                differs={},
            )
            for description, numbers in seeds.items()
        ),
    )


def _name(description: Description) -> str:
    # The algorithm alone isn't unique: several descriptions may have the same one.
    # An address is reduced to the characters that a variant's name may have.
    text = re.sub(r"[^A-Za-z0-9]+", "_", description.algorithm)[-100:].strip("_")
    return f"{text or 'algorithm'}-{description.identifier[:8]}"
