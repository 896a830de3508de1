"""The union of two plans of an ablation, this store's and another's."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bench.store.imported import is_imported

Row = Mapping[str, Any]
Rows = Sequence[Row]

FEWEST_SEEDS = 10
"""Results of a plan's seeds from which on these stay: as many as a test of differences needs."""


def unite(
    here: Rows,
    there: Rows,
    *,
    replace: bool = False,
    declared: Sequence[str] = (),
    results: Mapping[str, Collection[int]] | None = None,
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return the union of two plans, cell by cell, a cell being a variant in an environment.

    The cells of an environment stand side by side in a figure. So where the plans can't be
    compared in one, because a variant has another description or a run another budget, it is taken
    whole from one of them. Imported variants, whose budget is what their files give, bar nothing.
    What both say of a cell, and the texts of the page, are the later plan's; so is the order of
    the variants. But the seeds that fix a cell's n stay once results can be judged, those of here
    before those of there, and until then are those of both; so are held-out seeds always.

    Args:
        here, there: rows of `schema.PLANS` of one ablation; `there` is not empty.
        replace: whether environments that can't be compared are taken from `there`, not `here`.
        declared: the order of the ablation's environments, as far as it is known. Where an
            environment is new here, it comes first; then those of here, then those of there.
        results: description -> seeds that have results.

    Returns:
        The rows, all as of the later plan's moment; and the environments that can't be compared.
    """
    if not here:
        return [dict(row) for row in there], ()
    # Of equally old ones, the plan that is here already counts as the later.
    earlier, later = sorted((there, here), key=lambda plan: plan[0]["created"])
    ours, theirs = _environments(here), _environments(there)
    contested = tuple(
        name for name in theirs if name in ours and not _comparable(ours[name], theirs[name])
    )
    cells: dict[tuple[str, str], Row] = {}
    for plan in (earlier, later):
        for row in plan:
            if row["environment"] not in contested or plan is (there if replace else here):
                cells[_cell(row)] = row
    theirs_of = {_cell(row): row for row in there}
    for row in here:
        cell = _cell(row)
        if cell in theirs_of and theirs_of[cell]["description"] == row["description"]:
            seeds = (results or {}).get(row["description"], ())
            metadata = _with_seeds_of_both(cells[cell], row, theirs_of[cell], seeds)
            cells[cell] = {**cells[cell], "metadata": metadata}

    names = [*ours, *theirs]
    if set(theirs) - set(ours):
        names = [*(name for name in declared if name in names), *names]
    environments = list(dict.fromkeys(names))
    variants = _variant_order(earlier, later)
    page = {name: later[0][name] for name in ("created", "title", "question", "control")}
    united = [
        {
            **row,
            **page,
            "environment_order": environments.index(row["environment"]),
            "variant_order": variants[row["variant"]],
        }
        for row in cells.values()
    ]
    united.sort(key=lambda row: (row["environment_order"], row["variant_order"]))
    return united, contested


def _cell(row: Row) -> tuple[str, str]:
    return row["variant"], row["environment"]


def _with_seeds_of_both(row: Row, ours: Row, theirs: Row, results: Collection[int]) -> str:
    """Return the metadata of a cell's row, with the seeds that two plans of it agree on.

    Args:
        row: the row to take all else from.
        ours, theirs: the cell's rows in the two plans.
        results: seeds of its description that have results.
    """
    metadata, *both = (json.loads(each["metadata"]) for each in (row, ours, theirs))
    changed = dict(metadata)
    for name in ("seeds", "held_out"):
        lists = [each[name] for each in both if name in each]
        if lists:
            changed[name] = sorted(set().union(*lists))
    for each in reversed(both):
        if "seeds" in each and len({*each["seeds"]} & {*results}) >= FEWEST_SEEDS:
            changed["seeds"] = each["seeds"]
    if changed == metadata:
        return str(row["metadata"])
    return json.dumps(changed, ensure_ascii=False, allow_nan=False)


def _environments(plan: Rows) -> dict[str, list[Row]]:
    """Environment -> its rows, in the plan's order."""
    environments: dict[str, list[Row]] = {}
    for row in sorted(plan, key=lambda row: row["environment_order"]):
        environments.setdefault(row["environment"], []).append(row)
    return environments


def _comparable(here: Rows, there: Rows) -> bool:
    rows = [*here, *there]
    described = {(row["variant"], row["description"]) for row in rows}
    variants = {row["variant"] for row in rows}
    budgets = {row["budget"] for row in rows if not is_imported(row)}
    return len(described) == len(variants) and len(budgets) <= 1


def _variant_order(earlier: Rows, later: Rows) -> dict[str, int]:
    """Variant -> its place; where a variant came in meanwhile, those behind it move on."""
    places = {row["variant"]: row["variant_order"] for row in (*earlier, *later)}
    current = {row["variant"] for row in later}
    order, next_free = {}, 0
    for name in sorted(places, key=lambda name: (places[name], name not in current)):
        order[name] = max(places[name], next_free)
        next_free = order[name] + 1
    return order
