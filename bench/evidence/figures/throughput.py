"""Figures of throughput: where the time goes, and what training more seeds at once gains."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from bench.evidence.figures.grid import column_count, make_grid, settle
from bench.evidence.figures.style import FONT_SIZE, drawing
from bench.evidence.figures.wrapping import wrapped
from bench.evidence.machine import processor_text
from bench.evidence.throughput import summarise
from bench.formatting import thousands

PARTS: Final = ("physics", "acting", "update", "rest")
_WIDE: Final = 4.0
"""Inches that a panel needs for a legend of one row."""

_HATCHES: Final = ("", "//", "..", "")  # distinguishable without colour


def draw(
    rows: pd.DataFrame,
    *,
    titles: Callable[[str], str] = str,
    width: float | None = None,
    font_size: float = FONT_SIZE,
) -> Figure:
    """Draw stacked shares of wall time, and steps/s against the number of seeds of a group.

    Args:
        rows: of one session, as `bench.store.schema.THROUGHPUT` describes them.
        titles: gives a peer's name in words.
        width: of the figure [inches]; None: for a screen.
        font_size: of names [points].
    """
    summary = summarise(rows)
    trained = summary[summary["kind"] == "training"]
    # The sweep's algorithm and environment have several numbers of seeds; the others have one.
    sizes = trained.groupby(["name", "environment"])["seeds"].nunique()
    swept = sizes[sizes > 1].index
    usual_seeds = int(trained["seeds"].mode().iloc[0])
    shares = trained[trained["seeds"] == usual_seeds].reset_index(drop=True)
    panels = 2 if len(swept) else 1
    width = width or (5.4, 10.0)[panels - 1]
    columns = column_count(panels, width, 30 * font_size / 72)
    with drawing(font_size):
        figure, axes, _ = make_grid(panels, columns, width)
        cell_width = width / columns
        _shares(axes[0], shares, usual_seeds, cell_width)
        if len(swept):
            name, environment = swept[0]
            _sweep(axes[1], summary, str(name), str(environment), titles, cell_width)
        return settle(figure, axes, max(2.4, 2.1 * font_size / 72 * len(shares)))


def caption(rows: pd.DataFrame, *, source: str) -> str:
    """Sentences: the machine, and how it was measured.

    Args:
        rows: those of `draw`.
        source: where the rows are stored.
    """
    summary = summarise(rows)
    machine = json.loads(rows["machine"].iloc[0])
    cores, rounds = int(summary["cores"].max()), int(summary["rounds"].max())
    noisy = " *: noisy, not to be quoted." if summary["noisy"].any() else ""
    return (
        f"{processor_text(machine)}, {cores} cores, one process of one thread on each at the same "
        f"time; medians of {rounds} interleaved rounds.{noisy} Source: {source}."
    )


def _shares(axes: Axes, shares: pd.DataFrame, seeds: int, width: float) -> None:
    palette = seaborn.color_palette("colorblind")
    colours = [palette[0], palette[1], palette[2], (0.85, 0.85, 0.85)]
    places = np.arange(len(shares))[::-1]
    left = np.zeros(len(shares))
    for part, colour, hatch in zip(PARTS, colours, _HATCHES, strict=True):
        look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "white", "lw": 0}
        axes.barh(places, shares[part], left=left, label=part, **look)
        left += shares[part].to_numpy()
    for place, row in zip(places, shares.itertuples(), strict=True):
        mark = "*" if row.noisy else ""
        axes.text(1.01, place, f"{row.ratio:.2f}{mark}", va="center", fontsize="small")
    names = [f"{row.name}, {row.environment}" for row in shares.itertuples()]
    axes.set_yticks(places, [wrapped(name, 0.45 * width, FONT_SIZE) for name in names])
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of wall time")
    axes.grid(visible=False)
    axes.set_title(f"{seeds} seeds a core; right: ratio to the bare loop", loc="right")
    _name(axes, 4 if width > _WIDE else 2, 0.4)


def _sweep(
    axes: Axes,
    summary: pd.DataFrame,
    name: str,
    environment: str,
    titles: Callable[[str], str],
    width: float,
) -> None:
    palette = seaborn.color_palette("colorblind")
    rows = summary[summary["environment"] == environment]
    ours = rows[(rows["kind"] == "training") & (rows["name"] == name)].sort_values("seeds")
    bare = rows[(rows["kind"] == "bare") & rows["environments"].isin(ours["environments"])]
    bare = bare.sort_values("environments")
    seeds, rate = ours["seeds"], "steps_per_second"
    look: dict[str, Any] = {"color": "0.35", "marker": "s", "ms": 3.5, "dashes": (4, 2)}
    label = "bare loop, as many environments"
    axes.plot(seeds.iloc[: len(bare)], bare[rate], label=label, **look)
    axes.plot(seeds, ours[rate], color=palette[0], marker="o", ms=4, label=name)
    axes.fill_between(seeds, ours["low"], ours["high"], color=palette[0], alpha=0.2, lw=0)
    peers = rows[rows["kind"] == "peer"]
    fastest = peers.sort_values("steps_per_second").groupby("name", sort=False).tail(1)
    for place, peer in enumerate(fastest.sort_values("steps_per_second").itertuples()):
        axes.axhline(peer.steps_per_second, color=palette[(3, 4, 5, 7, 8)[place % 5]], lw=0.9)
        axes.annotate(
            f"{titles(str(peer.name))}, {peer.environments} environments",
            (1, peer.steps_per_second),
            xytext=(0, 1.5),
            textcoords="offset points",
            fontsize="small",
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(seeds, list(map(str, seeds)))
    axes.minorticks_off()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(thousands))
    axes.set_xlabel("seeds trained at once on each core")
    axes.set_ylabel("environment steps/s, all cores")
    axes.set_title(environment, fontsize="medium")
    _name(axes, 2 if width > _WIDE else 1, 0.5)


def _name(axes: Axes, columns: int, middle: float) -> None:
    """A legend below the panel."""
    place = (middle, -0.16)
    axes.legend(ncols=columns, loc="upper center", bbox_to_anchor=place, frameon=False)
