"""The place of imported curves: one variant in one environment of an ablation.

Their description holds that and no more. So no training could have it: an imported run never stands
for one that `run` trains.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ablations.spec import Variant
from bench.errors import InputError
from bench.store import Store
from bench.store.imported import is_imported
from bench.store.schema import IMPORTED

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A cell of an ablation's page that imported curves take.

    Attributes:
        ablation: the ablation's name.
        variant: the name of the variant that the curves become.
        algorithm: the name of what made the curves.
        environment: the environment's id.

    Raises:
        InputError: the variant's or the algorithm's name is not allowed.
    """

    ablation: str
    variant: str
    algorithm: str
    environment: str

    def __post_init__(self) -> None:
        for name in (self.algorithm, self.variant):
            try:
                Variant(name=name, algorithm=name)
            except ValueError as error:
                raise InputError(str(error)) from error

    @property
    def canonical(self) -> str:
        """The text that is hashed; no run that can be trained has such a description."""
        names = asdict(self)
        del names["algorithm"]
        return json.dumps({IMPORTED: names}, sort_keys=True, separators=(",", ":"))

    @property
    def description(self) -> str:
        """16 hexadecimal digits that name the description."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()[:16]

    def run(self, seed: int) -> str:
        """Return 16 hexadecimal digits that name the run of `seed`."""
        return hashlib.sha256(f"{self.canonical} seed:{seed}".encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        """The variant's title in figures and tables, marked as imported."""
        return f"{self.variant.replace('_', ' ')} ({IMPORTED})"

    def plan_row(self, page: Sequence[Row], head: Mapping[str, Any], budget: int) -> Row:
        """Return the cell's row in the table `plans`.

        Args:
            page: the other rows of the ablation's plan.
            head: title, question, created and control of the ablation.
            budget: the largest budget of the cell's runs [environment steps].

        Raises:
            InputError: the page has the variant, and not as imported from this algorithm.
        """
        for row in page:
            if row["variant"] == self.variant and not is_imported(row):
                raise InputError(
                    f"{self.ablation} has a variant {self.variant!r} that is trained; "
                    "name the imported one by --variant"
                )
            if row["variant"] == self.variant and row["algorithm"] != self.algorithm:
                raise InputError(
                    f"{self.ablation} has a variant {self.variant!r} that was imported as "
                    f"{row['algorithm']}, not {self.algorithm}; name this one by --variant"
                )
        return {
            **{name: head[name] for name in ("title", "question", "created", "control")},
            "ablation": self.ablation,
            "compared_with": None,
            "variant": self.variant,
            "variant_title": self.title,
            "variant_order": _order(page, "variant", self.variant),
            "environment": self.environment,
            "environment_order": _order(page, "environment", self.environment),
            "description": self.description,
            "budget": budget,
            "algorithm": self.algorithm,
            "differs": "{}",
            "metadata": json.dumps({"title": self.algorithm.replace("_", " "), IMPORTED: True}),
        }


def _order(page: Iterable[Row], column: str, name: str) -> int:
    """Return the page's place for a variant or an environment; a new one comes last."""
    places = {row[column]: int(row[f"{column}_order"]) for row in page}
    return places.get(name, max(places.values(), default=-1) + 1)


def imported_rows(store: Store, plan: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the rows to add to a plan, of curves that were imported into its ablation.

    Curves in other environments, under the name of one of the plan's variants, or under that of
    another algorithm's curves, are left out.

    Args:
        store: the store that the plan is for.
        plan: rows of the table `plans` of one ablation.
    """
    head = dict(plan[0])
    environments = {row["environment"] for row in plan}
    trained = {row["variant"] for row in plan}
    runs = store.runs()
    budgets: dict[Place, int] = {}
    for run in runs[runs["back_end"] == IMPORTED].itertuples():
        names = json.loads(run.canonical)[IMPORTED]
        place = Place(**names, algorithm=run.algorithm)
        if (
            place.ablation == head["ablation"]
            and place.environment in environments
            and place.variant not in trained
        ):
            budgets[place] = max(budgets.get(place, 0), int(run.budget))
    page = [dict(row) for row in plan]
    for place in sorted(budgets, key=lambda cell: (cell.variant, cell.environment)):
        # Refused when two algorithms have been imported under one variant's name, each while the
        # plan lacked the other's environment.
        with suppress(InputError):
            page.append(place.plan_row(page, head, budgets[place]))
    return page[len(plan) :]


def page_of(store: Store, ablation: str) -> list[Row]:
    """Return the rows of the ablation's plan in the store; empty if there is none."""
    return [row for row in store.plans().to_pylist() if row["ablation"] == ablation]


def changed_plan(before: Sequence[Row], after: Sequence[Row], now: datetime) -> list[Row] | None:
    """Return the plan to write, as of now; None if nothing has changed."""

    def comparable(rows: Sequence[Row]) -> list[Row]:
        # A null column counts as a missing one.
        return [
            {key: value for key, value in row.items() if key != "created" and value is not None}
            for row in rows
        ]

    if comparable(before) == comparable(after):
        return None
    return [{**row, "created": now} for row in after]
