"""Every seed's learning curve: a panel a cell, environments as rows and variants as columns.

Where seeds end in one of two modes, as HalfCheetah's do, a mean over seeds is a value that no seed
has. Here they can be seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.evidence.figures.caption import paragraphs, statistic_text
from bench.evidence.figures.layout import make_grid
from bench.evidence.figures.panel import Cells, dress_panel, empty_panel, limits
from bench.evidence.figures.style import Look
from bench.evidence.measures.curves import Band, SeedCurves
from bench.evidence.statistics.estimates import Statistic

_PANEL_SIZE: Final = (1.6, 1.0)


def seed_grid(
    cells: Cells,
    *,
    environments: Sequence[str],
    variants: Mapping[str, str],
    look: Mapping[str, Look],
    statistic: Statistic,
    title: str,
    remarks: Sequence[Sequence[str]],
    extent: float,
) -> Figure:
    """Draw every seed's curve thin and the statistic over them bold.

    The panels of an environment share their vertical axis, which holds every bold line whole and
    every thin one unless it leaves them far behind.

    Args:
        cells: what is there, of all environments.
        environments: the rows, with or without curves.
        variants: the columns, variant -> title, with or without curves.
        look: of every variant.
        statistic: what the bold lines show.
        title: drawn above the panels.
        remarks: groups of sentences for the caption, after the one on what is drawn.
        extent: the right end of every horizontal axis [steps].
    """
    by_environment: dict[str, dict[str, tuple[SeedCurves, Band]]] = {}
    for curves, band in cells:
        by_environment.setdefault(curves.environment, {})[curves.variant] = curves, band
    spans, cut = {}, False
    for environment, here in by_environment.items():
        thin = np.concatenate([curves.values.ravel() for curves, _ in here.values()])
        thin = thin[np.isfinite(thin)]
        low, high = spans[environment] = limits(list(here.values()), thin)
        cut = cut or bool(np.any((thin < low) | (thin > high)))
    numbers = sorted({len(curves.seeds) for curves, _ in cells})
    meaning = (
        "Thin: the return of one seed's training episodes, gathered between the points of a fixed "
        f"grid. Bold: their {statistic_text(numbers, statistic)}. The panels of a row share their "
        "vertical axis [raw reward]" + ("; lines far outside are cut." if cut else ".")
    )
    grid = make_grid(
        environments,
        list(variants.values()),
        title=title,
        caption=paragraphs([meaning], *remarks),
        panel_size=_PANEL_SIZE,
    )
    for row, environment in enumerate(environments):
        for column, variant in enumerate(variants):
            panel = grid.panels[row][column]
            if environment in spans:
                panel.set_ylim(*spans[environment])
            dress_panel(panel, y_ticks=4)
            _horizontal(panel, extent)
            panel.tick_params(
                labelleft=not column and environment in spans,
                labelbottom=row == len(environments) - 1,
            )
            if variant in by_environment.get(environment, {}):
                _seeds(panel, *by_environment[environment][variant], look[variant])
            else:
                empty_panel(panel)
    for panel in grid.panels[-1]:
        panel.set_xlabel("steps of a seed")
    return grid.figure


def _horizontal(panel: Axes, extent: float) -> None:
    """Three ticks; the outer labels stay inside, clear of the next panel's."""
    panel.set_xlim(0, extent)
    panel.set_xticks([0, extent / 2, extent])
    first, _, last = panel.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")


def _seeds(panel: Axes, curves: SeedCurves, band: Band, look: Look) -> None:
    for number, values in zip(curves.seeds, curves.values, strict=True):
        panel.plot(
            curves.grid,
            values,
            color=look.colour,
            linewidth=0.6,
            alpha=0.55,
            gid=f"{curves.variant} seed {number}",
        )
    panel.plot(curves.grid, band.centre, color=look.colour, linewidth=2.0, gid=curves.variant)
    # In the corner that the curves leave free: those that have risen end high.
    low, high = panel.get_ylim()
    ends = band.centre[np.isfinite(band.centre)][-1:]
    risen = bool(len(ends)) and float(ends[0]) > (low + high) / 2
    panel.text(
        *(0.97, 0.05 if risen else 0.95, f"n = {len(curves.seeds)}"),
        transform=panel.transAxes,
        ha="right",
        va="bottom" if risen else "top",
        fontsize=7,
        color="0.35",
    )
