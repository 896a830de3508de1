"""Store curves as runs, and add a variant for them to the plan of their ablation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from algorithms import ALGORITHMS
from bench.errors import InputError
from bench.files import refused_as
from bench.importing.curve import LEAST_HOLE, Curve
from bench.importing.place import Place, Row, changed_plan, page_of
from bench.importing.quoting import quoted
from bench.kinds import kind_of
from bench.store import NO_UPDATES, Store
from bench.store.schema import IMPORTED


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """What an import did, by seed.

    Attributes:
        added, replaced, same: seeds whose curve is new, took another's place, or was there already.
        reasons: seed -> what is odd about its curve, for odd curves only.
    """

    added: tuple[int, ...]
    replaced: tuple[int, ...]
    same: tuple[int, ...]
    reasons: Mapping[int, str]


def adopt(
    curves: Sequence[Curve],
    store: Store,
    place: Place,
    page: Mapping[str, object],
    *,
    steps: int | None = None,
    replace: bool = False,
) -> Adopted:
    """Store curves as the runs of a variant; what is stored of it already stays.

    Everything is checked before anything is written. Each run is moved in whole, and the plan
    after the last of them: killed in between, the same call completes it.

    Args:
        curves: one or more, each with a seed.
        store: a store that is trained into.
        place: the ablation, variant and environment of the curves.
        page: title, question and control of the ablation, if the store has no plan of it.
        steps: budget of each [environment steps]; later points are left out. None: its last step.
        replace: whether a curve takes the place of another one of its seed.

    Raises:
        InputError: the algorithm has a name of the suite's own; a file is of another environment,
            or of another kind of returns than the variant's stored ones; a seed is stored with
            another curve and `replace` is false, or another process stores it meanwhile; the
            variant's name is taken; a curve has nothing within the budget; or the store can't be
            written.
    """
    if place.algorithm in ALGORITHMS:
        raise InputError(
            f"algorithm {place.algorithm!r} is the suite's own, whose code did not make these "
            f"curves; name what did, like sb3_{place.algorithm}"
        )
    for curve in curves:
        _refuse_environment(curve, place)
    limited = [curve.until(steps) if steps else curve for curve in curves]
    budgets = [steps or curve.last for curve in limited]
    reasons = _reasons(limited, budgets, place)
    # Taken first, so that what another process imports meanwhile is noticed.
    stamps = {seed: store.stamp(place.run(seed)) for seed in map(_seed, curves)}
    runs = store.runs()
    stored_rows = runs[runs["description"] == place.description].set_index("seed")
    stored = {int(seed): str(row["machine"]) for seed, row in stored_rows.iterrows()}
    added, replaced, same = [], [], []
    for curve, budget in zip(limited, budgets, strict=True):
        seed = _seed(curve)
        if seed not in stored:
            added.append(seed)
        elif json.loads(stored[seed]).get("curve") == _fingerprint(curve, budget):
            same.append(seed)
        else:
            replaced.append(seed)
    if replaced and not replace:
        listed = ", ".join(map(str, replaced))
        raise InputError(
            f"{place.variant} in {place.environment} has another curve of seed {listed} already; "
            "--replace takes this one"
        )
    _refuse_kinds(curves, runs[~runs["run"].isin(map(place.run, replaced))], place)
    kept_budgets = [int(row.budget) for seed, row in stored_rows.iterrows() if seed not in replaced]
    now = datetime.now(UTC)
    largest = max([*budgets, *kept_budgets])

    def planned() -> list[Row] | None:
        """The ablation's plan with this variant, if that changes it."""
        before = page_of(store, place.ablation)
        other_rows = [row for row in before if row["description"] != place.description]
        head = before[0] if before else {**page, "created": now}
        return changed_plan(
            before, _ordered([*other_rows, place.plan_row(before, head, largest)]), now
        )

    def write_plan() -> None:
        with store.planning(place.ablation):
            # Another process may have imported something meanwhile.
            if plan := planned():
                store.write_plan(plan)

    new_plan = planned()
    if added or replaced or new_plan:
        store.check_writable()
    with refused_as(f"importing into {store.path} stopped"):
        for curve, budget in zip(limited, budgets, strict=True):
            seed = _seed(curve)
            if seed not in same:
                row = _row(curve, budget, place, reasons.get(seed), now)
                if not store.write_run(row, _episodes(curve), NO_UPDATES, None, stamp=stamps[seed]):
                    raise InputError(
                        f"another process has imported seed {seed} of {place.variant} meanwhile"
                    )
        if new_plan:
            write_plan()
    return Adopted(added=tuple(added), replaced=tuple(replaced), same=tuple(same), reasons=reasons)


