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
        versions: dict[str, set[str]] = {}
        for text in trained["versions"].unique():
            for package, version in json.loads(text).items():
                versions.setdefault(package, set()).add(str(version))
        for package, found in versions.items():
            if len(found) > 1:
                lines.append(f"runs were made with {package} {' and '.join(sorted(found))}")
        places = trained["back_end"].astype(str) + " on " + trained["device"].astype(str)
        for environment, made in places.groupby(trained["environment"], sort=False):
            if made.nunique() > 1:
                lines.append(f"{environment} compares runs of {' and '.join(sorted(set(made)))}")
        return (*lines, *imported.told(self.runs))

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


def mixed_digests(runs: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Yield (algorithm, digest -> number of runs) if runs come from several versions of its code.

    Digests are compared within an algorithm, a back end and, if it brings its own code, an
    environment: each has its own. A run that later code has adopted counts as of that code.
    """
    runs = runs.assign(code=runs["adopted"].fillna(runs["digest"]))
    own = runs["environment"].where(runs["environment"].str.contains(":"), "")
    for (algorithm, _, _), same in runs.groupby(["algorithm", "back_end", own], sort=False):
        counts = same.drop_duplicates("run")["code"].value_counts()
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
    places = [Store(place) for place in result_folders(results)]
    known: list[str] = []
    for place in places:
        plans = place.plans()
        planned = plans["ablation"].to_pylist()
        known += planned
        if ablation in planned:
            view = _view(place, plans, ablation, variants)
            if results is not None or view.runs["status"].isin(RESULTS).any():
                return replace(view, problems=_problems(places))
    if ablation in known:
        reason = f"no run of ablation {ablation!r} has finished yet"
    else:
        where = " or ".join(str(place.path) for place in places)
        reason = str(unknown(f"ablation in {where}", ablation, sorted(set(known))))
    raise InputError("; ".join([reason, *_problems(places)]))


def planned_ablations(results: str | Path | None = None) -> Counter[str]:
    """Count the planned descriptions of each ablation in the folders where `load` looks.

    Raises:
        InputError: the named results folder does not exist.
    """
    places = map(Store, result_folders(results))
    return Counter(name for place in places for name in place.plans()["ablation"].to_pylist())


def _held_out(plans: pa.Table, ablation: str) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Return the pairs (description, seed) held out for an ablation, and those for others."""
    own: set[tuple[str, int]] = set()
    others: set[tuple[str, int]] = set()
    for row in plans.select(["ablation", "description", "metadata"]).to_pylist():
        held = own if row["ablation"] == ablation else others
        seeds = json.loads(row["metadata"]).get("held_out", [])
        held.update((row["description"], seed) for seed in seeds)
    return own, others


def _problems(places: list[Store]) -> tuple[str, ...]:
    return tuple(problem for place in places for problem in place.problems)


def _view(place: Store, plans: pa.Table, ablation: str, variants: Collection[str] | None) -> View:
    plan = parquet.to_frame(plans.filter(pc.equal(plans["ablation"], ablation)))
    if variants is not None:
        plan = plan[plan["variant"].isin(variants)]
    tables = place.read(
        entry for entry in place.entries(set(plan["description"])) if entry.status != PRUNED
    )
    found = parquet.to_frame(tables["runs"])
    own, others = _held_out(plans, ablation)
    runs = found.merge(plan[["description", *PLACE]], on="description")
    pairs = zip(runs["description"], runs["seed"], strict=True)
    counted = [pair in own if own else pair not in others for pair in pairs]
    runs = runs[np.array(counted, dtype=bool)]
    runs = runs.sort_values(
        ["environment_order", "variant_order", "seed"], kind="stable", ignore_index=True
    )
    names = runs[["run", *PLACE, "environment", "seed", "budget"]]
    return View(
        source=place.path,
        plan=plan,
        runs=runs,
        episodes=_named(names, tables, "episodes"),
        updates=_named(names, tables, "updates"),
        problems=_problems([place]),
    )


def _named(names: pd.DataFrame, tables: dict[str, pa.Table], name: str) -> pd.DataFrame:
    """Return a table's rows of the runs in `names`, in that order, with the columns of `names`.

    The table is removed from `tables`, so that millions of rows are in memory only once.
    """
    table = tables.pop(name)
    nothing = table.slice(0, 0)
    parts = dict(parquet.segments(table))
    rows = [parts.get(run, nothing) for run in names["run"]]
    lengths = [len(each) for each in rows]
    table = pa.concat_tables([nothing, *rows]).drop_columns(["run"])
    del parts, rows
    frame = parquet.to_frame(table)
    del table
    named = names.loc[names.index.repeat(lengths)].reset_index(drop=True)
    return named.assign(**{column: frame.pop(column) for column in list(frame.columns)})
