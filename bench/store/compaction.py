"""Compaction: a store of many small files, merged into a published store of one file a table."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.errors import InputError, unknown
from bench.store import parquet
from bench.store.schema import PRUNED, RESULTS
from bench.store.store import COMPACTED, RUN_TABLES, Entry, Store, in_order, in_plan_order

DIAGNOSED = 250
"""Updates of a published run whose diagnostics are kept, besides the first and the last: curves are
drawn at fewer points, and those of a thousand would fill a third of a published store."""


@dataclass(frozen=True, kw_only=True)
class Compaction:
    """What a compaction did: run ids, bytes of all tables, and files that could not be used."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    size: int
    problems: tuple[str, ...]


def compact(
    source: str | Path,
    target: str | Path,
    *,
    descriptions: Collection[str] | None = None,
    policies: Collection[str] = (),
) -> Compaction:
    """Merge the runs of `source` into the published store `target`.

    Takes all committed runs, or those of the given `descriptions`, and the plans of which every
    description is taken; of a run's updates where they ended, and the diagnostics of DIAGNOSED. A
    run or plan that is there already is replaced, save that a failed run never replaces a result; a
    pruned one is nobody's evidence and stays behind.
    `policies` names runs of the source whose policies are copied too.
    Killed at any moment, the target is readable, and compacting again completes it. Raises
    InputError when there is no source, the target is torn or holds files of single runs, or a
    policy is not to be had.
    """
    old, new = Store(target), Store(source)
    if not new.path.is_dir():
        raise InputError(f"results folder {new.path} does not exist")
    for run in policies:
        if not new.policy_path(run).exists():
            stems = sorted(path.stem for path in (new.path / "policies").glob("*.safetensors"))
            raise unknown(f"policy in {new.path}", run, stems)
    stored, planned = old.committed(), old.plans()
    for entry in stored.values():
        if entry.file != COMPACTED:
            raise InputError(f"{old.path} is no published store: it holds runs/{entry.file}")

    def taken(entry: Entry) -> bool:
        earlier = stored.get(entry.run)
        return (
            (descriptions is None or entry.description in descriptions)
            and entry.status != PRUNED
            and (entry.status in RESULTS or earlier is None or earlier.status not in RESULTS)
        )

    there = old.read(stored.values())
    here = new.read(entry for entry in new.committed().values() if taken(entry))
    if old.problems:
        raise InputError(f"restore {old.path} before compacting into it: {old.problems[0]}")
    rows = {row["run"]: row for row in there["runs"].to_pylist()}
    # A run that is there to the last byte keeps its place and its policy.
    fresh = [row["run"] for row in here["runs"].to_pylist() if rows.get(row["run"]) != row]
    kept = rows.keys() - set(fresh)
    replaced = rows.keys() - kept
    merged = {
        table: in_order(
            pa.concat_tables([_only(there[table], "run", kept), _only(here[table], "run", fresh)])
        )
        for table in RUN_TABLES
    }
    merged["updates"] = _few_diagnostics(merged["updates"], merged["runs"])
    merged["plans"] = _merged_plans(planned, new.plans(), descriptions)

    with old.staging() as staging:
        for table, content in merged.items():
            parquet.write(parquet.shortened(content), staging / table)
        size = sum((staging / table).stat().st_size for table in merged)
        parquet.write(_only(there["runs"], "run", kept), staging / "withdrawn")
        for run in policies:
            shutil.copyfile(new.policy_path(run), staging / run)
        with old.lock():
            if replaced:
                os.replace(staging / "withdrawn", old.path / "runs" / COMPACTED)
            for run in replaced:
                old.policy_path(run).unlink(missing_ok=True)
            for run in policies:
                os.replace(staging / run, old.policy_path(run))
            for table in (*RUN_TABLES, "plans"):
                os.replace(staging / table, old.path / table / COMPACTED)
    return Compaction(
        added=tuple(run for run in fresh if run not in rows),
        replaced=tuple(sorted(replaced)),
        size=size,
        problems=tuple(new.problems),
    )


def _few_diagnostics(updates: pa.Table, runs: pa.Table) -> pa.Table:
    """Null diagnostics but in the updates that find the next 1/DIAGNOSED of their run's budget
    passed, and in each run's last. Doing it again changes nothing.

    Every update stays, as episodes are placed at the end of their batch.

    Args:
        updates: sorted by run, each run's in the order of training; runs: with all of them.
    """
    if not len(updates):
        return updates
    budgets = dict(zip(runs["run"].to_pylist(), runs["budget"].to_pylist(), strict=True))
    counted = pc.value_counts(updates["run"]).to_pylist()
    lengths = [each["counts"] for each in counted]
    budget = np.repeat([budgets[each["values"]] for each in counted], lengths)
    run = np.repeat(np.arange(len(lengths)), lengths)
    passed = updates["step"].to_numpy() * DIAGNOSED // budget
    first, last = np.diff(run, prepend=-1) > 0, np.diff(run, append=len(lengths)) > 0
    kept = pa.array(first | last | (np.diff(passed, prepend=0) > 0))
    for place, field in enumerate(updates.schema):
        if field.nullable:
            column = pc.if_else(kept, updates[field.name], pa.scalar(None, field.type))
            updates = updates.set_column(place, field, column)
    return updates


def _merged_plans(old: pa.Table, new: pa.Table, descriptions: Collection[str] | None) -> pa.Table:
    left_out = {
        row["ablation"]
        for row in new.select(["ablation", "description"]).to_pylist()
        if descriptions is not None and row["description"] not in descriptions
    }
    carried = set(new["ablation"].to_pylist()) - left_out
    kept = set(old["ablation"].to_pylist()) - carried
    return in_plan_order(
        pa.concat_tables([_only(old, "ablation", kept), _only(new, "ablation", carried)])
    )


def _only(table: pa.Table, column: str, values: Collection[str]) -> pa.Table:
    return table.filter(pc.is_in(table[column], pa.array(sorted(values), pa.string())))
