"""Publish a store's runs: copy them into a store with one file per description and table.

A run is published with its row; every episode's step, return and length; every update's number,
step and wall time; the diagnostics of about DIAGNOSED updates. Numbers are rounded by less than
seeds differ (`bench.store.rounding`), and the row says by how much. The wall time of single
episodes is left out: their updates have it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.errors import InputError, unknown
from bench.store.marks import OF_DESCRIPTION, PARTS, Entry, parts_of
from bench.store.parquet import in_order, segments, with_column
from bench.store.places import result_folders
from bench.store.rounding import rounded, steps_of_rounding
from bench.store.schema import PRUNED, RESULTS, RUNS, SCHEMAS
from bench.store.store import RUN_TABLES, Store, by_ablation

DIAGNOSED = 250
"""Updates of a published run whose diagnostics are kept, besides the first and the last: curves are
drawn at fewer points, and those of a thousand would fill a third of a published store."""

STORAGE_COLUMNS = ("parts", "rounding", "seal")
"""Columns of `runs` about how a store keeps a run, not about the run itself."""


@dataclass(kw_only=True)
class Publication:
    """What a publication did: run ids, bytes of the tables that were written, and files that could
    not be used."""

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    size: int = 0
    problems: tuple[str, ...] = ()


def publish(
    source: str | Path,
    target: str | Path,
    *,
    descriptions: Set[str] | None = None,
    policies: Collection[str] = (),
) -> Publication:
    """Copy runs of `source` into the published store `target`.

    Takes all committed runs, or those of the given `descriptions`, and the plans of which every
    description is taken. Files of a description are written anew where a run of it is new, and all
    others are left as they are. A run or plan that is there already is replaced, save that a failed
    run never replaces a result. Pruned runs are not published.
    `policies` names runs of the source whose policies are copied too.
    Killed at any moment, the target is readable, and publishing again completes it. Raises
    InputError when there is no source, the target is torn or holds files of single runs, or a
    policy is missing.
    """
    target_store, (source_store,) = Store(target), map(Store, result_folders(source))
    policy_files = source_store.policies()
    for run in policies:
        if run not in policy_files:
            raise unknown(f"policy in {source_store.path}", run, sorted(policy_files))
    stored = target_store.committed()
    for entry in stored.values():
        if not entry.name.startswith(OF_DESCRIPTION):
            raise InputError(
                f"{target_store.path} is no published store: it holds runs/{entry.name}.parquet"
            )
    plans, published_plans = by_ablation(source_store.plans()), by_ablation(target_store.plans())
    if target_store.problems:
        raise InputError(
            f"restore {target_store.path} before publishing into it: {target_store.problems[0]}"
        )
    publication = Publication()
    for description, entries in _by_description(source_store.committed().values(), descriptions):
        _publish(target_store, source_store, description, entries, set(policies), publication)
    for ablation, plan in plans.items():
        is_covered = descriptions is None or descriptions >= set(plan["description"].to_pylist())
        if is_covered and plan != published_plans.get(ablation):
            target_store.put_plan(plan)
    publication.problems = tuple(source_store.problems)
    return publication


def _by_description(
    entries: Iterable[Entry], descriptions: Collection[str] | None
) -> list[tuple[str, list[Entry]]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.status != PRUNED and (descriptions is None or entry.description in descriptions):
            groups.setdefault(entry.description, []).append(entry)
    return sorted(groups.items())


def _publish(
    target: Store,
    source: Store,
    description: str,
    entries: list[Entry],
    policies: Collection[str],
    publication: Publication,
) -> None:
    """Publish the runs of one description; adds to `done`."""
    name = OF_DESCRIPTION + description
    with target.claims.held(f"{name}-written"):
        target_tables = target.read(target.entries({description}))
        published = {row["run"]: row for row in target_tables["runs"].to_pylist()}
        source_tables = source.read(entries)
        new_rows = [
            row
            for row in source_tables["runs"].to_pylist()
            if _is_new(row, published.get(row["run"]))
        ]
        new_runs = [row["run"] for row in new_rows]
        policy_contents = {
            row["run"]: source.policy_content(row)
            for row in source_tables["runs"].to_pylist()
            if row["run"] in policies
            and (row["run"] in new_runs or "policies" not in parts_of(published[row["run"]]))
        }
        if not new_runs and not policy_contents:
            return
        # A run that is published anew for what has been adopted is the same training as before.
        policy_contents |= {
            row["run"]: target.policy_content(published[row["run"]])
            for row in new_rows
            if row["run"] in published
            and row["run"] not in policy_contents
            and "policies" in parts_of(published[row["run"]])
            and _same_training(row, published[row["run"]])
        }
        kept = {
            table: _only(target_tables[table], set(published) - set(new_runs))
            for table in RUN_TABLES
        }
        added = {table: _only(source_tables[table], new_runs) for table in RUN_TABLES}
        added["runs"] = _with_adoptions(added["runs"], published)
        steps = steps_of_rounding(
            {table: pa.concat_tables([kept[table], added[table]]) for table in RUN_TABLES}
        )
        added = _abridged(added, steps)
        merged = {
            table: in_order((*segments(kept[table]), *segments(added[table])), SCHEMAS[table])
            for table in RUN_TABLES
        }
        publication.size += target.put(name, merged, policy_contents)
    publication.added += tuple(run for run in new_runs if run not in published)
    publication.replaced += tuple(run for run in new_runs if run in published)


def _is_new(row: Mapping[str, Any], published: Mapping[str, Any] | None) -> bool:
    """Whether the run is to be published in place of what is there."""
    if published is None:
        return True
    if row["status"] not in RESULTS and published["status"] in RESULTS:
        return False
    adopted = row["adopted"] and not published["adopted"]
    return bool(adopted) or not _same_training(row, published)


def _same_training(row: Mapping[str, Any], published: Mapping[str, Any]) -> bool:
    """Whether the two are of one training, whatever code has been adopted since."""
    compared = set(RUNS.names) - {*STORAGE_COLUMNS, "adopted"}
    # As texts: seconds that aren't known are NaN, which equals nothing.
    return all(repr(row[name]) == repr(published[name]) for name in compared)


def _with_adoptions(runs: pa.Table, published: Mapping[str, Mapping[str, Any]]) -> pa.Table:
    """Return rows of runs with the adoptions that their published rows of one code have."""
    adopted = []
    for row in runs.to_pylist():
        earlier = published.get(row["run"], {"digest": None})
        kept = earlier["adopted"] if earlier["digest"] == row["digest"] else None
        adopted.append(row["adopted"] or kept)
    return with_column(runs, "adopted", pa.array(adopted, pa.string()))


def _abridged(tables: Mapping[str, pa.Table], steps: Mapping[str, float]) -> dict[str, pa.Table]:
    """Return rows of runs as they are published.

    Args:
        tables: sorted by run, each run's rows in the order of training.
        steps: column -> what its numbers are rounded to multiples of.
    """
    runs = tables["runs"]
    # What was published before keeps its rounding: numbers are rounded once.
    earlier = {row["run"]: row["rounding"] for row in runs.to_pylist()}
    rounding = json.dumps({column: step / 2 for column, step in sorted(steps.items())})
    roundings = [rounding if text is None else text for text in earlier.values()]
    for column, values in (("rounding", roundings), ("parts", [None] * len(runs))):
        runs = with_column(runs, column, pa.array(values, pa.string()))
    episodes, updates = (
        in_order(
            (
                (run, rows if earlier[run] is not None else _rounded(part, rows, steps))
                for run, rows in segments(tables[part])
            ),
            SCHEMAS[part],
        )
        for part in PARTS
    )
    episodes = with_column(episodes, "seconds", pa.nulls(len(episodes), pa.float32()))
    return {"runs": runs, "episodes": episodes, "updates": _few_diagnostics(updates, runs)}


def _rounded(part: str, rows: pa.Table, steps: Mapping[str, float]) -> pa.Table:
    """Round one run's rows of a part, but the diagnostics of its first update.

    At the first update all variants of a seed have the same policy, and a diagnostic may be far
    smaller than later in training, which decides the steps.
    """
    kept = int(part == "updates")
    return pa.concat_tables([rows[:kept], rounded(rows[kept:], steps)])


def _few_diagnostics(updates: pa.Table, runs: pa.Table) -> pa.Table:
    """Set diagnostics to null, except in each run's first and last update and in the first past
    each 1/DIAGNOSED of its budget. Doing it again changes nothing.

    Every update stays, as episodes are placed at the end of their batch.

    Args:
        updates: sorted by run, each run's in the order of training; runs: the rows of these runs.
    """
    if not len(updates):
        return updates
    budgets = dict(zip(runs["run"].to_pylist(), runs["budget"].to_pylist(), strict=True))
    counts = pc.value_counts(updates["run"]).to_pylist()
    lengths = [entry["counts"] for entry in counts]
    budget = np.repeat([budgets[entry["values"]] for entry in counts], lengths)
    run = np.repeat(np.arange(len(lengths)), lengths)
    passed = updates["step"].to_numpy() * DIAGNOSED // budget
    first, last = np.diff(run, prepend=-1) > 0, np.diff(run, append=len(lengths)) > 0
    diagnosed = pa.array(first | last | (np.diff(passed, prepend=0) > 0))
    for field in updates.schema:
        if field.nullable:
            column = pc.if_else(diagnosed, updates[field.name], pa.scalar(None, field.type))
            updates = with_column(updates, field.name, column)
    return updates


def _only(table: pa.Table, runs: Collection[str]) -> pa.Table:
    return table.filter(pc.is_in(table["run"], pa.array(sorted(runs), pa.string())))
