"""The figures of a chapter as SVG, without title and caption: the document has them as text.

Each is as wide as the text on the page, so that its letters have the size that is set here.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from bench.evidence.figures.output import draw
from bench.evidence.figures.panel import dress_panel, line
from bench.evidence.figures.style import Look, drawing, thousands
from bench.evidence.measures.alignment import Floats
from bench.evidence.measures.cells import Cell
from bench.evidence.statistics.estimates import Statistic, bootstrap_interval, estimate
from bench.evidence.statistics.profiles import Profile

WIDTH: Final = 7.0
"""Of the text on the page [inches]."""

PROFILE_END: Final = 2.0
"""A performance profile is drawn up to this normalised score at most."""

_LONGEST_NAME: Final = 26
_LETTERS_A_LINE: Final = 96
_LETTERS_A_HANDLE: Final = 9


def svg(figure: Figure) -> bytes:
    """The figure as SVG; equal figures give equal bytes."""
    target = io.BytesIO()
    draw(figure, target, ".svg")
    return target.getvalue()


def side_by_side(panels: int) -> int:
    """How many panels stand in a row."""
    if panels == 4:
        return 2
    return min(panels, 3)


def legend_above(
    figure: Figure, names: Mapping[str, str], drawn: Sequence[str], look: Mapping[str, Look]
) -> None:
    """A line a variant over the panels, in as few rows as fit.

    Args:
        figure: with a constrained layout.
        names: variant -> what the legend calls it.
        drawn: which variants, in the order of the legend.
        look: of every variant.
    """
    labels = [names[name] for name in drawn]
    longest = max(map(len, labels)) + _LETTERS_A_HANDLE
    figure.legend(
        [line([], [], look[name]) for name in drawn],
        labels,
        loc="outside upper center",
        ncols=max(1, min(len(labels), _LETTERS_A_LINE // longest)),
        frameon=False,
        handlelength=3.0,
    )


def dots(
    values: Mapping[Cell, Floats],
    names: Mapping[str, str],
    look: Mapping[str, Look],
    *,
    label: str,
    statistic: Statistic = "iqm",
    zero: bool = False,
    logarithmic: bool = False,
    seed: int = 0,
) -> Figure:
    """A panel an environment, a row a variant: every seed's value, a statistic and its interval.

    Args:
        values: by (environment, variant), one number a seed.
        names: variant -> title, in the order of the rows.
        look: of every variant.
        label: of the horizontal axis.
        statistic: what the bar shows.
        zero: whether 0 is marked: the values are differences.
        logarithmic: whether the horizontal axis is; every value is positive.
        seed: of the bootstrap.
    """
    environments = list(dict.fromkeys(environment for environment, _ in values))
    rows = [name for name in names if any(name == variant for _, variant in values)]
    columns = side_by_side(len(environments))
    lines = -(-len(environments) // columns)
    labels = list(distinct([names[name] for name in rows]).values())
    with drawing():
        size = (WIDTH, lines * (0.2 * len(rows) + 0.62) + 0.2)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
        for place, panel in enumerate(panels.flat):
            if place >= len(environments):
                panel.set_visible(False)
                continue
            dress_panel(panel, x_ticks=4 if columns < 3 else 3)
            if logarithmic:
                panel.set_xscale("log")
            if zero:
                panel.axvline(0, color="0.4", linewidth=0.8)
            for height, name in enumerate(rows):
                own = values.get((environments[place], name))
                if own is not None and len(own):
                    _draw_row(panel, height, own, look[name].colour, statistic, seed)
            if logarithmic:
                round_ticks(panel, "x")
            panel.set_yticks(range(len(rows)), labels)
            panel.set_ylim(len(rows) - 0.4, -0.6)
            panel.set_title(short(environments[place]), loc="left", fontsize=8)
        figure.supxlabel(label, fontsize=8.5)
    return figure


def _draw_row(
    panel: Axes,
    height: int,
    own: Floats,
    colour: tuple[float, float, float],
    statistic: Statistic,
    seed: int,
) -> None:
    low, high = bootstrap_interval(own, np.random.default_rng([seed, len(own)]), statistic)
    if np.isfinite(low):
        panel.plot([low, high], [height, height], color=colour, linewidth=5, alpha=0.3)
    panel.plot(
        own,
        np.full(len(own), height),
        linestyle="",
        marker="o",
        markersize=3.4,
        color=colour,
        markeredgecolor="white",
        markeredgewidth=0.3,
    )
    centre = float(estimate(own, statistic))
    panel.plot([centre, centre], [height - 0.32, height + 0.32], color=colour, linewidth=1.8)


def profiles(
    found: Mapping[str, Profile], names: Mapping[str, str], look: Mapping[str, Look]
) -> Figure:
    """The share of runs above each normalised score, a line a variant."""
    labels = distinct([names[name] for name in found])
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
        panel = figure.subplots()
        dress_panel(panel)
        for name, profile in found.items():
            curve = line(profile.thresholds, profile.share, look[name])
            curve.set_drawstyle("steps-post")
            curve.set_markevery(max(1, len(profile.thresholds) // 7))
            curve.set_label(labels[names[name]])
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


def round_ticks(panel: Axes, axis: str) -> None:
    """Ticks of a logarithmic axis that read as the other axes' do, and never fewer than two."""
    chosen = panel.xaxis if axis == "x" else panel.yaxis
    low, high = sorted(panel.get_xlim() if axis == "x" else panel.get_ylim())
    decades = np.log10(high / low)
    steps = (1.0,) if decades > 2 else (1.0, 3.0) if decades > 1 else (1.0, 2.0, 5.0)
    chosen.set_major_locator(LogLocator(subs=steps, numticks=6))
    chosen.set_major_formatter(FuncFormatter(power_of_ten))
    chosen.set_minor_formatter(NullFormatter())
    if decades <= 2:
        chosen.set_minor_locator(NullLocator())


def power_of_ten(value: float, _position: int | None = None) -> str:
    """A tick label of a logarithmic axis: 0.01 is "0.01", 1e-7 is "1e−7"."""
    if 1e-4 < value < 1e6:
        return thousands(value)
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def distinct(names: Sequence[str]) -> dict[str, str]:
    """Name -> a short one; the names whose short ones are alike are told apart by a number."""
    found: dict[str, str] = {}
    for name in names:
        candidate = short(name)
        if name not in found and candidate in found.values():
            candidate = f"{candidate[: _LONGEST_NAME - 4]}… {len(found) + 1}"
        found.setdefault(name, candidate)
    return found


def short(name: str) -> str:
    """A name for an axis: the tables have it whole."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
