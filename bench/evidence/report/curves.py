"""Curves over training, as figures of a chapter: returns, and the diagnostics of the updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.evidence.figures.caption import seeds_text
from bench.evidence.figures.panel import Cells, draw_curves, draw_divergences, dress_panel, limits
from bench.evidence.figures.style import Look, drawing
from bench.evidence.measures.curves import Axis, Band
from bench.evidence.report.figures import (
    WIDTH,
    distinct,
    legend_above,
    round_ticks,
    short,
    side_by_side,
)
from bench.evidence.report.mechanism import Diagnostic, floor

AXIS_NAMES: Final = {"steps": "environment steps of a seed", "seconds": "wall time of training [s]"}

_MOST_COLUMNS: Final = 4
"""Environments that a row of diagnostics holds."""


def learning_curves(
    cells: Cells,
    runs: pd.DataFrame,
    names: Mapping[str, str],
    look: Mapping[str, Look],
    control: str,
    x: Axis,
) -> Figure:
    """A panel an environment, a line with its band a variant.

    Args:
        cells: every curve with its band, at least one.
        runs: the store's view of the ablation, for where seeds diverged.
        names: variant -> title, in the order of the legend.
        look: of every variant.
        control: what the legend marks as such.
        x: what the curves are drawn against.
    """
    environments = list(dict.fromkeys(cell.environment for cell, _ in cells))
    drawn = [name for name in names if any(cell.variant == name for cell, _ in cells)]
    columns = side_by_side(len(environments))
    rows = -(-len(environments) // columns)
    labels = distinct([names[name] for name in drawn])
    legend = {
        name: labels[names[name]] + (" (control)" if name == control else "") for name in drawn
    }
    counts = {
        name: seeds_text([len(cell.seeds) for cell, _ in cells if cell.environment == name])
        for name in environments
    }
    alike = len(set(counts.values())) == 1  # the caption says it then
    with drawing():
        height = {1: 2.4, 2: 2.0, 3: 1.65}[columns]
        figure = Figure(figsize=(WIDTH, height * rows + 0.5), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False)
        for place, panel in enumerate(panels.flat):
            if place >= len(environments):
                panel.set_visible(False)
                continue
            here = [pair for pair in cells if pair[0].environment == environments[place]]
            dress_panel(panel, x_ticks=5 if columns < 3 else 3)
            panel.set_ylim(*limits(here))
            draw_curves(panel, here, look, drawn)
            if x == "steps":
                draw_divergences(panel, here, runs, look)
            name = short(environments[place])
            count = (
                "" if alike else f"{' ' if columns < 3 else chr(10)}{counts[environments[place]]}"
            )
            panel.set_title(f"{name}{count}", loc="left", fontsize=8)
        figure.supxlabel(AXIS_NAMES[x], fontsize=8.5)
        figure.supylabel("episode return [raw reward]", fontsize=8.5)
        legend_above(figure, legend, drawn, look)
    return figure


def diagnostics(
    found: Sequence[Diagnostic], names: Mapping[str, str], look: Mapping[str, Look]
) -> Figure:
    """A panel a diagnostic and environment: its curve over the steps, a line a variant.

    A row a diagnostic while the environments fit side by side, a row an environment beyond.
    """
    environments = list(dict.fromkeys(cell.environment for each in found for cell in each.cells))
    drawn = [name for name in names if any(name in each.variants for each in found)]
    labels = distinct([names[name] for name in drawn])
    upright = len(environments) > _MOST_COLUMNS
    shape = (len(environments), len(found)) if upright else (len(found), len(environments))
    with drawing():
        height = (1.15 if upright else 1.5) * shape[0] + 0.5
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        panels = figure.subplots(*shape, squeeze=False)
        for row, each in enumerate(found):
            for column, environment in enumerate(environments):
                panel = panels[column, row] if upright else panels[row, column]
                # A name stands where its row or its column begins.
                if row == 0:
                    panel.set_title(short(environment), loc="left", fontsize=8)
                if upright or column == 0:
                    panel.set_ylabel(each.label, fontsize=7)
                cells = [pair for pair in each.banded if pair[0].environment == environment]
                if cells:
                    dress_panel(panel, x_ticks=3, y_ticks=3 if upright else 5)
                    _draw(panel, cells, each.logarithmic, look, drawn)
                else:
                    panel.set_axis_off()
        figure.supxlabel(AXIS_NAMES["steps"], fontsize=8.5)
        legend_above(figure, {name: labels[names[name]] for name in drawn}, drawn, look)
    return figure


def _draw(
    panel: Axes, cells: Cells, logarithmic: bool, look: Mapping[str, Look], drawn: Sequence[str]
) -> None:
    if not logarithmic:
        panel.set_ylim(*limits(cells))
    else:
        bottom = floor(cells)
        cells = [(cell, _lifted(band, bottom)) for cell, band in cells]
        values = np.concatenate([band.centre[np.isfinite(band.centre)] for _, band in cells])
        panel.set_yscale("log")
        if len(values):
            panel.set_ylim(values.min() / 1.5, values.max() * 1.5)
        round_ticks(panel, "y")
    draw_curves(panel, cells, look, drawn)


def _lifted(band: Band, bottom: float) -> Band:
    """The band with nothing below where a logarithmic axis ends."""
    return Band(
        centre=np.maximum(band.centre, bottom),
        low=np.maximum(band.low, bottom),
        high=np.maximum(band.high, bottom),
    )
