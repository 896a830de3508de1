"""Learning curves: one panel an environment, one line with its band a variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.errors import InputError, unknown
from bench.evidence.alignment import align
from bench.evidence.curves import AXES, Axis, Band, SeedCurves, aggregate, aligned_curves
from bench.evidence.figures.caption import learning_curves_caption, seeds_text
from bench.evidence.figures.layout import Page, make_page
from bench.evidence.figures.style import Look, drawing, looks, thousands
from bench.evidence.scores import score_aligned
from bench.evidence.statistics import STATISTICS, Floats, Statistic, bootstrap_interval, estimate

_AXIS_NAMES = {"steps": "environment steps of a seed", "seconds": "wall time of training [s]"}
_MARKS_A_LINE = 7


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
    not move and whose interval is the most nearly honest at few seeds (`bench.evidence.coverage`);
    below four seeds it is the mean, and the caption says so. The mean of all seeds, diverged ones
    included, is `statistic="mean"`. The strip at the right of a panel shows every seed's score:
    a dot, or a small triangle at the edge where it lies far outside of the lines.

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
    variants = _titles(runs)
    if control is not None and control not in variants:
        raise unknown("control variant", control, variants)
    aligned = align(runs, episodes, updates)
    curves = tuple(cell for cell in aligned_curves(aligned, x=x, points=points) if cell.seeds)
    if not curves:
        raise InputError("there is nothing to draw: no episode ended in any run")
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
            handles=[_line([], [], look[name]) for name in drawn],
            labels=[variants[name] + (" (control)" if name == control else "") for name in drawn],
            caption=caption,
            strip_width=max(0.36, 0.1 + (0.13 if len(drawn) < 5 else 0.095) * len(drawn)),
        )
        for place, content in enumerate(contents):
            panel, strip = page.panels[place], page.strips[place]
            panel.set_ylim(content.low, content.high)
            _curves(panel, content, look, drawn)
            _score_strip(strip, content, look, drawn, statistic, seed)
            if x == "steps":
                _divergences(panel, content, runs, look)
            _dress(page, place, x)
            count = seeds_text([len(cell.seeds) for cell, _ in content.cells])
            panel.set_title(f"{content.environment}  ({count})", loc="left")
    return page.figure


@dataclass(frozen=True, kw_only=True)
class _Content:
    """What one panel and its strip show, and the vertical limits that show it well."""

    environment: str
    cells: Sequence[tuple[SeedCurves, Band]]
    scores: Mapping[str, Floats]  # by variant, finite ones only
    low: float
    high: float
    outside: bool  # whether a score lies outside of the limits


def _content(
    environment: str, cells: Sequence[tuple[SeedCurves, Band]], scores: pd.DataFrame
) -> _Content:
    """Limits that hold every line whole, and bands and scores unless they lie far away.

    One seed that broke by orders of magnitude would otherwise flatten all curves to one.
    """
    here = scores[(scores["environment"] == environment) & np.isfinite(scores["score"])]
    of_variant = {
        str(variant): group["score"].to_numpy(dtype=np.float64)
        for variant, group in here.groupby("variant", sort=False)
    }
    points = np.concatenate(list(of_variant.values()))
    lines = np.concatenate([band.centre for _, band in cells])
    lines = lines[np.isfinite(lines)]
    if not len(lines):  # at no step has every seed a value
        lines = points
    edges = np.concatenate([edge for _, band in cells for edge in (band.low, band.high)])
    widths = np.concatenate([band.high - band.low for _, band in cells])
    widths, edges = widths[np.isfinite(widths)], edges[np.isfinite(edges)]
    spread = 2 * float(np.median(widths)) if len(widths) else 0.0
    reach = max(float(np.ptp(lines)), spread)
    lowest, highest = lines.min() - reach, lines.max() + reach
    near = points[(points >= lowest) & (points <= highest)]
    shown = np.concatenate([lines, near, np.clip(edges, lowest, highest)])
    low, high = float(shown.min()), float(shown.max())
    margin = 0.05 * (high - low) or max(1e-3, 0.05 * abs(high))
    return _Content(
        environment=environment,
        cells=cells,
        scores=of_variant,
        low=low - margin,
        high=high + margin,
        outside=bool(np.any((points < low - margin) | (points > high + margin))),
    )


def _titles(runs: pd.DataFrame) -> dict[str, str]:
    """Variant -> title, in the ablation's order."""
    ordered = runs.sort_values("variant_order", kind="stable").drop_duplicates("variant")
    pairs = zip(ordered["variant"], ordered["variant_title"], strict=True)
    return {str(variant): str(title) or str(variant) for variant, title in pairs}


def _line(x: Sequence[float] | Floats, y: Sequence[float] | Floats, look: Look) -> Line2D:
    return Line2D(
        x,
        y,
        color=look.colour,
        linestyle=(0, look.dashes) if look.dashes else "-",
        linewidth=1.5,
        marker=look.marker,
        markersize=4.2,
        markeredgecolor="white",
        markeredgewidth=0.6,
    )


def _curves(panel: Axes, content: _Content, look: Mapping[str, Look], drawn: Sequence[str]) -> None:
    for cell, band in content.cells:
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
        line = _line(cell.grid, band.centre, look[cell.variant])
        # Staggered, so that markers of lines close to each other do not fall on one another.
        distance = max(1, len(cell.grid) // _MARKS_A_LINE)
        line.set_markevery((place * distance // len(drawn), distance))
        line.set_gid(cell.variant)
        line.set_clip_on(False)  # whole markers at the edges; the limits hold every line
        panel.add_line(line)
    panel.set_xlim(0, max(float(cell.grid[-1]) for cell, _ in content.cells))


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
        low, high = bootstrap_interval(
            values, np.random.default_rng([seed, len(values)]), statistic
        )
        if np.isfinite(low):
            strip.fill_between(
                [place - 0.36, place + 0.36], low, high, color=colour, alpha=0.25, linewidth=0
            )
        centre = float(estimate(values, statistic))
        strip.plot([place - 0.36, place + 0.36], [centre, centre], color=colour, linewidth=1.6)
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


def _divergences(
    panel: Axes, content: _Content, runs: pd.DataFrame, look: Mapping[str, Look]
) -> None:
    for cell, _ in content.cells:
        mine = runs[(runs["variant"] == cell.variant) & (runs["environment"] == cell.environment)]
        for number, step in zip(mine["seed"], mine["diverged_at"], strict=True):
            if pd.isna(step) or int(number) not in cell.seeds:
                continue
            value = cell.values[cell.seeds.index(int(number)), -1]
            panel.plot(
                [float(step)],
                [float(np.clip(value, content.low, content.high))],
                marker="x",
                markersize=5.5,
                markeredgewidth=1.5,
                color=look[cell.variant].colour,
                clip_on=False,
                zorder=4,
                gid=f"{cell.variant} diverged",
            )


def _dress(page: Page, place: int, x: Axis) -> None:
    panel, strip = page.panels[place], page.strips[place]
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(thousands))
    for spine in ("top", "right"):
        panel.spines[spine].set_visible(False)
        strip.spines[spine].set_visible(False)
    strip.spines["left"].set_visible(False)
    strip.set_facecolor("0.965")
    strip.grid(visible=False)
    strip.tick_params(axis="both", left=False, bottom=False, labelleft=False, labelbottom=False)
    # On the line of the panel's axis name: on the line of tick labels it would run into them.
    strip.set_xlabel("score", labelpad=18.0)
    if page.first_in_row[place]:
        panel.set_ylabel("episode return [raw reward]")
    if page.last_in_column[place]:
        panel.set_xlabel(_AXIS_NAMES[x])
