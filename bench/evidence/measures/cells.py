"""Cells of a comparison, one variant on one environment: those planned and those with results.

A comparison of many cells is shown before all of them have been trained. Missing cells are named,
and averages over environments are taken over those that every variant has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pandas as pd

from bench.evidence.statistics.estimates import Floats
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


def control_of(plan: pd.DataFrame, page: pd.DataFrame) -> str:
    """The plan's control or, where it has no rows on the page, the first variant that has.

    Args:
        plan: the store's plan of the ablation.
        page: its runs or their scores.
    """
    control, present = str(plan["control"].iloc[0]), list(dict.fromkeys(page["variant"]))
    return control if control in present or not present else str(present[0])


def cell_values(scores: pd.DataFrame, column: str = "score") -> dict[Cell, Floats]:
    """The seeds' numbers in each cell that has any, by seed: finite ones only.

    Args:
        scores: the frame of `scores.score_runs`.
        column: "score" or "last_100" [return].
    """
    scored = scores[np.isfinite(scores[column])].sort_values("seed", kind="stable")
    return {
        cell: rows[column].to_numpy(dtype=np.float64) for cell, rows in rows_by_cell(scored).items()
    }


def by_seed(scores: pd.DataFrame) -> dict[Cell, dict[int, float]]:
    """Every cell's finite scores by seed; empty where a cell has runs and no score."""
    scores_by_cell: dict[Cell, dict[int, float]] = {}
    for environment, variant, seed, score in zip(
        scores["environment"], scores["variant"], scores["seed"], scores["score"], strict=True
    ):
        seed_scores = scores_by_cell.setdefault((environment, variant), {})
        if np.isfinite(score):
            seed_scores[int(seed)] = float(score)
    return scores_by_cell


def rows_by_cell(scores: pd.DataFrame) -> dict[Cell, pd.DataFrame]:
    """Return the rows of each cell, from the frame of `scores.score_runs`."""
    groups = scores.groupby(["environment", "variant"], sort=False, observed=True)
    return {(str(environment), str(variant)): rows for (environment, variant), rows in groups}


def paired_differences(first: Mapping[int, float], second: Mapping[int, float]) -> Floats:
    """first − second of the seeds that both have, by seed [return]."""
    return np.array([first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())])


def why_unlike(first: pd.DataFrame, second: pd.DataFrame, title: str) -> str:
    """Why the scores of two variants on an environment are not the same quantity.

    Compared are the kinds of returns, the budgets (alike within 5%: a file of curves ends with its
    last episode) and the back ends that stepped, of which an imported run has none.

    Args:
        first, second: rows of the frame of `scores.score_runs`.
        title: what the second variant is called.

    Returns:
        Like "999,000 steps, control has 100,000"; empty where they are alike, or one has no rows.
    """
    if first.empty or second.empty:
        return ""
    kinds = [_listed(set(cell["kind"])) for cell in (first, second)]
    if kinds[0] != kinds[1]:
        return f"{kinds[0]}, {title} has {kinds[1]}"
    smallest = min(int(cell["budget"].min()) for cell in (first, second))
    largest = max(int(cell["budget"].max()) for cell in (first, second))
    if largest - smallest > ALIKE * largest:
        first_steps, second_steps = (
            " and ".join(f"{budget:,}" for budget in sorted(set(cell["budget"])))
            for cell in (first, second)
        )
        return f"{first_steps} steps, {title} has {second_steps}"
    back_ends = [_listed({*cell["back_end"]} - {IMPORTED}) for cell in (first, second)]
    if all(back_ends) and back_ends[0] != back_ends[1]:
        return f"stepped by {back_ends[0]}, {title} by {back_ends[1]}"
    return ""


def _listed(names: Collection[str]) -> str:
    return " and ".join(sorted(map(str, names)))


def complete_environments(plan: pd.DataFrame, present: Collection[Cell]) -> tuple[str, ...]:
    """The environments on which every variant that has any present cell has one.

    A variant without any present cell does not count.
    """
    cells = planned(plan)
    present_variants = {variant for _, variant in present}
    incomplete = {
        environment
        for environment, variant in cells
        if variant in present_variants and (environment, variant) not in present
    }
    present_environments = {environment for environment, _ in present}
    names = dict.fromkeys(environment for environment, _ in cells)
    return tuple(name for name in names if name in present_environments and name not in incomplete)


def missing_text(plan: pd.DataFrame, present: Collection[Cell]) -> str:
    """Which cells of the plan are not there: "CEM, TRPO on Hopper-v5; all of Swimmer-v5".

    Empty if none is missing. A variant without any cell is named once.
    """
    cells, names = planned(plan), titles(plan)
    missing = [cell for cell in cells if cell not in present]
    if not missing or len(missing) == len(cells):
        return "all of it" if missing else ""
    absent_variants = set(names) - {variant for _, variant in present}
    parts = [f"{name} everywhere" for variant, name in names.items() if variant in absent_variants]
    by_environment: dict[str, list[str]] = {}
    for environment, variant in missing:
        if variant not in absent_variants:
            by_environment.setdefault(environment, []).append(variant)
    for environment, variants in by_environment.items():
        planned_variants = [
            v for where, v in cells if where == environment and v not in absent_variants
        ]
        all_missing = variants == planned_variants
        listed = ", ".join(names[variant] for variant in variants)
        parts.append(f"all of {environment}" if all_missing else f"{listed} on {environment}")
    return "; ".join(parts)


def budgets(runs: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """Environment -> how many steps its runs have, ascending; imported ones' where all are."""
    trained_runs = trained(runs)
    runs = runs if trained_runs.empty else trained_runs
    return {
        str(environment): tuple(sorted(set(map(int, sizes))))
        for environment, sizes in runs.groupby("environment", sort=False)["budget"]
    }


def range_text(counts: Iterable[int]) -> str:
    """Return the range of some counts as text, like "10" or "5 to 10"; "0" where there are none."""
    ends = sorted(counts) or [0]
    return " to ".join(dict.fromkeys((str(ends[0]), str(ends[-1]))))


def counts_text(plan: pd.DataFrame, counts: Mapping[Cell, int]) -> str:
    """How many seeds the cells have, naming the cells that differ from most.

    Like "n = 10", or "n = 10, save Hopper-v5: CEM 3, TRPO 5; Swimmer-v5: 7". Cells without seeds
    are passed over.
    """
    names = titles(plan)
    nonzero = {cell: number for cell, number in counts.items() if number}
    if not nonzero:
        return "n = 0"
    numbers = list(nonzero.values())
    usual = max(set(numbers), key=lambda number: (numbers.count(number), number))
    parts = []
    for environment in dict.fromkeys(where for where, _ in planned(plan)):
        cell_counts = {
            variant: n for (where, variant), n in nonzero.items() if where == environment
        }
        unusual = {variant: n for variant, n in cell_counts.items() if n != usual}
        unusual_text = ", ".join(f"{names[variant]} {n}" for variant, n in unusual.items())
        if unusual:
            uniform = len(set(cell_counts.values())) == 1
            parts.append(
                f"{environment}: {next(iter(unusual.values())) if uniform else unusual_text}"
            )
    return f"n = {usual}" + (f", save {'; '.join(parts)}" if parts else "")
