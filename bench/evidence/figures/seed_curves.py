"""Every seed's learning curve: environments as rows and variants as columns.

Where seeds end in one of two modes, as HalfCheetah's do, a mean over seeds is a value that no seed
has. These panels show both modes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.evidence.figures.caption import returns_of, statistic_text
from bench.evidence.figures.grid import make_grid, panel_height, settle
from bench.evidence.figures.learning_curves import AXIS_NAMES
from bench.evidence.figures.panel import Cells, dress_panel, empty_panel, limits, span
from bench.evidence.figures.shown import Shown
from bench.evidence.figures.style import Look, drawing, scale
from bench.evidence.figures.wrapping import wrapped
from bench.evidence.measures.curves import Axis, Band, SeedCurves
from bench.evidence.statistics.estimates import Statistic
from bench.kinds import EPISODES

_WIDTH: Final = 1.6  # of a panel, for a screen [inches]
_LEAST: Final = 7.0  # width of a panel, in letters' heights


def draw(shown: Shown, *, x: Axis = "steps", statistic: Statistic = "iqm") -> Figure:
    """Draw every seed's curve thin and the statistic over them bold.

    The panels of an environment share their vertical axis, which holds every bold line whole and
    every thin one unless it leaves them far behind. Where the variants don't fit side by side, an
    environment takes several rows.

    Args:
        shown: of an ablation.
        x: "steps" or "seconds".
        statistic: what the bold lines show, "iqm" or "mean".
    """
    cells = shown.curves(x, statistic)
    worlds = [
        world for world in shown.environments if any(c.environment == world for c, _ in cells)
    ]
    number = len(shown.variants)
    width = shown.width or 1.0 + _WIDTH * max(number, 2)
    rows = -(-number // max(1, int(width / (_LEAST * shown.letter))))
    columns = -(-number // rows)
    cell_width, size = width / columns, shown.font_size
    height, extent = panel_height(cell_width, size), max(float(c.grid[-1]) for c, _ in cells)
    with drawing(size):
        figure, panels, _ = make_grid(len(worlds) * rows * columns, columns, width)
        for row, environment in enumerate(worlds):
            by_variant = {c.variant: (c, band) for c, band in cells if c.environment == environment}
            limits = _limits(list(by_variant.values()))
            for place, name in enumerate([*shown.variants, *[""] * (rows * columns - number)]):
                panel = panels[row * rows * columns + place]
                if not name:
                    panel.set_axis_off()
                    continue
                panel.set_ylim(*limits)
                dress_panel(panel, y_ticks=4)
                span(panel, extent, 1 if cell_width < 9 * shown.letter else 2)
                last = row == len(worlds) - 1 and place + columns >= number
                panel.tick_params(labelleft=not place % columns, labelbottom=last)
                if not place % columns:
                    panel.set_ylabel(wrapped(environment, height, size, "bold"), weight="bold")
                if row == 0 or rows > 1:
                    panel.set_title(shown.variants[name], loc="left")
                if last:
                    panel.set_xlabel(AXIS_NAMES[x])
                if name in by_variant:
                    _seeds(panel, *by_variant[name], shown.look[name])
                else:
                    empty_panel(panel)
        return settle(figure, panels, height)


def caption(shown: Shown, *, x: Axis = "steps", statistic: Statistic = "iqm") -> list[str]:
    """Sentences: what `draw` shows with the same arguments."""
    cells = shown.curves(x, statistic)
    numbers = sorted({len(curves.seeds) for curves, _ in cells})
    cut = False
    for environment in {curves.environment for curves, _ in cells}:
        panel_cells = [pair for pair in cells if pair[0].environment == environment]
        low, high = _limits(panel_cells)
        cut |= any(bool(np.any((c.values < low) | (c.values > high))) for c, _ in panel_cells)
    return [
        f"Thin: the return of one seed's {returns_of(shown.runs, EPISODES)}, gathered between the "
        f"points of a fixed grid. Bold: their {statistic_text(numbers, statistic)}. The panels of "
        "an environment share their vertical axis [raw reward]"
        + ("; lines far outside are cut." if cut else ".")
    ]


def _limits(cells: Cells) -> tuple[float, float]:
    thin = np.concatenate([curves.values.ravel() for curves, _ in cells])
    return limits(cells, thin[np.isfinite(thin)])


def _seeds(panel: Axes, curves: SeedCurves, band: Band, look: Look) -> None:
    for seed, values in zip(curves.seeds, curves.values, strict=True):
        panel.plot(
            curves.grid,
            values,
            color=look.colour,
            linewidth=0.6 * scale(),
            alpha=0.55,
            gid=f"{curves.variant} seed {seed}",
        )
    width = 2.0 * scale()
    panel.plot(curves.grid, band.centre, color=look.colour, linewidth=width, gid=curves.variant)
    # In the corner that the curves leave free: those that have risen end high.
    low, high = panel.get_ylim()
    ends = band.centre[np.isfinite(band.centre)][-1:]
    risen = bool(len(ends)) and float(ends[0]) > (low + high) / 2
    panel.text(
        *(0.97, 0.05 if risen else 0.95, f"n = {len(curves.seeds)}"),
        transform=panel.transAxes,
        ha="right",
        va="bottom" if risen else "top",
        fontsize="small",
        color="0.35",
    )
