"""The tidy view of an ablation: its runs, with the names and the order of its variants."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bench.errors import InputError, unknown
from bench.store import imported, parquet
from bench.store.places import result_folders
from bench.store.schema import PRUNED, RESULTS
from bench.store.store import Store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLACE = ["variant", "variant_title", "variant_order", "environment_order"]


@dataclass(frozen=True, kw_only=True)
class View:
    """What one store holds of an ablation's latest plan: every seed of its descriptions, held-out
    ones in their own ablation only.

    `plan` has the columns of `schema.PLANS`. `runs` has those of `schema.RUNS`, and `episodes` and
    `updates` theirs; each also has variant, variant_title, variant_order and environment_order,
    episodes and updates environment, seed and budget besides. Runs come in the order of
    environment, variant and seed, whatever their status but "pruned", which no plan has asked for;
    rows within a run as they were written.
    `problems` has one line for each file that could not be used.
    """

    source: Path
    plan: pd.DataFrame
    runs: pd.DataFrame
    episodes: pd.DataFrame
    updates: pd.DataFrame
    problems: tuple[str, ...]

    @property
    def mixed(self) -> tuple[str, ...]:
        """One line for each algorithm with runs of several digests, each package of versions,
        each environment that was stepped by several back ends or learned on several devices, and
        each variant that was imported.

        See `mixed_digests` for what is compared with what.
        """
        lines = []
        trained = imported.trained(self.runs)
        for algorithm, counts in mixed_digests(self.runs):
            listed = ", ".join(
                f"{digest} ({count} of {counts.sum()} runs)" for digest, count in counts.items()
            )
            lines.append(f"{algorithm} has runs of different code: {listed}")
        for package, package_versions in versions(trained).items():
            if len(package_versions) > 1:
                lines.append(
                    f"runs were made with {package} {' and '.join(sorted(package_versions))}"
                )
        hardware = trained["back_end"].astype(str) + " on " + trained["device"].astype(str)
        for environment, used in hardware.groupby(trained["environment"], sort=False):
            if used.nunique() > 1:
                lines.append(f"{environment} compares runs of {' and '.join(sorted(set(used)))}")
        return (*lines, *imported.remarks(self.runs))

    def figure(self, kind: str | None = None, **options: Any) -> Figure:
        """These results as a matplotlib figure.

        Args:
            kind: curves, seeds, scores, differences, profile, mechanism, figure_3 or kl; None: the
                kind of the ablation's page.
            options: those of `bench.api.drawing.figure`: x, statistic, paper, variants,
                environments, width, font_size, title, caption.

        Raises:
            InputError: there is nothing to draw, or an option is unknown.
        """
        # Imported by name and only for a figure: the store doesn't depend on the drawing code.
        drawing: Any = importlib.import_module("bench.api.drawing")
        figure: Figure = drawing.figure(self, kind, **options)
        return figure


def versions(runs: pd.DataFrame) -> dict[str, list[str]]:
    """Package -> the versions of it that runs were made with.

    Args:
        runs: the store's view of the ablation.
    """
    versions_by_package: dict[str, dict[str, None]] = {}
    for text in runs["versions"].dropna().unique():
        for package, version in json.loads(text).items():
            versions_by_package.setdefault(str(package), {})[str(version)] = None
    return {
        package: list(package_versions) for package, package_versions in versions_by_package.items()
    }


def mixed_digests(runs: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Yield (algorithm, digest -> number of runs) if runs come from several versions of its code.

    Digests are compared within an algorithm, a back end and, if it brings its own code, an
    environment: each has its own. A run that later code has adopted counts as of that code.
    """
    runs = runs.assign(code=runs["adopted"].fillna(runs["digest"]))
    plugin = runs["environment"].where(runs["environment"].str.contains(":"), "")
    for (algorithm, _, _), group in runs.groupby(["algorithm", "back_end", plugin], sort=False):
        counts = group.drop_duplicates("run")["code"].value_counts()
        if len(counts) > 1:
            yield str(algorithm), counts


