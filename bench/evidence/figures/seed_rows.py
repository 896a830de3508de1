"""A panel per environment, a row per variant: every seed's value, a statistic and its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from matplotlib.figure import Figure

from bench.errors import InputError
from bench.evidence.figures.grid import (
    column_count,
    make_grid,
    name_axes,
    screen_width,
    settle,
)
from bench.evidence.figures.panel import draw_seeds, dress_panel
from bench.evidence.figures.shown import Shown
from bench.evidence.figures.style import drawing
from bench.evidence.figures.wrapping import text_width, wrapped
from bench.evidence.measures.cells import Cell
from bench.evidence.statistics.estimates import Floats, Statistic

_LEAST: Final = 10.0  # width of a panel, in letters' heights
_WIDEST_NAMES: Final = 0.4  # as a share of the figure's width


def draw_rows(
    values: Mapping[Cell, Floats],
    shown: Shown,
    *,
    label: str,
    statistic: Statistic,
    zero: bool = False,
) -> Figure:
    """Draw values by cell.

    Args:
        values: by (environment, variant), one finite number per seed.
        shown: selects the cells that are drawn.
        label: of the horizontal axis.
        statistic: what the bar shows.
        zero: whether 0 is marked: the values are differences.

    Raises:
        InputError: there is no value.
    """
    cells = {cell: numbers for cell, numbers in shown.of(values).items() if len(numbers)}
    if not cells:
        raise InputError("there is nothing to draw: no seed has a value")
    worlds = list(dict.fromkeys(environment for environment, _ in cells))
    rows = [name for name in shown.variants if any(name == variant for _, variant in cells)]
    width, size = shown.width or screen_width(len(worlds)), 0.94 * shown.font_size
    texts = [wrapped(shown.names[name], _WIDEST_NAMES * width, size) for name in rows]
    lines = [line for text in texts for line in text.split("\n")]
    name_width = max(text_width(line, size) for line in lines) + shown.letter
    columns = column_count(len(worlds), width - name_width, _LEAST * shown.letter)
    cell_width = (width - name_width) / columns
    most = max(text.count("\n") + 1 for text in texts)
    height = shown.letter * (0.6 + 1.15 * most) * len(rows)
    with drawing(shown.font_size):
        figure, panels, _ = make_grid(len(worlds), columns, width, share_y=True)
        for panel, environment in zip(panels, worlds, strict=True):
            dress_panel(panel, x_ticks=2 if cell_width < 16 * shown.letter else 4)
            if zero:
                panel.axvline(0, color="0.4", linewidth=0.8, gid="zero")
            for place, name in enumerate(rows):
                if (environment, name) in cells:
                    seed_values, look = cells[environment, name], shown.look[name]
                    draw_seeds(panel, place, seed_values, look, statistic, gid=name, upright=False)
            panel.set_yticks(range(len(rows)), texts)
            panel.set_ylim(len(rows) - 0.4, -0.6)
            panel.set_title(environment, loc="left")
        name_axes(panels, columns, height, label)
        return settle(figure, panels, height)
