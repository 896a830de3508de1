"""How long a batch can be reused: effective sample size and KL against the epochs spent on it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.evidence.figures.style import drawing
from bench.evidence.measures.diagnostics import label_of, values_of
from bench.evidence.report.pictures import logarithmic, side_by_side
from bench.evidence.results import Results
from bench.evidence.statistics.estimates import Floats
from bench.formatting import thousands

ALGORITHMS: Final = ("importance_sampling", "kl_ppo", "clipped_ppo")
"""Algorithms that spend several epochs on a batch, in the order of the lecture's steps."""

COLUMNS: Final = ("effective_sample_size", "kl_mean")

_LOOKS: Final = {
    "importance_sampling": ("#0173b2", "o", "importance sampling"),
    "kl_ppo": ("#029e73", "s", "KL-PPO"),
    "clipped_ppo": ("#b3261e", "D", "PPO2"),
}


@dataclass(frozen=True, kw_only=True)
class Point:
    """One variant on one environment: a number per seed, the median over its updates."""

    environment: str
    algorithm: str
    title: str
    epochs: int
    values: dict[str, Floats]  # by diagnostic


def points(results: Results) -> dict[str, Point]:
    """The points of an ablation, by description."""
    by_description: dict[str, Point] = {}
    reusing = results.runs[results.runs["algorithm"].isin(ALGORITHMS)]
    for description, runs in reusing.groupby("description", sort=False):
        row = runs.iloc[0]
        epochs = json.loads(row["hyperparameters"]).get("epochs")
        if epochs is None:
            continue
        updates = results.view.updates
        run_updates = updates[
            updates["run"].isin(runs["run"]) & (updates["variant"] == row["variant"])
        ]
        values = {name: _typical(run_updates, name) for name in COLUMNS}
        if all(len(medians) for medians in values.values()):
            by_description[str(description)] = Point(
                environment=str(row["environment"]),
                algorithm=str(row["algorithm"]),
                title=str(row["variant_title"]),
                epochs=int(epochs),
                values=values,
            )
    return by_description


def unique_points(groups: Iterable[dict[str, Point]]) -> list[Point]:
    """The points of several ablations, each description once, under its first name."""
    unique: dict[str, Point] = {}
    for by_description in groups:
        for description, point in by_description.items():
            unique.setdefault(description, point)
    return list(unique.values())


def draw(reused: list[Point]) -> Figure:
    """Draw one panel per diagnostic and environment, side by side, with one mark per seed."""
    environments = sorted({point.environment for point in reused})
    epochs = sorted({point.epochs for point in reused})
    places = [(name, environment) for name in COLUMNS for environment in environments]
    with drawing():
        figure, panels = side_by_side(len(places), 1.75)
        for panel, (name, environment) in zip(panels, places, strict=True):
            for point in (point for point in reused if point.environment == environment):
                colour, marker, label = _LOOKS[point.algorithm]
                shift = 1.12 ** (ALGORITHMS.index(point.algorithm) - 1)
                medians = point.values[name]
                x = np.full(len(medians), point.epochs * shift)
                mark: dict[str, Any] = {"marker": marker, "markersize": 3.6, "markeredgewidth": 0}
                panel.plot(x, medians, linestyle="", color=colour, alpha=0.7, label=label, **mark)
            panel.set_xscale("log")
            panel.set_xticks(epochs, [str(number) for number in epochs])
            panel.xaxis.set_minor_formatter(NullFormatter())
            panel.set_xlim(epochs[0] / 1.5, epochs[-1] * 1.5)
            if name == "kl_mean":
                panel.set_yscale("log")
                logarithmic(panel.yaxis)
            else:
                panel.set_ylim(-0.03, 1.05)
                panel.yaxis.set_major_formatter(FuncFormatter(thousands))
            panel.set_title(environment, loc="left", fontsize=8)
            panel.set_ylabel(label_of(name))
            panel.set_xlabel("epochs on a batch")
        legends = [panel.get_legend_handles_labels() for panel in panels]
        handles = {name: handle for legend in legends for handle, name in zip(*legend, strict=True)}
        names = [name for _, _, name in _LOOKS.values() if name in handles]
        lines = [handles[name] for name in names]
        figure.legend(lines, names, loc="outside upper center", ncols=3, frameon=False)
    return figure


def _typical(updates: pd.DataFrame, column: str) -> Floats:
    medians = values_of(updates, column).groupby(updates["seed"]).median().dropna()
    return np.asarray(medians, dtype=np.float64)
