"""The mechanism: the diagnostics of the updates that an ablation is about, over training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.errors import InputError
from bench.evidence.figures.caption import seeds_text, statistic_text
from bench.evidence.figures.grid import (
    column_count,
    make_grid,
    panel_height,
    screen_width,
    settle,
)
from bench.evidence.figures.learning_curves import AXIS_NAMES, LEAST
from bench.evidence.figures.panel import (
    Cells,
    draw_curves,
    dress_panel,
    limits,
    name_lines,
    round_ticks,
    span,
)
from bench.evidence.figures.shown import Shown
from bench.evidence.figures.style import Look, drawing
from bench.evidence.figures.wrapping import wrapped
from bench.evidence.measures.curves import Band
from bench.evidence.measures.diagnostics import (
    Diagnostic,
    diagnostics,
    floor,
    label_of,
    meaning_of,
    mechanism_of,
)
from bench.evidence.statistics.coverage import coverages_text


def draw(shown: Shown, *, columns: Sequence[str] | None = None) -> Figure:
    """Draw the interquartile mean over seeds of each diagnostic.

    A row per diagnostic while the environments fit side by side; a row per environment while the
    diagnostics do; else the environments of a diagnostic take several rows.

    Args:
        shown: of an ablation.
        columns: of the table `updates`; None: those that the ablation names.
    """
    drawable = _diagnostics(shown, columns)
    present = {cell.environment for diagnostic in drawable for cell in diagnostic.cells}
    worlds = [name for name in shown.environments if name in present]
    drawn = [
        name
        for name in shown.variants
        if any(name in diagnostic.variants for diagnostic in drawable)
    ]
    width = shown.width or screen_width(max(len(worlds), 2))
    per_row = column_count(len(worlds), width, LEAST * shown.letter)
    if per_row < len(worlds) and len(drawable) * LEAST * shown.letter <= width:
        per_row, places = (
            len(drawable),
            [(diagnostic, name) for name in worlds for diagnostic in drawable],
        )
    else:
        filled = [*worlds, *[""] * (-len(worlds) % per_row)]
        places = [(diagnostic, name) for diagnostic in drawable for name in filled]
    cell_width, height = width / per_row, panel_height(width / per_row, shown.font_size)
    with drawing(shown.font_size):
        figure, panels, _ = make_grid(len(places), per_row, width)
        for panel, (diagnostic, environment) in zip(panels, places, strict=True):
            cells = diagnostic.panel(environment)
            if not cells:
                panel.set_axis_off()
                continue
            panel.set_title(environment, loc="left")
            panel.set_ylabel(wrapped(label_of(diagnostic.column), height, shown.font_size))
            dress_panel(panel, y_ticks=4)
            _draw(panel, cells, diagnostic.logarithmic, shown.look, drawn)
            span(panel, panel.get_xlim()[1], 2 if cell_width < 24 * shown.letter else 4)
        for panel in panels[-per_row:]:
            panel.set_xlabel(AXIS_NAMES["steps"])
        name_lines(panels[0], shown, drawn)
        return settle(figure, panels, height)


def caption(shown: Shown, *, columns: Sequence[str] | None = None) -> list[str]:
    """Sentences: what `draw` shows with the same arguments, and what each diagnostic is."""
    drawn = _diagnostics(shown, columns)
    numbers = sorted({len(cell.seeds) for diagnostic in drawn for cell in diagnostic.cells})
    band = ""
    if coverages := coverages_text(numbers, "iqm"):
        band = (
            " Band: pointwise 95% percentile-bootstrap interval over seeds; its measured coverage, "
            f"for normal data, is {coverages}."
        )
    return [
        f"Line: {statistic_text(numbers, 'iqm')} over seeds ({seeds_text(numbers)}) of the mean "
        f"over the updates between the points of a fixed grid.{band}",
        *map(_explained, drawn),
    ]


def _explained(diagnostic: Diagnostic) -> str:
    label, meaning = label_of(diagnostic.column), meaning_of(diagnostic.column)
    cut = "; what is below the axis is drawn at its edge" if diagnostic.cut else ""
    return f"{label[:1].upper()}{label[1:]}: {meaning}{cut}."


def _diagnostics(shown: Shown, columns: Sequence[str] | None) -> tuple[Diagnostic, ...]:
    names = mechanism_of(shown.results.plan) if columns is None else columns
    drawable = diagnostics(shown.runs, shown.rows(shown.results.view.updates), names)
    if not drawable:
        reason = f"no run has {', '.join(names)}" if names else "the ablation names no diagnostics"
        raise InputError(f"there is nothing to draw: {reason}")
    return drawable


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
        round_ticks(panel)
    draw_curves(panel, cells, look, drawn)


def _lifted(band: Band, bottom: float) -> Band:
    """The band, raised to `bottom` where it is below the end of a logarithmic axis."""
    centre, low, high = (np.maximum(x, bottom) for x in (band.centre, band.low, band.high))
    return Band(centre=centre, low=low, high=high)
