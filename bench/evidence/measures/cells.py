"""Cells of a comparison, one variant on one environment: those planned and those with results.

A comparison of many cells is shown before all of them have been trained. Missing cells are named,
and averages over environments are taken over those that every variant has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from bench.evidence.measures.alignment import Floats
from bench.store.imported import ALIKE, trained
from bench.store.schema import IMPORTED

Cell = tuple[str, str]
"""(environment, variant), by name."""


def planned(plan: pd.DataFrame) -> tuple[Cell, ...]:
    """The cells of the store's plan, by environment and variant in the order of the page."""
    ordered = plan.sort_values(["environment_order", "variant_order"], kind="stable")
    pairs = zip(ordered["environment"], ordered["variant"], strict=True)
    return tuple((str(environment), str(variant)) for environment, variant in pairs)


def titles(page: pd.DataFrame) -> dict[str, str]:
    """Variant -> its title in figures and tables, in the order of `page`: a plan or its runs."""
    ordered = page.sort_values("variant_order", kind="stable").drop_duplicates("variant")
    pairs = zip(ordered["variant"], ordered["variant_title"], strict=True)
    return {str(variant): str(title) or str(variant) for variant, title in pairs}


def cell_values(scores: pd.DataFrame, column: str = "score") -> dict[Cell, Floats]:
    """The seeds' numbers in each cell that has any, by seed: finite ones only.

    Args:
        scores: the frame of `scores.score_runs`.
        column: "score" or "last_100" [return].
    """
    scored = scores[np.isfinite(scores[column])].sort_values("seed", kind="stable")
    return {
        (str(environment), str(variant)): group[column].to_numpy(dtype=np.float64)
        for (environment, variant), group in scored.groupby(["environment", "variant"], sort=False)
    }


def by_seed(scores: pd.DataFrame) -> dict[Cell, dict[int, float]]:
    """Every cell's finite scores by seed; empty where a cell has runs and no score."""
    found: dict[Cell, dict[int, float]] = {}
    for environment, variant, seed, score in zip(
        scores["environment"], scores["variant"], scores["seed"], scores["score"], strict=True
    ):
        of_seed = found.setdefault((environment, variant), {})
        if np.isfinite(score):
            of_seed[int(seed)] = float(score)
    return found


def paired_differences(own: Mapping[int, float], other: Mapping[int, float]) -> Floats:
    """own − other of the seeds that both have, by seed [return]."""
    return np.array([own[seed] - other[seed] for seed in sorted(own.keys() & other.keys())])


def unlike(own: pd.DataFrame, other: pd.DataFrame, title: str) -> str:
    """Why the scores of two variants on an environment are not the same quantity.

    Compared are the kinds of returns, the budgets (alike within 5%: a file of curves ends with its
    last episode) and the back ends that stepped, of which an imported run has none.

    Args:
        own, other: rows of the frame of `scores.score_runs`.
        title: what the other variant is called.

    Returns:
        Like "999,000 steps, control has 100,000"; empty where they are alike, or one has no rows.
    """
    if own.empty or other.empty:
        return ""
    kinds = [_listed(cell["kind"]) for cell in (own, other)]
    if kinds[0] != kinds[1]:
        return f"{kinds[0]}, {title} has {kinds[1]}"
    few = min(int(cell["budget"].min()) for cell in (own, other))
    many = max(int(cell["budget"].max()) for cell in (own, other))
    if many - few > ALIKE * many:
        mine, theirs = (
            " and ".join(f"{budget:,}" for budget in sorted(cell["budget"].unique()))
            for cell in (own, other)
        )
        return f"{mine} steps, {title} has {theirs}"
    stepped = [_listed(cell["back_end"][cell["back_end"] != IMPORTED]) for cell in (own, other)]
    if all(stepped) and stepped[0] != stepped[1]:
        return f"stepped by {stepped[0]}, {title} by {stepped[1]}"
    return ""


def _listed(column: pd.Series) -> str:
    return " and ".join(sorted(column.astype(str).unique()))


def complete_environments(plan: pd.DataFrame, present: Collection[Cell]) -> tuple[str, ...]:
    """The environments on which every variant that has any present cell has one.

    A variant without any present cell does not count.
    """
    cells = planned(plan)
    there = {variant for _, variant in present}
    lacking = {
        where for where, variant in cells if variant in there and (where, variant) not in present
    }
    seen = {where for where, _ in present}
    names = dict.fromkeys(where for where, _ in cells)
    return tuple(name for name in names if name in seen and name not in lacking)


def missing_text(plan: pd.DataFrame, present: Collection[Cell]) -> str:
    """Which cells of the plan are not there: "CEM, TRPO on Hopper-v5; all of Swimmer-v5".

    Empty if none is missing. A variant without any cell is named once.
    """
    cells, names = planned(plan), titles(plan)
    absent = [cell for cell in cells if cell not in present]
    if not absent or len(absent) == len(cells):
        return "all of it" if absent else ""
    nowhere = set(names) - {variant for _, variant in present}
    parts = [f"{name} everywhere" for variant, name in names.items() if variant in nowhere]
    by_environment: dict[str, list[str]] = {}
    for environment, variant in absent:
        if variant not in nowhere:
            by_environment.setdefault(environment, []).append(variant)
    for environment, variants in by_environment.items():
        others = [v for where, v in cells if where == environment and v not in nowhere]
        whole = variants == others
        listed = ", ".join(names[variant] for variant in variants)
        parts.append(f"all of {environment}" if whole else f"{listed} on {environment}")
    return "; ".join(parts)


def budgets(runs: pd.DataFrame) -> dict[str, int]:
    """Environment -> how many steps each seed has; imported runs have budgets of their own."""
    own = trained(runs)
    largest = (runs if own.empty else own).groupby("environment", sort=False)["budget"].max()
    return {str(environment): int(size) for environment, size in largest.items()}


def range_text(few: int, many: int) -> str:
    """A range of counts as text: "10", or "5 to 10"."""
    return str(few) if few == many else f"{few} to {many}"


def counts_text(plan: pd.DataFrame, counts: Mapping[Cell, int]) -> str:
    """How many seeds the cells have, naming the cells that differ from most.

    Like "n = 10", or "n = 10, save Hopper-v5: CEM 3, TRPO 5; Swimmer-v5: 7". Cells without seeds
    are passed over.
    """
    names = titles(plan)
    there = {cell: number for cell, number in counts.items() if number}
    if not there:
        return "n = 0"
    numbers = list(there.values())
    usual = max(set(numbers), key=lambda number: (numbers.count(number), number))
    parts = []
    for environment in dict.fromkeys(where for where, _ in planned(plan)):
        here = {variant: n for (where, variant), n in there.items() if where == environment}
        others = {variant: n for variant, n in here.items() if n != usual}
        told = ", ".join(f"{names[variant]} {n}" for variant, n in others.items())
        if others:
            alike = len(set(here.values())) == 1
            parts.append(f"{environment}: {next(iter(others.values())) if alike else told}")
    return f"n = {usual}" + (f", save {'; '.join(parts)}" if parts else "")
