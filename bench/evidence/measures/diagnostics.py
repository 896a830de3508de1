"""Diagnostics of the updates over training: the mechanism that an ablation is about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from bench.evidence.measures.cells import Cell, by_seed
from bench.evidence.measures.curves import Band, SeedCurves, aggregate, seed_curves
from bench.store.schema import SCHEMAS

LABELS: Final = {
    "kl_mean": "mean KL [nats]",
    "kl_max": "largest KL [nats]",
    "gradient_variance": "gradient variance",
    "gradient_signal_to_noise": "gradient signal / noise",
    "effective_sample_size": "effective sample size",
    "clip_fraction": "clipped share",
    "explained_variance": "explained variance",
    "ratio_q99": "99% quantile of ρ",
    "learning_rate": "step size",
    "beta": "β",
}
"""Column of the store's `updates` -> its axis label; other columns are labelled by their name."""

_REPETITIONS: Final = 2_000
"""Bootstrap resamples behind a band: these curves explain, nothing is claimed from them."""
_POINTS: Final = 50
"""The most points of a curve's grid."""

_LOGARITHMIC: Final = (
    *("kl_mean", "kl_max", "gradient_variance", "beta", "learning_rate", "ratio_q99"),
)

_SMALLEST: Final = 1e-12
"""The smallest value that a logarithmic axis shows, as a share of the panel's largest."""

_ROUNDING: Final = 1e-6
"""How negative rounding may make a non-negative diagnostic, as a share of its largest value."""

_SIGNS: Final = {" - ": " − ", "^2": "²", "sum ": "Σ ", "gradient_variance": "gradient variance"}


def label_of(column: str) -> str:
    """Return the name that figures and tables give a column of `updates`, like "step size"."""
    return LABELS.get(column, column.replace("_", " "))


def meaning_of(column: str) -> str:
    """Return the store's description of a column of `updates`, with mathematical signs."""
    text = str(SCHEMAS["updates"].field(column).metadata[b"meaning"], "utf-8")
    for plain, sign in _SIGNS.items():
        text = text.replace(plain, sign)
    return text


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One diagnostic over training, by variant and environment."""

    column: str
    cells: tuple[SeedCurves, ...]  # values [S, G] in the diagnostic's unit

    @property
    def variants(self) -> frozenset[str]:
        return frozenset(cell.variant for cell in self.cells)

    @cached_property
    def banded(self) -> list[tuple[SeedCurves, Band]]:
        """The curves with their interquartile means over seeds."""
        return [(cell, aggregate(cell, repetitions=_REPETITIONS)) for cell in self.cells]

    def panel(self, environment: str) -> list[tuple[SeedCurves, Band]]:
        """The curves on an environment."""
        return [pair for pair in self.banded if pair[0].environment == environment]

    @cached_property
    def logarithmic(self) -> bool:
        """Whether the axes are logarithmic: a `_LOGARITHMIC` column, negative only by rounding."""
        if self.column not in _LOGARITHMIC:
            return False
        values = np.concatenate([band.centre for _, band in self.banded])
        values = values[np.isfinite(values)]
        return bool(len(values) and values.max() > 0 and values.min() >= -_ROUNDING * values.max())

    @property
    def cut(self) -> bool:
        """Whether a part of a line lies below its logarithmic axis."""
        return self.logarithmic and any(
            bool(np.any(band.centre < floor(self.panel(cell.environment))))
            for cell, band in self.banded
        )


def floor(cells: Sequence[tuple[SeedCurves, Band]]) -> float:
    """The lowest value that a panel's logarithmic axis shows.

    Args:
        cells: the panel's lines.
    """
    values = np.concatenate([band.centre for _, band in cells])
    values = values[np.isfinite(values) & (values > 0)]
    return float(max(_SMALLEST * values.max(), values.min())) if len(values) else _SMALLEST


def mechanism_of(plan: pd.DataFrame) -> tuple[str, ...]:
    """The columns of `updates` that the plan names, in its order."""
    columns = SCHEMAS["updates"].names
    mechanism: dict[str, None] = {}
    for text in plan["metadata"]:
        mechanism |= dict.fromkeys(json.loads(text).get("mechanism", ()))
    return tuple(name for name in mechanism if name in columns)


def diagnostics(
    runs: pd.DataFrame, updates: pd.DataFrame, columns: Sequence[str]
) -> tuple[Diagnostic, ...]:
    """Curves of diagnostics on a grid of steps, like those of returns by `curves.seed_curves`.

    A seed's value at a grid point is the mean over the updates since the point before.

    Args:
        runs: the store's view of an ablation, one row per run.
        updates: the store's view, one row per update.
        columns: which diagnostics; those without a number are left out.
    """
    diagnostic_curves = []
    for column in columns:
        numbers = values_of(updates, column)
        events = updates.assign(**{"return": numbers})[numbers.notna()]
        if not len(events):
            continue
        median_updates = int(events.groupby("run").size().median())
        curves = seed_curves(runs, events, points=max(1, min(_POINTS, median_updates)))
        cells = tuple(cell for cell in curves if cell.seeds)
        if cells:
            diagnostic_curves.append(Diagnostic(column=column, cells=cells))
    return tuple(diagnostic_curves)


def values_of(updates: pd.DataFrame, column: str) -> pd.Series:
    """A column's numbers, whatever its type; NaN where there is none."""
    return pd.to_numeric(updates[column], errors="coerce").astype("float64")


def typical_values(updates: pd.DataFrame, column: str) -> pd.DataFrame:
    """The median over a seed's updates, then over seeds: environment, variant, n, value.

    Args:
        updates: the store's view.
        column: the diagnostic.
    """
    finite = updates.assign(value=values_of(updates, column))
    finite = finite[np.isfinite(finite["value"])]
    keys = ["environment", "variant"]
    seed_medians = finite.groupby([*keys, "seed"], sort=False)["value"].median().reset_index()
    grouped = seed_medians.groupby(keys, sort=False)["value"]
    return grouped.agg(n="size", value="median").reset_index()


def first_values(updates: pd.DataFrame, column: str) -> dict[Cell, dict[int, float]]:
    """A diagnostic of the first batch: a number by seed, for each cell that has any.

    There all variants of a seed still have the same policy: what differs is the estimator alone.

    Args:
        updates: the store's view.
        column: the diagnostic.
    """
    first = updates[updates["update"] == 0]
    values = by_seed(first.assign(score=values_of(first, column)))
    return {cell: seeds for cell, seeds in values.items() if seeds}
