"""Remarks on runs whose curves were read from files, and which were not trained here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.store.schema import IMPORTED

ALIKE = 0.05
"""Budgets that differ by less than this share are alike: a file ends with its last episode."""


def is_imported(row: Mapping[str, Any]) -> bool:
    """Whether a row of the table `plans` is of imported curves."""
    return bool(json.loads(row["metadata"]).get(IMPORTED))


def trained(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that were not imported."""
    return runs[runs["back_end"] != IMPORTED]


def remarks(runs: pd.DataFrame) -> tuple[str, ...]:
    """Return lines on each imported variant in an environment: its origin, and what is odd.

    Args:
        runs: the store's view of an ablation.
    """
    lines = []
    cells = runs[runs["back_end"] == IMPORTED].groupby(
        ["environment", "variant_title"], sort=False, observed=True
    )
    for (environment, title), cell in cells:
        kinds = " and ".join(
            dict.fromkeys(
                evaluation.removeprefix(f"{IMPORTED}: ") for evaluation in cell["evaluation"]
            )
        )
        count = f"{len(cell)} run{'' if len(cell) == 1 else 's'}"
        lines.append(
            f"{title} in {environment} was not trained here: {count} read from files ({kinds}); "
            "steps, seeds and scoring were not verified, and its pairs with others share a seed's "
            "number, not its random streams"
        )
        trained_runs = trained(runs[runs["environment"] == environment])
        budgets = sorted(map(int, trained_runs["budget"].unique()))
        fewest, most = int(cell["budget"].min()), int(cell["budget"].max())
        if most - fewest > ALIKE * most:
            lines.append(f"{title} in {environment} has seeds of {fewest:,} to {most:,} steps")
        if any(abs(most - budget) > ALIKE * max(most, budget) for budget in budgets):
            listed = " and ".join(f"{budget:,}" for budget in budgets)
            lines.append(
                f"{title} in {environment} has {most:,} steps per run, the others {listed}"
            )
        for reason, odd_runs in cell.dropna(subset="reason").groupby("reason", sort=False):
            seeds = ", ".join(str(seed) for seed in odd_runs["seed"])
            which_seeds = f"seed{'' if len(odd_runs) == 1 else 's'} {seeds}"
            lines.append(f"{title} in {environment}, {which_seeds}: {reason}")
    return tuple(lines)
