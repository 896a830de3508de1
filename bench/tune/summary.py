"""A study as rows: the settings and the outcome of each trial."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.evidence.export.spreadsheets import cell
from bench.formatting import setting_text
from bench.tune.request import Request
from bench.tune.space import defaults
from bench.tune.study import best_trial, ended_trials

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

OUTCOMES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One trial with an outcome.

    Attributes:
        value: normalised score; None if it has none.
        returns: mean score by environment [return], for a complete trial.
        values: the searched hyperparameters' values, as a person would write them.
        reason: why it was pruned or failed.
    """

    number: int
    outcome: str
    value: float | None
    returns: tuple[float | None, ...]
    values: tuple[str, ...]
    reason: str


def rows(study: Study, request: Request) -> tuple[Row, ...]:
    """Return all trials with an outcome, best first, then by number."""
    unsorted = [_row(trial, request) for trial in ended_trials(study)]
    return tuple(
        sorted(unsorted, key=lambda row: (row.value is None, -(row.value or 0.0), row.number))
    )


def header(request: Request) -> tuple[str, ...]:
    """Return the names of a row's columns, the reason's last."""
    return (
        "trial",
        "outcome",
        "score",
        *request.environments,
        *(dimension.field for dimension in request.space),
        "reason",
    )


def table(study: Study, request: Request) -> str:
    """All trials as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(cell, header(request)))
    for row in rows(study, request):
        numbers = ["" if value is None else f"{value:.6g}" for value in (row.value, *row.returns)]
        texts = map(cell, (*row.values, row.reason))
        writer.writerow([row.number, row.outcome, *numbers, *texts])
    return text.getvalue()


def changes(study: Study, request: Request) -> Sequence[tuple[str, str, str]]:
    """Return (hyperparameter, default, value in the best trial) for all that were searched."""
    winner = best_trial(study)
    if winner is None:
        return ()
    values = request.hyperparameters(winner.params)
    default_values = defaults(request.algorithm)
    return [
        (dimension.field, _text(default_values[dimension.field]), _text(values[dimension.field]))
        for dimension in request.space
    ]


def _row(trial: FrozenTrial, request: Request) -> Row:
    outcome = OUTCOMES[trial.state.name]
    returns = trial.user_attrs.get("returns", {})
    values = request.hyperparameters(trial.params)
    return Row(
        number=trial.number,
        outcome=outcome,
        value=trial.value if outcome == "complete" else None,
        returns=tuple(returns.get(name) for name in request.environments),
        values=tuple(_text(values[dimension.field]) for dimension in request.space),
        reason=trial.user_attrs.get("reason", ""),
    )


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return setting_text(value)
