"""Panels in a grid: as many side by side as the width holds, each of a given height."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.evidence.figures.wrapping import wrapped

COLUMN: Final = 3.3
PAGE: Final = 7.0
"""Widths of a column and of a page of a paper [inches]."""

_SCREEN: Final = {1: 6.0, 2: 8.5}
_WIDEST: Final = 10.5
_MOST_COLUMNS: Final = 4
_ROOM: Final = 4.0  # height of a row before its texts are laid out [inches]
_TICK_LABELS: Final = 2.2  # room for the next panel's tick labels, in letters' heights
_MARGIN: Final = 0.06  # right of a panel's name [inches]
_PASSES: Final = 2  # passes of the layout, after which widths stay the same
_DOTS_PER_INCH: Final = 200

Names = tuple[str, str]
"""The names of a panel and of its horizontal axis."""


def screen_width(panels: int) -> float:
    """The default width of a figure for a screen [inches]."""
    return _SCREEN.get(panels, _WIDEST)


def column_count(panels: int, width: float, least: float) -> int:
    """How many panels stand in a row, rows as even as can be.

    Args:
        panels: how many there are.
        width: of the figure [inches].
        least: width of a panel with its tick labels [inches].
    """
    most = max(1, min(_MOST_COLUMNS, int(width / least)))
    rows = -(-panels // most)
    return -(-panels // rows)


def panel_height(width: float, font_size: float) -> float:
    """The height of a panel that takes `width` with its tick labels, both in inches."""
    return min(max(0.6 * width, 0.16 * font_size), 3.2)


def make_grid(
    panels: int, columns: int, width: float, *, share_y: bool = False, strip: float = 0.0
) -> tuple[Figure, list[Axes], list[Axes]]:
    """Make a figure of panels with a constrained layout.

    Args:
        panels: how many.
        columns: how many stand in a row.
        width: of the figure [inches].
        share_y: whether the panels share the vertical axis.
        strip: width of a strip at the right of each panel, as a share of the panel's; 0: none.

    Returns:
        The figure; its panels in reading order; and the strips.
    """
    rows = -(-panels // columns)
    figure = Figure(figsize=(width, _ROOM * rows), dpi=_DOTS_PER_INCH, layout="constrained")
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.set(w_pad=0.04, h_pad=0.03, wspace=0.0, hspace=0.0)  # type: ignore[call-arg]
    ratios, per_panel = ([1, strip] * columns, 2) if strip else ([1] * columns, 1)
    grid = figure.subplots(
        rows,
        per_panel * columns,
        squeeze=False,
        sharey=share_y,
        gridspec_kw={"width_ratios": ratios},
    )
    axes = list(grid.flat)
    for spare in axes[per_panel * panels :]:
        spare.remove()
    used = axes[: per_panel * panels]
    return figure, used[::per_panel], used[1::per_panel] if strip else []


def name_axes(panels: Sequence[Axes], columns: int, height: float, x: str, y: str = "") -> None:
    """Name the vertical axes at the left of the grid and the horizontal ones at its bottom.

    Args:
        panels: in reading order.
        columns: how many stand in a row.
        height: of a panel [inches].
        x: name of the horizontal axis.
        y: name of the vertical axis.
    """
    for place, panel in enumerate(panels):
        if place % columns == 0:
            panel.set_ylabel(wrapped(y, height, float(panel.yaxis.label.get_fontsize())))
        if place + columns >= -(-len(panels) // columns) * columns:
            panel.set_xlabel(x)


def settle(figure: Figure, panels: Sequence[Axes], height: float) -> Figure:
    """Fit the figure's height to panels of `height` inches with their texts.

    The names of panels and horizontal axes are wrapped to the room that the layout leaves them.
    """
    names = _names(panels)
    # The layout makes room for the middle of a name, wherever that is.
    _set_names(panels, [("", "")] * len(panels))
    lay_out(figure)
    for _ in range(_PASSES):
        fitting = _wrapped_names(panels, names, figure.get_figwidth())
        if fitting == _names(panels):
            break
        _set_names(panels, fitting)
        lay_out(figure)
    spec = panels[0].get_subplotspec()
    assert spec is not None
    figure_height = figure.get_figheight()
    rows = spec.get_gridspec().nrows
    figure.set_figheight(
        figure_height + rows * (height - panels[0].get_position().height * figure_height)
    )
    return figure


def lay_out(figure: Figure) -> None:
    """Give the panels their places, without drawing anything."""
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)


def _names(panels: Sequence[Axes]) -> list[Names]:
    return [(panel.get_title(loc="left"), panel.get_xlabel()) for panel in panels]


def _set_names(panels: Sequence[Axes], names: Sequence[Names]) -> None:
    for panel, (title, axis) in zip(panels, names, strict=True):
        panel.set_title(title, loc="left")
        panel.set_xlabel(axis)


def _wrapped_names(panels: Sequence[Axes], names: Sequence[Names], width: float) -> list[Names]:
    """The names in lines, as long as the panels' places allow in a figure of `width` inches."""
    boxes = [panel.get_position() for panel in panels]
    fitting = []
    for panel, box, (title, axis) in zip(panels, boxes, names, strict=True):
        size = float(panel.title.get_fontsize())
        beyond = [other.x0 for other in boxes if other.x0 > box.x0 + 1e-6]
        margin = _TICK_LABELS * size / 72 if beyond else _MARGIN
        room = (min(beyond, default=1.0) - box.x0) * width - margin
        axis_size = float(panel.xaxis.label.get_fontsize())
        fitting.append((wrapped(title, room, size, "bold"), wrapped(axis, room, axis_size)))
    return fitting
