"""One panel: its limits, its lines with their bands, its seeds' scores, its axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import ArrayLike

from bench.evidence.figures.furniture import LEGEND
from bench.evidence.figures.shown import Shown
from bench.evidence.figures.style import Look, power_of_ten, scale
from bench.evidence.measures.curves import Band, SeedCurves
from bench.evidence.statistics.estimates import Floats, Statistic, estimate, interval_of_seeds
from bench.formatting import thousands

_MARKS_A_LINE = 7

Cells = Sequence[tuple[SeedCurves, Band]]
"""The content of one panel: the variants' curves on one environment."""


def limits(
    cells: Cells, points: ArrayLike = (), *, included: ArrayLike = ()
) -> tuple[float, float]:
    """Vertical limits that hold every line whole, and bands and points unless they lie far away.

    One seed that broke by orders of magnitude would otherwise flatten all curves to one.

    Args:
        cells: the lines with their bands; may be empty if there are other values.
        points: further values, such as scores [return].
        included: values that the limits must include, however far away [return].

    Returns:
        (low, high), with a margin.

    Raises:
        ValueError: there is no value at all.
    """
    near, required = (np.asarray(values, dtype=np.float64) for values in (points, included))
    lines = _finite([band.centre for _, band in cells])
    if not len(lines):  # at no step has every seed a value
        lines = near if len(near) else required
    if not len(lines):
        raise ValueError("a panel without lines, points and values has no limits")
    edges = _finite([edge for _, band in cells for edge in (band.low, band.high)])
    widths = _finite([band.high - band.low for _, band in cells])
    spread = 2 * float(np.median(widths)) if len(widths) else 0.0
    reach = max(float(np.ptp(lines)), spread)
    lowest, highest = lines.min() - reach, lines.max() + reach
    near = near[(near >= lowest) & (near <= highest)]
    shown = np.concatenate([lines, near, required, np.clip(edges, lowest, highest)])
    low, high = float(shown.min()), float(shown.max())
    margin = 0.05 * (high - low) or max(1e-3, 0.05 * abs(high))
    return low - margin, high + margin


def line(x: ArrayLike, y: ArrayLike, look: Look) -> Line2D:
    """A variant's line with its markers, for a panel or a legend."""
    return Line2D(
        np.asarray(x),
        np.asarray(y),
        color=look.colour,
        linestyle=(0, look.dashes) if look.dashes else "-",
        linewidth=1.5 * scale(),
        marker=look.marker,
        markersize=4.2 * scale(),
        markeredgecolor="white",
        markeredgewidth=0.6 * scale(),
    )


def open_mark(
    x: Sequence[float], y: Sequence[float], marker: str, colour: str | tuple[float, float, float]
) -> Line2D:
    """An open marker for a published value: what lies behind it stays visible."""
    return Line2D(
        x,
        y,
        linestyle="",
        marker=marker,
        markersize=4.6 * scale(),
        color=colour,
        markerfacecolor="none",
        markeredgewidth=1.1 * scale(),
        clip_on=False,
        zorder=4,
    )


def name_lines(panel: Axes, shown: Shown, drawn: Sequence[str]) -> None:
    """Add lines without points, from which the figure's legend is made; see `furniture`.

    Args:
        panel: any panel of the figure.
        shown: has the variants' names and looks.
        drawn: the variants in the legend, in its order.
    """
    for name, title in shown.names.items():
        if name in drawn:
            entry = line([], [], shown.look[name])
            entry.set(gid=f"{LEGEND}{name}", label=title)
            panel.add_line(entry)


