"""The union of two plans of an ablation, this store's and another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.store.imported import is_imported

Row = Mapping[str, Any]
Rows = Sequence[Row]


def unite(
    here: Rows, there: Rows, *, replace: bool = False, declared: Sequence[str] = ()
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return the union of two plans, cell by cell, a cell being a variant in an environment.

    The cells of an environment stand side by side in a figure. So where the plans can't be
    compared in one, because a variant has another description or a run another budget, it is taken
    whole from one of them. Imported variants, whose budget is what their files give, bar nothing.
    What both say of a cell, and the texts of the page, are the later plan's; so is the order of
    the variants.

    Args:
        here, there: rows of `schema.PLANS` of one ablation; `there` is not empty.
        replace: whether environments that can't be compared are taken from `there`, not `here`.
        declared: the order of the ablation's environments, as far as it is known. Where an
            environment is new here, it comes first; then those of here, then those of there.

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
                cells[row["variant"], row["environment"]] = row

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
