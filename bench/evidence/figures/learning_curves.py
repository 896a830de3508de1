"""Learning curves: one panel an environment, one line with its band a variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.errors import InputError, unknown
from bench.evidence.figures.caption import learning_curves_caption, seeds_text
from bench.evidence.figures.layout import Page, make_page, name_panel
from bench.evidence.figures.panel import (
    Cells,
    draw_curves,
    draw_divergences,
    draw_score,
    dress_panel,
    dress_strip,
    limits,
    line,
)
from bench.evidence.figures.style import Look, drawing, looks
from bench.evidence.measures.alignment import align
from bench.evidence.measures.cells import titles
from bench.evidence.measures.curves import AXES, Axis, Band, SeedCurves, aggregate, aligned_curves
from bench.evidence.measures.scores import score_aligned
from bench.evidence.statistics.estimates import STATISTICS, Floats, Statistic

_AXIS_NAMES = {"steps": "environment steps of a seed", "seconds": "wall time of training [s]"}


def learning_curves(
    runs: pd.DataFrame,
    episodes: pd.DataFrame,
    updates: pd.DataFrame | None = None,
    *,
    title: str,
    source: str,
    control: str | None = None,
    x: Axis = "steps",
    statistic: Statistic = "iqm",
    points: int | None = None,
    seed: int = 0,
) -> Figure:
    """Draw an ablation's learning curves.

    The line is by default the interquartile mean over seeds, which one lucky or broken seed does
    not move and whose interval is the most nearly honest at few seeds
    (`bench.evidence.statistics.coverage`); below four seeds it is the mean, and the caption says
    so. The mean of all seeds, diverged ones included, is `statistic="mean"`. The strip at the right
    of a panel shows every seed's score: a dot, or a small triangle at the edge where it lies far
    outside of the lines.

    Args:
        runs: the store's view of an ablation, one row a run.
        episodes: the store's view, one row an episode.
        updates: the store's view, one row an update, to place an episode at the end of its batch
            instead of at its own; see `alignment`.
        title: the ablation's question, drawn above the panels.
        source: where the results come from, for the caption, for example "results/local".
        control: the variant that the others are compared with; drawn dark grey and solid.
        x: "steps" or "seconds".
        statistic: "iqm" or "mean".
        points: points of the grid; see `curves.seed_curves`.
        seed: of the bootstrap.

    Returns:
        A matplotlib figure outside of pyplot, to be written with `output.save`.

    Raises:
        InputError: no runs, no run with an episode, an unknown axis, statistic or control.
    """
    if x not in AXES:
        raise unknown("x axis", x, AXES)
    if statistic not in STATISTICS:
        raise unknown("statistic", statistic, STATISTICS)
    variants = titles(runs)
    if control is not None and control not in variants:
        raise unknown("control variant", control, variants)
    aligned = align(runs, episodes, updates)
    curves = tuple(cell for cell in aligned_curves(aligned, x=x, points=points) if cell.seeds)
    if not curves:
        untold = x == "seconds" and runs["seconds"].isna().all()
        reason = "no file told its seconds" if untold else "no episode ended in any run"
        raise InputError(f"there is nothing to draw: {reason}")
    bands = [aggregate(cell, statistic, seed=seed) for cell in curves]
    by_environment: dict[str, list[tuple[SeedCurves, Band]]] = {}
    for cell, band in zip(curves, bands, strict=True):
        by_environment.setdefault(cell.environment, []).append((cell, band))
    scores = score_aligned(aligned)
    contents = [
        _content(environment, cells, scores) for environment, cells in by_environment.items()
    ]
    caption = learning_curves_caption(
        runs,
        scores,
        curves,
        source=source,
        x=x,
        statistic=statistic,
        by_batch=updates is not None,
        outside=any(content.outside for content in contents),
    )
    with drawing():
        drawn = [name for name in variants if any(cell.variant == name for cell in curves)]
        look = looks(list(variants), control)
        page = make_page(
            len(contents),
            title=title,
            handles=[line([], [], look[name]) for name in drawn],
            labels=[variants[name] + (" (control)" if name == control else "") for name in drawn],
            caption=caption,
            strip_width=max(0.36, 0.1 + (0.13 if len(drawn) < 5 else 0.095) * len(drawn)),
        )
        for place, content in enumerate(contents):
            panel, strip = page.panels[place], page.strips[place]
            panel.set_ylim(content.low, content.high)
            draw_curves(panel, content.cells, look, drawn)
            _score_strip(strip, content, look, drawn, statistic, seed)
            if x == "steps":
                draw_divergences(panel, content.cells, runs, look)
            _dress(page, place, x)
            count = seeds_text([len(cell.seeds) for cell, _ in content.cells])
            name_panel(page, place, content.environment, f"  ({count})")
    return page.figure


@dataclass(frozen=True, kw_only=True)
class _Content:
    """What one panel and its strip show, and the vertical limits that show it well."""

    environment: str
    cells: Cells
    scores: Mapping[str, Floats]  # by variant, finite ones only
    low: float
    high: float
    outside: bool  # whether a score lies outside of the limits


def _content(environment: str, cells: Cells, scores: pd.DataFrame) -> _Content:
    here = scores[(scores["environment"] == environment) & np.isfinite(scores["score"])]
    of_variant = {
        str(variant): group["score"].to_numpy(dtype=np.float64)
        for variant, group in here.groupby("variant", sort=False)
    }
    points = np.concatenate(list(of_variant.values()))
    low, high = limits(cells, points)
    return _Content(
        environment=environment,
        cells=cells,
        scores=of_variant,
        low=low,
        high=high,
        outside=bool(np.any((points < low) | (points > high))),
    )


def _score_strip(
    strip: Axes,
    content: _Content,
    look: Mapping[str, Look],
    drawn: Sequence[str],
    statistic: Statistic,
    seed: int,
) -> None:
    bottom, top = content.low, content.high
    inset = 0.02 * (top - bottom)
    for place, variant in enumerate(drawn):
        if variant not in content.scores:
            continue
        values = content.scores[variant]
        colour = look[variant].colour
        draw_score(strip, (place - 0.36, place + 0.36), values, colour, statistic, seed)
        for chosen, marker, size in (
            (values[(values >= bottom) & (values <= top)], "o", 2.7),
            (values[values < bottom], "v", 3.6),
            (values[values > top], "^", 3.6),
        ):
            strip.plot(
                np.full(len(chosen), float(place)),
                chosen if marker == "o" else np.clip(chosen, bottom + inset, top - inset),
                linestyle="",
                marker=marker,
                markersize=size,
                color=colour,
                markeredgecolor="white",
                markeredgewidth=0.3,
                gid=f"{variant} scores",
            )
    strip.set_ylim(bottom, top)
    strip.set_xlim(-0.9, len(drawn) - 0.1)


def _dress(page: Page, place: int, x: Axis) -> None:
    panel = page.panels[place]
    dress_panel(panel)
    dress_strip(page.strips[place], "score")
    if page.first_in_row[place]:
        panel.set_ylabel("episode return [raw reward]")
    if page.last_in_column[place]:
        panel.set_xlabel(_AXIS_NAMES[x])
