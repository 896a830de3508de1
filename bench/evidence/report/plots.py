"""The interactive curves of the HTML page, as plain data for `report.js`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from matplotlib.colors import to_hex

from bench.evidence.figures.panel import Cells
from bench.evidence.figures.style import Look
from bench.evidence.measures.alignment import Floats
from bench.evidence.measures.curves import Axis, Band, SeedCurves
from bench.evidence.report.curves import AXIS_NAMES

_DIGITS: Final = 5


def plot(
    curves: Cells, names: Mapping[str, str], look: Mapping[str, Look], x: Axis
) -> dict[str, Any]:
    """Every variant's curve with its band and its seeds, by environment.

    Args:
        curves: every curve with its band.
        names: variant -> title, in the order of the legend.
        look: of every variant.
        x: what they are drawn against.

    Returns:
        `x`, the name of the axis; `variants`, each with title, colour and dash; `curves`, each with
        environment, variant, grid, centre, low, high and the values of `seeds`; null where there is
        no value yet.
    """
    return {
        "x": AXIS_NAMES[x],
        "variants": [
            {
                "name": name,
                "title": title,
                "colour": to_hex(look[name].colour),
                "dash": ",".join(f"{1.8 * length:g}px" for length in look[name].dashes) or "solid",
            }
            for name, title in names.items()
        ],
        "curves": [_curve(cell, band) for cell, band in curves],
    }


def _curve(cell: SeedCurves, band: Band) -> dict[str, Any]:
    return {
        "environment": cell.environment,
        "variant": cell.variant,
        "grid": _numbers(cell.grid),
        "centre": _numbers(band.centre),
        "low": _numbers(band.low),
        "high": _numbers(band.high),
        "seeds": {
            str(seed): _numbers(values)
            for seed, values in zip(cell.seeds, cell.values, strict=True)
        },
    }


def _numbers(values: Floats) -> list[float | None]:
    # NaN is no JSON, and more digits than a screen has points would double the page.
    return [float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None for value in values]