def draw_curves(panel: Axes, cells: Cells, look: Mapping[str, Look], drawn: Sequence[str]) -> None:
    """Draw lines over their bands, from 0 to the end of the longest grid.

    Args:
        panel: the axes to draw on; its vertical limits must include every line.
        cells: the lines with their bands, at least one.
        look: of every variant.
        drawn: all variants of the page, among which markers are staggered.
    """
    for cell, band in cells:
        place = drawn.index(cell.variant)
        panel.fill_between(
            cell.grid,
            band.low,
            band.high,
            color=look[cell.variant].colour,
            alpha=0.15,
            linewidth=0,
            zorder=1.5,
        )
        curve = line(cell.grid, band.centre, look[cell.variant])
        # Staggered, so that markers of lines close to each other do not fall on one another.
        distance = max(1, len(cell.grid) // _MARKS_A_LINE)
        curve.set_markevery((place * distance // len(drawn), distance))
        curve.set_gid(cell.variant)
        curve.set_clip_on(False)  # whole markers at the edges; the limits include every line
        panel.add_line(curve)
    panel.set_xlim(0, max(float(cell.grid[-1]) for cell, _ in cells))


def draw_divergences(
    panel: Axes, cells: Cells, runs: pd.DataFrame, look: Mapping[str, Look]
) -> None:
    """Draw a cross where a seed's numbers stopped being finite, at its last value."""
    low, high = panel.get_ylim()
    for cell, _ in cells:
        rows = runs[(runs["variant"] == cell.variant) & (runs["environment"] == cell.environment)]
        for seed, step in zip(rows["seed"], rows["diverged_at"], strict=True):
            if pd.isna(step) or int(seed) not in cell.seeds:
                continue
            value = cell.values[cell.seeds.index(int(seed)), -1]
            panel.plot(
                [float(step)],
                [float(np.clip(value, low, high))],
                marker="x",
                markersize=5.5 * scale(),
                markeredgewidth=1.5 * scale(),
                color=look[cell.variant].colour,
                clip_on=False,
                zorder=4,
                gid=f"{cell.variant} diverged",
            )


def draw_seeds(
    panel: Axes,
    place: float,
    values: Floats,
    look: Look,
    statistic: Statistic,
    *,
    gid: str,
    upright: bool,
) -> None:
    """Draw every seed's value as a dot, the statistic as a bar, and its interval, if it has one.

    Args:
        panel: the axes to draw on.
        place: position on the axis of variants.
        values: finite, one per seed.
        look: of the variant.
        statistic: what the bar shows.
        gid: prefix of the names (gid) of the dots and of the bar.
        upright: whether values are on the vertical axis, as in a strip beside curves.
    """

    def at(places: ArrayLike, numbers: ArrayLike) -> tuple[ArrayLike, ArrayLike]:
        return (places, numbers) if upright else (numbers, places)

    colour, edges = look.colour, (place - 0.36, place + 0.36)
    low, high = interval_of_seeds(values, statistic)
    if np.isfinite(low):
        fill = panel.fill_between if upright else panel.fill_betweenx
        fill(edges, low, high, color=colour, alpha=0.25, linewidth=0)
    centre = float(estimate(values, statistic))
    panel.plot(*at(edges, [centre] * 2), color=colour, linewidth=1.6 * scale(), gid=f"{gid} score")
    bottom, top = panel.get_ylim() if upright else (values.min(), values.max())
    inside, inset = np.clip(values, bottom, top), 0.02 * (top - bottom)
    for points, marker, size in (
        (values[values == inside], "o", 2.8),
        (inside[values < bottom] + inset, "v", 3.6),
        (inside[values > top] - inset, "^", 3.6),
    ):
        panel.plot(
            *at(np.full(len(points), place), points),
            linestyle="",
            marker=marker,
            markersize=size * scale(),
            color=colour,
            markeredgecolor="white",
            markeredgewidth=0.3 * scale(),
            gid=f"{gid} scores",
        )


def dress_panel(panel: Axes, *, x_ticks: int = 5, y_ticks: int = 5) -> None:
    """Set round ticks, at most `x_ticks` and `y_ticks` intervals; no frame at the top and right."""
    for axis, number in ((panel.xaxis, x_ticks), (panel.yaxis, y_ticks)):
        axis.set_major_locator(MaxNLocator(nbins=number, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(thousands))
    for spine in ("top", "right"):
        panel.spines[spine].set_visible(False)


def span(panel: Axes, extent: float, ticks: int) -> None:
    """Set a horizontal axis from 0 to `extent`, the labels of whose outer ticks stay inside."""
    places = MaxNLocator(nbins=ticks, steps=[1, 2, 2.5, 5, 10]).tick_values(0, extent)
    panel.set_xticks([place for place in places if place <= extent * (1 + 1e-9)])
    panel.set_xlim(0, extent)
    first, *_, last = panel.get_xticklabels()
    first.set_horizontalalignment("left")
    if panel.get_xticks()[-1] >= extent * 0.95:
        last.set_horizontalalignment("right")


def round_ticks(panel: Axes) -> None:
    """Set at least two ticks on a logarithmic vertical axis, labelled as on other axes."""
    axis = panel.yaxis
    low, high = sorted(panel.get_ylim())
    decades = np.log10(high / low)
    steps = (1.0,) if decades > 2 else (1.0, 3.0) if decades > 1 else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=steps, numticks=6))
    axis.set_major_formatter(FuncFormatter(power_of_ten))
    axis.set_minor_formatter(NullFormatter())
    if decades <= 2:
        axis.set_minor_locator(NullLocator())


def empty_panel(panel: Axes) -> None:
    """Say that nothing has been trained for a panel."""
    panel.text(
        *(0.5, 0.5, "no runs yet"),
        transform=panel.transAxes,
        ha="center",
        va="center",
        color="0.45",
        fontsize="small",
    )


def _finite(parts: Sequence[Floats]) -> Floats:
    values = np.concatenate([np.empty(0), *parts])
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)