def _refuse_environment(curve: Curve, place: Place) -> None:
    """Refuse a curve of another environment; of another version, a remark is made later."""
    for name in curve.environments:
        if _family(name) != _family(place.environment):
            raise InputError(
                f"{curve.name}: its file says {quoted(name)}, not {place.environment}; "
                "name what it is of by --env"
            )


def _family(environment: str) -> str:
    """Return an id without module, namespace and version: "ALE/Pong-v5" is a "pong"."""
    return re.sub(r"-v\d+$", "", re.split("[:/]", environment)[-1]).lower()


def _refuse_kinds(curves: Sequence[Curve], stored: pd.DataFrame, place: Place) -> None:
    """Refuse a kind of returns that the variant's stored runs in any environment don't have."""
    for run in stored[stored["back_end"] == IMPORTED].itertuples():
        names = json.loads(run.canonical)[IMPORTED]
        kind = kind_of(run.evaluation)
        if (names["ablation"], names["variant"]) == (place.ablation, place.variant):
            for curve in curves:
                if curve.kind != kind:
                    raise InputError(
                        f"{curve.name}: its returns are {curve.kind}, those of {place.variant} in "
                        f"{run.environment} are {kind}; name another --variant"
                    )


def _ordered(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["environment_order"], row["variant_order"]))


def _reasons(curves: Sequence[Curve], budgets: Sequence[int], place: Place) -> dict[int, str]:
    """Return seed -> what is odd about its curve, for odd curves only."""
    longest = max(budgets)

    def oddities(curve: Curve, budget: int) -> Iterator[str]:
        yield from curve.remarks
        yield from curve.holes(budget)
        if budget < longest * (1 - LEAST_HOLE):
            yield f"ends at step {budget:,}, the longest seed at {longest:,}"
        for name in curve.environments:
            if name != place.environment:
                yield f"its file says {name}"

    reasons = {
        _seed(curve): "; ".join(oddities(curve, budget))
        for curve, budget in zip(curves, budgets, strict=True)
    }
    return {seed: reason for seed, reason in reasons.items() if reason}


def _row(
    curve: Curve, budget: int, place: Place, reason: str | None, now: datetime
) -> dict[str, object]:
    seed = _seed(curve)
    timed = bool(np.isfinite(curve.seconds).all())
    return {
        "run": place.run(seed),
        "description": place.description,
        "algorithm": place.algorithm,
        "environment": place.environment,
        "seed": seed,
        "budget": budget,
        "hyperparameters": "{}",
        "canonical": place.canonical,
        "back_end": IMPORTED,
        "device": IMPORTED,
        "evaluation": f"{IMPORTED}: {curve.evaluation}",
        "status": "finished",
        "reason": reason,
        "steps": curve.last,
        "episodes": len(curve.step),
        "updates": 0,
        "seconds": float(curve.seconds[-1]) if timed else np.nan,
        "group_size": 1,
        "threads": 1,
        "started": curve.started or now,
        "digest": IMPORTED,
        "versions": "{}",
        "machine": json.dumps(
            {
                "file": str(Path(curve.name)),
                "sha256": curve.sha256,
                "format": curve.format,
                "curve": _fingerprint(curve, budget),
            },
            ensure_ascii=False,
        ),
    }


def _episodes(curve: Curve) -> dict[str, np.ndarray]:
    return {
        "step": curve.step,
        "return": curve.returns,
        "length": curve.length,
        "seconds": curve.seconds,
    }


def _fingerprint(curve: Curve, budget: int) -> str:
    """Return a text that differs between imports with another curve, budget or kind of returns."""
    return f"{curve.content[:32]}-{budget}-{curve.evaluation}"


def _seed(curve: Curve) -> int:
    assert curve.seed is not None
    return curve.seed
