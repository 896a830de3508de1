"""Compaction: a store of many small files, merged into a published store of one file a table."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bench.errors import InputError, unknown
from bench.store import parquet
from bench.store.schema import RESULTS
from bench.store.store import COMPACTED, RUN_TABLES, Entry, Store, in_order


@dataclass(frozen=True, kw_only=True)
class Compaction:
    """What a compaction did: run ids, bytes of the tables, and files that could not be used."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    size: int
    problems: tuple[str, ...]


def compact(
    source: str | Path,
    target: str | Path,
    *,
    descriptions: Collection[str] | None = None,
    policies: Iterable[str] = (),
) -> Compaction:
    """Merge the runs of `source` into the published store `target`.

    Takes all committed runs, or those of the given `descriptions`, and the plans of which every
    description is taken. A run or plan that is there already is replaced, save that a failed run
    never replaces a result. `policies` names runs of the source whose policies are copied too.
    Killed at any moment, the target is readable, and compacting again completes it. Raises
    InputError when the target is torn or holds single runs, or a policy is not to be had.
    """
    old, new = Store(target), Store(source)
    stored, kept = old.committed(), old.plans()
    single = sorted({entry.file for entry in stored.values()} - {COMPACTED})
    if single:
        raise InputError(f"{old.path} is no published store: it holds {single[0]} of a single run")

    def taken(entry: Entry) -> bool:
        earlier = stored.get(entry.run)
        return (descriptions is None or entry.description in descriptions) and (
            entry.status in RESULTS or earlier is None or earlier.status not in RESULTS
        )

    entries = [entry for entry in new.committed().values() if taken(entry)]
    there, here = old.read(stored.values()), new.read(entries)
    if old.problems:
        raise InputError(
            f"restore the published store before compacting into it: {old.problems[0]}"
        )
    # A run that is there to the last byte keeps its place and its policy.
    same = {row["run"]: row for row in there["runs"].to_pylist()}
    fresh = [row["run"] for row in here["runs"].to_pylist() if same.get(row["run"]) != row]
    replaced = [run for run in fresh if run in same]
    merged = {
        table: in_order(
            pa.concat_tables(
                [_only(there[table], same.keys() - set(fresh)), _only(here[table], fresh)]
            )
        )
        for table in RUN_TABLES
    }
    plans = new.plans()
    whole = [
        ablation
        for ablation in set(plans["ablation"].to_pylist())
        if descriptions is None
        or set(_only(plans, [ablation], "ablation")["description"].to_pylist()) <= set(descriptions)
    ]
    other = set(kept["ablation"].to_pylist()) - set(whole)
    merged["plans"] = pa.concat_tables(
        [_only(kept, other, "ablation"), _only(plans, whole, "ablation")]
    ).sort_by([(name, "ascending") for name in ("ablation", "environment_order", "variant_order")])

    with old.staging() as staging:
        for table, rows in merged.items():
            parquet.write(rows, staging / table)
        size = sum((staging / table).stat().st_size for table in merged)
        parquet.write(_only(there["runs"], same.keys() - set(fresh)), staging / "withdrawn")
        copied = list(policies)
        for run in copied:
            if not new.policy_path(run).exists():
                kept_policies = [
                    path.stem for path in (new.path / "policies").glob("*.safetensors")
                ]
                raise unknown(f"policy in {new.path}", run, kept_policies)
            shutil.copyfile(new.policy_path(run), staging / run)
        with old.lock():
            if replaced:
                os.replace(staging / "withdrawn", old.path / "runs" / COMPACTED)
            for run in replaced:
                old.policy_path(run).unlink(missing_ok=True)
            for run in copied:
                os.replace(staging / run, old.policy_path(run))
            for table in (*RUN_TABLES, "plans"):
                os.replace(staging / table, old.path / table / COMPACTED)
    return Compaction(
        added=tuple(run for run in fresh if run not in same),
        replaced=tuple(replaced),
        size=size,
        problems=tuple(new.problems),
    )


def _only(table: pa.Table, values: Collection[str], column: str = "run") -> pa.Table:
    return table.filter(pc.is_in(table[column], pa.array(sorted(values), pa.string())))
