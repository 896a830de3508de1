"""Where imported curves stand: one variant in one environment of an ablation.

Their description says that and no more. So it is none that training could have: an imported run
never stands for one that `run` trains.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
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
        ablation: its name.
        variant: the name of the variant that they are.
        algorithm: what made them.
        environment: id.

    Raises:
        InputError: the variant's name or the algorithm's can't be one.
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
        """16 hexadecimal digits that name it."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()[:16]

    def run(self, seed: int) -> str:
        """16 hexadecimal digits that name the run of `seed`."""
        return hashlib.sha256(f"{self.canonical} seed:{seed}".encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        """What figures and tables call the variant, its mark included."""
        return f"{self.variant.replace('_', ' ')} ({IMPORTED})"

    def plan_row(self, page: Sequence[Row], head: Mapping[str, Any], budget: int) -> Row:
        """Its row in the table `plans`.

        Args:
            page: the other rows of the ablation's plan.
            head: title, question, created and control of the ablation.
            budget: the most that any of its runs has [environment steps].

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
    """The place that the page gives to a variant or an environment; behind all for a new one."""
    places = {row[column]: int(row[f"{column}_order"]) for row in page}
    return places.get(name, max(places.values(), default=-1) + 1)


def imported_rows(store: Store, plan: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The rows that belong into a plan besides: of what was imported into its ablation.

    Of the plan's environments only, and not under the name of a variant that it has.

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
    for place in sorted(budgets, key=lambda each: (each.variant, each.environment)):
        page.append(place.plan_row(page, head, budgets[place]))
    return page[len(plan) :]


def page_of(store: Store, ablation: str) -> list[Row]:
    """The rows of the ablation's plan in the store; none where it has none."""
    return [row for row in store.plans().to_pylist() if row["ablation"] == ablation]


def changed(before: Sequence[Row], after: Sequence[Row], now: datetime) -> list[Row] | None:
    """The plan to be written, as of now; None where it says what it said before."""

    def told(rows: Sequence[Row]) -> list[Row]:
        # A column that is null says no more than one that isn't there.
        return [
            {key: value for key, value in row.items() if key != "created" and value is not None}
            for row in rows
        ]

    if told(before) == told(after):
        return None
    return [{**row, "created": now} for row in after]
