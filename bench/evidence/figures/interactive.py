"""Learning curves for a browser: hover for values, click the legend, choose the environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from matplotlib.colors import to_hex
from plotly.io import to_html

from bench.evidence.figures.learning_curves import AXIS_NAMES, RETURN
from bench.evidence.figures.shown import Shown, select
from bench.evidence.measures.curves import Band, SeedCurves
from bench.evidence.results import Results
from bench.evidence.statistics.estimates import Floats
from bench.file_names import file_name

_SEED_POINTS: Final = 50
"""Most points of a seed's line: thin lines show where seeds went, not when."""

_SEED_OPACITY: Final = 0.4


def curves(results: Results) -> str:
    """A `<div>` with one panel of learning curves and a menu of the environments.

    A variant is a line with its band; a click on its name hides it, a button shows the seeds. The
    page that holds it must load plotly.js. Equal results give equal texts.

    Args:
        results: of an ablation.

    Raises:
        InputError: there is no curve.
    """
    shown = select(results)
    cells = shown.curves("steps", "iqm")
    worlds = list(dict.fromkeys(cell.environment for cell, _ in cells))
    traces, owners = [], []
    for cell, band in cells:
        cell_traces = _traces(cell, band, shown, first=cell.environment == worlds[0])
        traces += cell_traces
        owners += [cell.environment] * len(cell_traces)
    figure = go.Figure(traces)
    seeds = [place for place, trace in enumerate(traces) if trace.meta == "seeds"]
    figure.update_layout(
        height=460 + 11 * len(shown.variants),
        margin={"l": 55, "r": 10, "t": 100, "b": 45},
        template="plotly_white",
        hovermode="x unified",
        hoverdistance=-1,  # the nearest point, however far: some grids are coarse
        xaxis={"title": {"text": AXIS_NAMES["steps"]}, "rangemode": "tozero"},
        yaxis={"title": {"text": RETURN}},
        legend={"orientation": "h", "y": -0.18, "yanchor": "top"},
        updatemenus=[_seed_buttons(seeds), _environment_menu(worlds, owners)][: len(worlds)],
    )
    return str(
        to_html(
            figure,
            full_html=False,
            include_plotlyjs=False,
            div_id=f"{file_name(results.name)}-steps-curves",
            config={"responsive": True, "displayModeBar": False},
        )
    )


def _traces(cell: SeedCurves, band: Band, shown: Shown, *, first: bool) -> list[go.Scatter]:
    look, title = shown.look[cell.variant], _plain(shown.names[cell.variant])
    colour = to_hex(look.colour)
    shared: dict[str, Any] = {"mode": "lines", "legendgroup": cell.variant, "visible": first}
    silent: dict[str, Any] = {**shared, "showlegend": False, "hoverinfo": "skip"}
    edge: dict[str, Any] = {**silent, "x": _short(cell.grid), "line": {"width": 0}}
    points = np.arange(len(cell.grid))[:: -(-len(cell.grid) // _SEED_POINTS)]
    gap = np.full((len(cell.seeds), 1), np.nan)  # between one seed's line and the next
    lines = np.hstack([cell.values[:, points], gap]).ravel()
    places = np.tile(np.append(cell.grid[points], np.nan), len(cell.seeds))
    dashes = ",".join(f"{1.8 * length:g}px" for length in look.dashes) or "solid"
    return [
        go.Scatter(**edge, y=_short(band.low)),
        go.Scatter(**edge, y=_short(band.high), fill="tonexty", fillcolor=f"{colour}26"),
        go.Scatter(
            **silent,
            x=_short(places),
            y=_short(lines),
            line={"color": colour, "width": 0.8},
            opacity=0,
            meta="seeds",
        ),
        go.Scatter(
            **shared,
            x=_short(cell.grid),
            y=_short(band.centre),
            name=title,
            line={"color": colour, "width": 2, "dash": dashes},
            customdata=np.stack([_short(band.low), _short(band.high)], axis=1),
            hovertemplate="%{y:,.4~g} (%{customdata[0]:,.4~g} to %{customdata[1]:,.4~g})",
            meta="centre",
        ),
    ]


def _environment_menu(worlds: Sequence[str], owners: Sequence[str]) -> dict[str, Any]:
    return {
        "buttons": [
            {
                "label": _plain(world),
                "method": "restyle",
                "args": [{"visible": [owner == world for owner in owners]}],
            }
            for world in worlds
        ],
        **_above(44),
    }


def _seed_buttons(seeds: Sequence[int]) -> dict[str, Any]:
    return {
        "type": "buttons",
        "direction": "right",
        "showactive": True,
        "buttons": [
            {"label": label, "method": "restyle", "args": [{"opacity": opacity}, list(seeds)]}
            for label, opacity in (("every seed", _SEED_OPACITY), ("no seeds", 0))
        ],
        "active": 1,
        **_above(4),
    }


def _above(distance: int) -> dict[str, Any]:
    """A menu's place above the panel, at its left: side by side, two would overlap on a phone."""
    return {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"b": distance}}


def _plain(text: str) -> str:
    """Escape a text, in which Plotly would read tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _short(values: Floats) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Values as float32: half the bytes, and still more digits than a screen can show."""
    return values.astype(np.float32)
