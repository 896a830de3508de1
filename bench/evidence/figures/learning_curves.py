"""Learning curves: one panel an environment, one line with its band a variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.errors import InputError, unknown
from bench.evidence.curves import AXES, Axis, Band, SeedCurves, aggregate, seed_curves
from bench.evidence.figures.caption import learning_curves_caption, seeds_text
from bench.evidence.figures.layout import Page, make_page
from bench.evidence.figures.style import Look, looks, settings, thousands
from bench.evidence.scores import score_runs
from bench.evidence.statistics import STATISTICS, Floats, Statistic, bootstrap_interval, estimate

_AXIS_NAMES = {"steps": "environment steps of a seed", "seconds": "wall time of training [s]"}
_MARKS_A_LINE = 7


def learning_curves(
    runs: pd.DataFrame,
    episodes: pd.DataFrame,
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
    a dot, or a small triangle at the edge where it lies far outside of the curves.

    Args:
        runs: the store's view of an ablation, one row a run.
        episodes: the store's view, one row an episode.
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
    curves = seed_curves(runs, episodes, x=x, points=points)
    curves = tuple(cell for cell in curves if cell.seeds)
    if not curves:
        raise InputError("there is nothing to draw: no episode ended in any run")
    scores = score_runs(runs, episodes)
    caption = learning_curves_caption(runs, curves, source=source, x=x, statistic=statistic)
    with matplotlib.rc_context(settings()):
        return _draw(
            curves,
            scores,
            runs,
            title=title,
            caption=caption,
            variants=variants,
            control=control,
            x=x,
            statistic=statistic,
            seed=seed,
        )


def _titles(runs: pd.DataFrame) -> dict[str, str]:
    """Variant -> title, in the ablation's order."""
    ordered = runs.sort_values("variant_order", kind="stable").drop_duplicates("variant")
    pairs = zip(ordered["variant"], ordered["variant_title"], strict=True)
    return {str(variant): str(title) or str(variant) for variant, title in pairs}


def _draw(
    curves: Sequence[SeedCurves],
    scores: pd.DataFrame,
    runs: pd.DataFrame,
    *,
    title: str,
    caption: Sequence[str],
    variants: Mapping[str, str],
    control: str | None,
    x: Axis,
    statistic: Statistic,
    seed: int,
) -> Figure:
    look = looks(list(variants), control)
    drawn = [name for name in variants if any(cell.variant == name for cell in curves)]
    environments = list(dict.fromkeys(cell.environment for cell in curves))
    page = make_page(
        len(environments),
        title=title,
        handles=[_line([], [], look[name], control=name == control) for name in drawn],
        labels=[
            variants[name] + (" (control)" if name == control else "") for name in drawn
        ],
        caption=caption,
        strip_width=0.1 + 0.095 * len(drawn),
    )
    for place, environment in enumerate(environments):
        panel, strip = page.panels[place], page.strips[place]
        cells = [cell for cell in curves if cell.environment == environment]
        bands = [aggregate(cell, statistic, seed=seed) for cell in cells]
        _curves(panel, cells, bands, look, drawn, control)
        here = scores[scores["environment"] == environment]
        _fit(panel, bands, here["score"].to_numpy(dtype=np.float64))
        _score_strip(strip, here, look, drawn, statistic, seed)
        if x == "steps":
            _divergences(panel, cells, runs, look)
        _dress(page, place, x)
        count = seeds_text([len(cell.seeds) for cell in cells])
        panel.set_title(f"{environment}  ({count})", loc="left")
    return page.figure


def _line(x: Sequence[float] | Floats, y: Sequence[float] | Floats, look: Look, *, control: bool) -> Line2D:
    return Line2D(
        x,
        y,
        color=look.colour,
        linestyle=(0, look.dashes) if look.dashes else "-",
        linewidth=1.7 if control else 1.5,
        marker=look.marker,
        markersize=4.2,
        markeredgecolor="white",
        markeredgewidth=0.6,
    )


def _curves(
    panel: Axes,
    cells: Sequence[SeedCurves],
    bands: Sequence[Band],
    look: Mapping[str, Look],
    drawn: Sequence[str],
    control: str | None,
) -> None:
    for cell, band in zip(cells, bands, strict=True):
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
        line = _line(cell.grid, band.centre, look[cell.variant], control=cell.variant == control)
        # Staggered, so that markers of lines close to each other do not fall on one another.
        distance = max(1, len(cell.grid) // _MARKS_A_LINE)
        line.set_markevery((place * distance // len(drawn), distance))
        line.set_gid(cell.variant)
        line.set_zorder(2.5 if cell.variant == control else 2.2)
        panel.add_line(line)
    panel.set_xlim(0, max(float(cell.grid[-1]) for cell in cells))


def _fit(panel: Axes, bands: Sequence[Band], scores: Floats) -> None:
    """Vertical limits: all lines and bands, and scores unless they lie far outside of these."""
    parts = [part for band in bands for part in (band.centre, band.low, band.high)]
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    scores = scores[np.isfinite(scores)]
    if not len(values):  # no step at which every seed has a value
        values = scores
    low, high = float(values.min()), float(values.max())
    reach = 0.3 * (high - low)
    near = scores[(scores >= low - reach) & (scores <= high + reach)]
    low, high = min([low, *near]), max([high, *near])
    margin = 0.05 * (high - low) or max(1e-3, 0.05 * abs(high))
    panel.set_ylim(low - margin, high + margin)


def _score_strip(
    strip: Axes,
    scores: pd.DataFrame,
    look: Mapping[str, Look],
    drawn: Sequence[str],
    statistic: Statistic,
    seed: int,
) -> None:
    bottom, top = strip.get_ylim()
    inset = 0.02 * (top - bottom)
    for place, variant in enumerate(drawn):
        values = scores.loc[scores["variant"] == variant, "score"].to_numpy(dtype=np.float64)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
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
    panel: Axes, cells: Sequence[SeedCurves], runs: pd.DataFrame, look: Mapping[str, Look]
) -> None:
    bottom, top = panel.get_ylim()
    for cell in cells:
        mine = runs[(runs["variant"] == cell.variant) & (runs["environment"] == cell.environment)]
        for number, step in zip(mine["seed"], mine["diverged_at"], strict=True):
            if pd.isna(step) or int(number) not in cell.seeds:
                continue
            value = cell.values[cell.seeds.index(int(number)), -1]
            panel.plot(
                [float(step)],
                [float(np.clip(value, bottom, top))],
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
