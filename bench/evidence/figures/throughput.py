"""Where the time goes, and what more seeds in a batch buy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from bench.evidence.figures.style import drawing, thousands
from bench.evidence.machine import processor_text
from bench.evidence.throughput import summarise

PARTS: Final = ("physics", "acting", "update", "rest")
_HATCHES: Final = ("", "//", "..", "")  # told apart without colour


def throughput(rows: pd.DataFrame, *, source: str, titles: Callable[[str], str] = str) -> Figure:
    """Stacked shares of wall time, and steps/s against the number of seeds of a group.

    Args:
        rows: of one session, as `bench.store.schema.THROUGHPUT` describes them.
        source: where they lie, for the caption; titles: a peer's name in words.
    """
    summary = summarise(rows)
    trained = summary[summary["kind"] == "training"]
    # The sweep's algorithm and environment have several sizes; the others one.
    sizes = trained.groupby(["name", "environment"])["seeds"].nunique()
    swept = sizes[sizes > 1].index
    main = int(trained["seeds"].mode().iloc[0])
    shares = trained[trained["seeds"] == main].reset_index(drop=True)
    panels = 2 if len(swept) else 1
    with drawing():
        height = max(3.0, 0.24 * len(shares) + 1.0)
        figure = Figure(figsize=(5.4 + 4.6 * (panels - 1), height), layout="constrained")
        axes = figure.subplots(1, panels, squeeze=False, width_ratios=(1.15, 1)[:panels])[0]
        _shares(axes[0], shares, main)
        if len(swept):
            name, environment = swept[0]
            _sweep(axes[1], summary, str(name), str(environment), titles)
        figure.supxlabel(_caption(rows, summary, source), fontsize=7, ha="left", x=0.01)
    return figure


def _shares(axes: Axes, shares: pd.DataFrame, seeds: int) -> None:
    palette = seaborn.color_palette("colorblind")
    colours = [palette[0], palette[1], palette[2], (0.85, 0.85, 0.85)]
    places = np.arange(len(shares))[::-1]
    left = np.zeros(len(shares))
    for part, colour, hatch in zip(PARTS, colours, _HATCHES, strict=True):
        widths = shares[part].to_numpy()
        axes.barh(
            places,
            widths,
            left=left,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            lw=0,
            label=part,
        )
        left += widths
    for place, row in zip(places, shares.itertuples(), strict=True):
        mark = "*" if row.noisy else ""
        axes.text(1.01, place, f"{row.ratio:.2f}{mark}", va="center", fontsize=7.5)
    axes.set_yticks(places, [f"{row.name}, {row.environment}" for row in shares.itertuples()])
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of wall time")
    axes.grid(visible=False)
    axes.set_title(f"{seeds} seeds a core; right: ratio to the bare loop", fontsize=8.5)
    axes.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.4, -0.16), frameon=False)


def _sweep(
    axes: Axes, summary: pd.DataFrame, name: str, environment: str, titles: Callable[[str], str]
) -> None:
    palette = seaborn.color_palette("colorblind")
    here = summary[summary["environment"] == environment]
    ours = here[(here["kind"] == "training") & (here["name"] == name)].sort_values("seeds")
    bare = here[(here["kind"] == "bare") & here["environments"].isin(ours["environments"])]
    bare = bare.sort_values("environments")
    axes.plot(
        ours["seeds"].iloc[: len(bare)],
        bare["steps_per_second"],
        color="0.35",
        marker="s",
        ms=3.5,
        dashes=(4, 2),
        label="bare loop, as many environments",
    )
    axes.plot(
        ours["seeds"], ours["steps_per_second"], color=palette[0], marker="o", ms=4, label=name
    )
    axes.fill_between(ours["seeds"], ours["low"], ours["high"], color=palette[0], alpha=0.2, lw=0)
    peers = here[here["kind"] == "peer"]
    fastest = peers.sort_values("steps_per_second").groupby("name", sort=False).tail(1)
    for place, peer in enumerate(fastest.sort_values("steps_per_second").itertuples()):
        axes.axhline(peer.steps_per_second, color=palette[(3, 4, 5, 7, 8)[place % 5]], lw=0.9)
        axes.annotate(
            f"{titles(str(peer.name))}, {peer.environments} environments"[:60],
            (1, peer.steps_per_second),
            xytext=(0, 1.5),
            textcoords="offset points",
            fontsize=6.5,
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(ours["seeds"], [str(size) for size in ours["seeds"]])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(thousands))
    axes.set_xlabel("seeds trained at once on each core")
    axes.set_ylabel("environment steps/s, all cores")
    axes.set_title(f"{environment}", fontsize=8.5)
    axes.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False)


def _caption(rows: pd.DataFrame, summary: pd.DataFrame, source: str) -> str:
    machine = json.loads(rows["machine"].iloc[0])
    cores, rounds = int(summary["cores"].max()), int(summary["rounds"].max())
    noisy = " *: noisy, not to be quoted." if summary["noisy"].any() else ""
    return (
        f"{processor_text(machine)}, {cores} cores, one process of one thread on each at the same "
        f"time; medians of {rounds} interleaved rounds.{noisy} Source: {source}."
    )
