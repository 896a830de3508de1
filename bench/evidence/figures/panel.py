"""One panel of learning curves: its limits, its lines with their bands, its axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from bench.evidence.figures.style import Look, thousands
from bench.evidence.measures.curves import Band, SeedCurves
from bench.evidence.statistics.estimates import Floats, Statistic, bootstrap_interval, estimate

_MARKS_A_LINE = 7

Cells = Sequence[tuple[SeedCurves, Band]]
"""What is drawn in one panel: the variants' curves on one environment."""


def limits(cells: Cells, points: ArrayLike = (), *, whole: ArrayLike = ()) -> tuple[float, float]:
    """Vertical limits that hold every line whole, and bands and points unless they lie far away.

    One seed that broke by orders of magnitude would otherwise flatten all curves to one.

    Args:
        cells: the lines with their bands; none if there is something that must be held.
        points: further values, such as scores [return].
        whole: values that must be held, however far away [return].

    Returns:
        (low, high), with a margin.

    Raises:
        ValueError: there is nothing to hold.
    """
    near, must = (np.asarray(values, dtype=np.float64) for values in (points, whole))
    lines = _finite([band.centre for _, band in cells])
    if not len(lines):  # at no step has every seed a value
        lines = near if len(near) else must
    if not len(lines):
        raise ValueError("a panel without lines, points and values has no limits")
    edges = _finite([edge for _, band in cells for edge in (band.low, band.high)])
    widths = _finite([band.high - band.low for _, band in cells])
    spread = 2 * float(np.median(widths)) if len(widths) else 0.0
    reach = max(float(np.ptp(lines)), spread)
    lowest, highest = lines.min() - reach, lines.max() + reach
    near = near[(near >= lowest) & (near <= highest)]
    shown = np.concatenate([lines, near, must, np.clip(edges, lowest, highest)])
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
        linewidth=1.5,
        marker=look.marker,
        markersize=4.2,
        markeredgecolor="white",
        markeredgewidth=0.6,
    )


def draw_curves(panel: Axes, cells: Cells, look: Mapping[str, Look], drawn: Sequence[str]) -> None:
    """Lines over their bands, from 0 to the end of the longest grid.

    Args:
        panel: where to; its vertical limits must hold every line.
        cells: what is drawn, at least one.
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
        curve.set_clip_on(False)  # whole markers at the edges; the limits hold every line
        panel.add_line(curve)
    panel.set_xlim(0, max(float(cell.grid[-1]) for cell, _ in cells))


def draw_divergences(
    panel: Axes, cells: Cells, runs: pd.DataFrame, look: Mapping[str, Look]
) -> None:
    """A cross where a seed's numbers stopped being finite, at the value it keeps."""
    low, high = panel.get_ylim()
    for cell, _ in cells:
        mine = runs[(runs["variant"] == cell.variant) & (runs["environment"] == cell.environment)]
        for number, step in zip(mine["seed"], mine["diverged_at"], strict=True):
            if pd.isna(step) or int(number) not in cell.seeds:
                continue
            value = cell.values[cell.seeds.index(int(number)), -1]
            panel.plot(
                [float(step)],
                [float(np.clip(value, low, high))],
                marker="x",
                markersize=5.5,
                markeredgewidth=1.5,
                color=look[cell.variant].colour,
                clip_on=False,
                zorder=4,
                gid=f"{cell.variant} diverged",
            )


def draw_score(
    strip: Axes,
    edges: tuple[float, float],
    values: Floats,
    colour: tuple[float, float, float],
    statistic: Statistic,
    seed: int,
    *,
    gid: str | None = None,
) -> None:
    """The statistic over seeds as a bar over its interval, if there is one.

    Args:
        strip: where to.
        edges: left and right end of the bar.
        values: finite scores, one a seed.
        colour: of both.
        statistic: what the bar shows.
        seed: of the bootstrap.
        gid: the bar's name.
    """
    low, high = bootstrap_interval(values, np.random.default_rng([seed, len(values)]), statistic)
    if np.isfinite(low):
        strip.fill_between(edges, low, high, color=colour, alpha=0.25, linewidth=0)
    centre = float(estimate(values, statistic))
    strip.plot(edges, [centre, centre], color=colour, linewidth=1.6, gid=gid)


def dress_panel(panel: Axes, *, x_ticks: int = 5, y_ticks: int = 5) -> None:
    """Round ticks, at most so many intervals of them, and no frame at the top and right."""
    for axis, number in ((panel.xaxis, x_ticks), (panel.yaxis, y_ticks)):
        axis.set_major_locator(MaxNLocator(nbins=number, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(thousands))
    for spine in ("top", "right"):
        panel.spines[spine].set_visible(False)


def dress_strip(strip: Axes, name: str) -> None:
    """A strip at a panel's right, which shares its vertical axis: shaded, without ticks."""
    for spine in ("top", "right", "left"):
        strip.spines[spine].set_visible(False)
    strip.set_facecolor("0.965")
    strip.grid(visible=False)
    strip.tick_params(axis="both", left=False, bottom=False, labelleft=False, labelbottom=False)
    # On the line of the panel's axis name: on the line of tick labels it would run into them.
    strip.set_xlabel(name, labelpad=18.0)


def empty_panel(panel: Axes) -> None:
    """Say that nothing has been trained for a panel."""
    panel.text(
        *(0.5, 0.5, "no runs yet"),
        transform=panel.transAxes,
        ha="center",
        va="center",
        color="0.45",
        fontsize=7.5,
    )


def _finite(parts: Sequence[Floats]) -> Floats:
    values = np.concatenate([np.empty(0), *parts])
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)
