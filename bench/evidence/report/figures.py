"""The figures of a chapter as SVG, without title and caption: the document has them as text."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.evidence.alignment import Floats
from bench.evidence.cells import Cell
from bench.evidence.figures.panel import Cells, draw_curves, dress_panel, limits, line
from bench.evidence.figures.style import Look, drawing, thousands
from bench.evidence.profiles import Profile
from bench.evidence.report.mechanism import Diagnostic
from bench.evidence.statistics import bootstrap_interval, estimate

WIDTH = 7.0
"""Of the text on the page [inches]."""

_LONGEST_NAME = 26


def svg(figure: Figure) -> bytes:
    """The figure as SVG; equal figures give equal bytes."""
    target = io.BytesIO()
    with drawing():
        figure.savefig(target, format="svg", metadata={"Date": None})
    return target.getvalue()


def dots(
    values: Mapping[Cell, Floats],
    names: Mapping[str, str],
    look: Mapping[str, Look],
    *,
    label: str,
    zero: bool = False,
    seed: int = 0,
) -> Figure:
    """A panel an environment, a row a variant: every seed's value, their IQM and its interval.

    Args:
        values: by (environment, variant), one number a seed.
        names: variant -> title, in the order of the rows.
        look: of every variant.
        label: of the horizontal axis.
        zero: whether 0 is marked: the values are differences.
        seed: of the bootstrap.
    """
    environments = list(dict.fromkeys(environment for environment, _ in values))
    rows = [name for name in names if any(name == variant for _, variant in values)]
    columns = min(2, len(environments))
    lines = -(-len(environments) // columns)
    with drawing():
        height = 0.24 * len(rows) + 0.75
        figure = Figure(figsize=(WIDTH, lines * height), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
        for place, panel in enumerate(panels.flat):
            if place >= len(environments):
                panel.set_visible(False)
                continue
            _draw_dots(panel, environments[place], rows, values, look, zero, seed)
            panel.set_yticks(range(len(rows)), [_short(names[name]) for name in rows])
            panel.set_ylim(len(rows) - 0.4, -0.6)
            panel.set_title(_short(environments[place]), loc="left")
        figure.supxlabel(label, fontsize=8.5)
    return figure


def _draw_dots(
    panel: Axes,
    environment: str,
    rows: Sequence[str],
    values: Mapping[Cell, Floats],
    look: Mapping[str, Look],
    zero: bool,
    seed: int,
) -> None:
    dress_panel(panel, x_ticks=4)
    if zero:
        panel.axvline(0, color="0.4", linewidth=0.8)
    for place, name in enumerate(rows):
        own = values.get((environment, name))
        if own is None or not len(own):
            continue
        colour = look[name].colour
        low, high = bootstrap_interval(own, np.random.default_rng([seed, len(own)]))
        if np.isfinite(low):
            panel.plot([low, high], [place, place], color=colour, linewidth=5, alpha=0.3)
        panel.plot(
            own,
            np.full(len(own), place),
            linestyle="",
            marker="o",
            markersize=3.2,
            color=colour,
            markeredgecolor="white",
            markeredgewidth=0.4,
        )
        centre = float(estimate(own))
        panel.plot([centre, centre], [place - 0.32, place + 0.32], color=colour, linewidth=1.8)


def profiles(
    found: Mapping[str, Profile], names: Mapping[str, str], look: Mapping[str, Look]
) -> Figure:
    """The share of runs above each normalised score, a line a variant."""
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
        panel = figure.subplots()
        dress_panel(panel)
        for name, profile in found.items():
            curve = line(profile.thresholds, profile.share, look[name])
            curve.set_drawstyle("steps-post")
            curve.set_markevery(max(1, len(profile.thresholds) // 7))
            curve.set_label(_short(names[name]))
            panel.add_line(curve)
            panel.fill_between(
                profile.thresholds,
                profile.low,
                profile.high,
                step="post",
                color=look[name].colour,
                alpha=0.12,
                linewidth=0,
            )
        ends = next(iter(found.values())).thresholds
        panel.set_xlim(ends[0], ends[-1])
        panel.set_ylim(-0.02, 1.02)
        panel.set_xlabel("normalised score")
        panel.set_ylabel("share of runs above it")
        figure.legend(loc="outside right upper", frameon=False)
    return figure


def diagnostics(
    found: Sequence[Diagnostic], names: Mapping[str, str], look: Mapping[str, Look]
) -> Figure:
    """A row a diagnostic, a column an environment: its curve over the steps, a line a variant."""
    environments = list(dict.fromkeys(cell.environment for each in found for cell in each.cells))
    drawn = [name for name in names if any(name in each.variants for each in found)]
    with drawing():
        figure = Figure(figsize=(WIDTH, 1.85 * len(found) + 0.5), layout="constrained")
        panels = figure.subplots(len(found), len(environments), squeeze=False)
        for row, each in zip(panels, found, strict=True):
            for panel, environment in zip(row, environments, strict=True):
                cells = [pair for pair in each.banded if pair[0].environment == environment]
                dress_panel(panel, x_ticks=3)
                if not cells:
                    panel.set_visible(False)
                    continue
                if each.logarithmic:
                    _logarithmic(panel, cells)
                else:
                    panel.set_ylim(*limits(cells))
                draw_curves(panel, cells, look, drawn)
                panel.set_title(_short(environment), loc="left", fontsize=8)
            row[0].set_ylabel(each.label)
        for panel in panels[-1]:
            panel.set_xlabel("environment steps of a seed")
        figure.legend(
            [line([], [], look[name]) for name in drawn],
            [_short(names[name]) for name in drawn],
            loc="outside upper center",
            ncols=_legend_columns([_short(names[name]) for name in drawn]),
            frameon=False,
            handlelength=3.0,
        )
    return figure


def _legend_columns(labels: Sequence[str]) -> int:
    """As many as fit a figure's width, by the longest label."""
    return max(1, min(len(labels), 96 // (max(map(len, labels)) + 9)))


def _logarithmic(panel: Axes, cells: Cells) -> None:
    """A logarithmic axis that holds every line, with ticks that read as the other axes'."""
    values = np.concatenate([band.centre[np.isfinite(band.centre)] for _, band in cells])
    panel.set_yscale("log")
    if len(values):
        panel.set_ylim(values.min() / 1.5, values.max() * 1.5)
    panel.yaxis.set_major_locator(LogLocator(numticks=5))
    panel.yaxis.set_major_formatter(FuncFormatter(power_of_ten))
    panel.yaxis.set_minor_formatter(NullFormatter())


def power_of_ten(value: float, _position: int | None = None) -> str:
    """A tick label of a logarithmic axis: 0.01 is "0.01", 1e-7 is "1e−7"."""
    if 1e-4 < value < 1e6:
        return thousands(value)
    return f"{value:.0e}".replace("e-0", "e−").replace("e+0", "e").replace("-", "−")


def shortened(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs whose titles and environments fit a legend and a panel's head."""
    changed = runs.copy()
    for column in ("variant_title", "environment"):
        changed[column] = runs[column].map(distinct([str(name) for name in runs[column].unique()]))
    return changed


def distinct(names: Sequence[str]) -> dict[str, str]:
    """Name -> a short one; the names whose short ones are alike are told apart by a number."""
    found: dict[str, str] = {}
    for name in names:
        short = _short(name)
        if short in found.values():
            short = f"{short[: _LONGEST_NAME - 4]}… {len(found) + 1}"
        found[name] = short
    return found


def _short(name: str) -> str:
    """A name for an axis: the tables have it whole."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