def load(
    ablation: str, results: str | Path | None = None, *, variants: Collection[str] | None = None
) -> View:
    """Return the view of an ablation from `results`, if given, and from no other store.

    Otherwise from results/local if its plan and at least one result of it are there, and from
    results/published if not. With `variants`, only the plan and runs of these are read.

    Raises:
        InputError: no store has a plan of the ablation, or no result of it; a store that is named
            may hold a plan without results.
    """
    stores = [Store(folder) for folder in result_folders(results)]
    all_planned: list[str] = []
    for store in stores:
        plans = store.plans()
        planned = plans["ablation"].to_pylist()
        all_planned += planned
        if ablation in planned:
            view = _view(store, plans, ablation, variants)
            if results is not None or view.runs["status"].isin(RESULTS).any():
                return replace(view, problems=_problems(stores))
    if ablation in all_planned:
        reason = f"no run of ablation {ablation!r} has finished yet"
    else:
        folders = " or ".join(str(store.path) for store in stores)
        reason = str(unknown(f"ablation in {folders}", ablation, sorted(set(all_planned))))
    raise InputError("; ".join([reason, *_problems(stores)]))


def planned_ablations(results: str | Path | None = None) -> Counter[str]:
    """Count the planned descriptions of each ablation in the folders where `load` looks.

    Raises:
        InputError: the named results folder does not exist.
    """
    stores = map(Store, result_folders(results))
    return Counter(name for store in stores for name in store.plans()["ablation"].to_pylist())


def _held_out(plans: pa.Table, ablation: str) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Return the pairs (description, seed) held out for an ablation, and those for others."""
    ablation_pairs: set[tuple[str, int]] = set()
    other_pairs: set[tuple[str, int]] = set()
    for row in plans.select(["ablation", "description", "metadata"]).to_pylist():
        pairs = ablation_pairs if row["ablation"] == ablation else other_pairs
        seeds = json.loads(row["metadata"]).get("held_out", [])
        pairs.update((row["description"], seed) for seed in seeds)
    return ablation_pairs, other_pairs


def _problems(stores: list[Store]) -> tuple[str, ...]:
    return tuple(problem for store in stores for problem in store.problems)


def _view(store: Store, plans: pa.Table, ablation: str, variants: Collection[str] | None) -> View:
    plan = parquet.to_frame(plans.filter(pc.equal(plans["ablation"], ablation)))
    if variants is not None:
        plan = plan[plan["variant"].isin(variants)]
    tables = store.read(
        entry for entry in store.entries(set(plan["description"])) if entry.status != PRUNED
    )
    stored_runs = parquet.to_frame(tables["runs"])
    held_out, held_elsewhere = _held_out(plans, ablation)
    # Curves that were imported into an ablation hold nothing out.
    held_descriptions = {description for description, _ in held_out}
    runs = stored_runs.merge(plan[["description", *PLACE]], on="description")
    pairs = zip(runs["description"], runs["seed"], strict=True)
    counted = [
        pair in held_out if pair[0] in held_descriptions else pair not in held_elsewhere
        for pair in pairs
    ]
    runs = runs[np.array(counted, dtype=bool)]
    runs = runs.sort_values(
        ["environment_order", "variant_order", "seed"], kind="stable", ignore_index=True
    )
    names = runs[["run", *PLACE, "environment", "seed", "budget"]]
    return View(
        source=store.path,
        plan=plan,
        runs=runs,
        episodes=_with_run_columns(names, tables, "episodes"),
        updates=_with_run_columns(names, tables, "updates"),
        problems=_problems([store]),
    )


def _with_run_columns(names: pd.DataFrame, tables: dict[str, pa.Table], name: str) -> pd.DataFrame:
    """Return a table's rows of the runs in `names`, in that order, with the columns of `names`.

    The table is removed from `tables`, so that millions of rows are in memory only once.
    """
    table = tables.pop(name)
    no_rows = table.slice(0, 0)
    parts = dict(parquet.segments(table))
    rows = [parts.get(run, no_rows) for run in names["run"]]
    lengths = [len(run_rows) for run_rows in rows]
    table = pa.concat_tables([no_rows, *rows]).drop_columns(["run"])
    del parts, rows
    frame = parquet.to_frame(table)
    del table
    labels = names.loc[names.index.repeat(lengths)].reset_index(drop=True)
    return labels.assign(**{column: frame.pop(column) for column in list(frame.columns)})
