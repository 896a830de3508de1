"""The Experiment: Figure 3 of the PPO paper from one's own results, and its seeds one by one.

The panels stand as in the original, four above three, with its legend and its axes as far as they
hold what was found here. What the original reached stands beside each panel as open markers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.errors import InputError, unknown
from bench.evidence.caveats import mixed_code, trouble
from bench.evidence.figures.caption import (
    line_and_band,
    paragraphs,
    provenance,
    seeds_text,
)
from bench.evidence.figures.layout import Page, make_page, name_panel
from bench.evidence.figures.panel import (
    Cells,
    draw_curves,
    draw_divergences,
    draw_score,
    dress_panel,
    dress_strip,
    empty_panel,
    limits,
    line,
)
from bench.evidence.figures.seed_grid import seed_grid
from bench.evidence.figures.style import Look, drawing, looks, thousands
from bench.evidence.measures.alignment import align
from bench.evidence.measures.cells import cell_values, counts_text, missing_text, planned, titles
from bench.evidence.measures.curves import aggregate, aligned_curves
from bench.evidence.measures.scores import score_aligned
from bench.evidence.published import figure_3
from bench.evidence.published.rows import family, version
from bench.evidence.statistics.estimates import STATISTICS, Floats, Statistic, estimate

_PANEL_SIZE: Final = (1.62, 1.7)
_STRIP_WIDTH: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Two figures outside of pyplot, to be written with `output.save`."""

    curves: Figure  # seven panels, six curves each
    draw_seeds: Callable[[], Figure]
    missing: str  # the cells of the plan in which no episode ended; empty if there are none
    caption: tuple[str, ...]  # of the curves, as paragraphs

    @cached_property
    def seeds(self) -> Figure:
        """Every seed's curve, a panel a cell; drawn when it is asked for."""
        with drawing():
            return self.draw_seeds()


def experiment(
    plan: pd.DataFrame,
    runs: pd.DataFrame,
    episodes: pd.DataFrame,
    updates: pd.DataFrame | None = None,
    *,
    source: str,
    statistic: Statistic = "mean",
    paper: bool = True,
    points: int | None = None,
    seed: int = 0,
    bare: bool = False,
) -> Pages:
    """Draw the Experiment, as far as its runs are there.

    Args:
        plan: the store's plan of the ablation: what belongs on the page, be it there or not.
        runs: the store's view of the ablation, one row a run.
        episodes: the store's view, one row an episode.
        updates: the store's view, one row an update, to place an episode at the end of its batch
            instead of at its own; see `alignment`.
        source: where the results come from, for the caption, for example "results/local".
        statistic: "mean", as in the original, or "iqm".
        paper: whether the original's values are drawn.
        points: points of the grid; see `curves.seed_curves`.
        seed: of the bootstrap.
        bare: leave title and caption out of the curves' page, for a page of text that has both.

    Raises:
        InputError: no runs, no run with an episode, or an unknown statistic.
    """
    if statistic not in STATISTICS:
        raise unknown("statistic", statistic, STATISTICS)
    aligned = align(runs, episodes, updates)
    curves = tuple(cell for cell in aligned_curves(aligned, points=points) if cell.seeds)
    if not curves:
        raise InputError("there is nothing to draw: no episode ended in any run")
    cells = [(cell, aggregate(cell, statistic, seed=seed)) for cell in curves]
    scores = score_aligned(aligned)
    present = {(cell.environment, cell.variant): len(cell.seeds) for cell in curves}
    missing = missing_text(plan, present)
    remarks = (
        [
            *([f"Not there yet: {missing}."] if missing else []),
            *trouble(scores, marked="marked × where they did, ", left_out="not drawn"),
            *mixed_code(runs),
        ],
        provenance(runs, source),
    )
    variants = titles(plan)
    contents = _contents(plan, cells, scores, paper)
    meaning = _meaning(
        sorted(set(present.values())),
        counts_text(plan, present),
        statistic,
        by_batch=updates is not None,
    )
    extent = int(plan["budget"].max())
    with drawing():
        look = looks(list(variants), str(plan["control"].iloc[0]))
        caption = paragraphs(meaning, _original(plan, contents), *remarks)
        page = _lay_out(plan, contents, look, caption, bare)
        for place, content in enumerate(contents):
            _dress(page, place, content, statistic)
            if content.cells:
                draw_curves(page.panels[place], content.cells, look, list(variants))
                draw_divergences(page.panels[place], content.cells, runs, look)
            _strip(page.strips[place], content, look, statistic, seed)
            page.panels[place].set_xlim(0, extent)
    draw_seeds = partial(
        seed_grid,
        cells,
        environments=[content.environment for content in contents],
        variants=variants,
        look=look,
        statistic=statistic,
        title=f"{plan['title'].iloc[0]}: every seed's curve",
        remarks=remarks,
        extent=extent,
    )
    return Pages(curves=page.figure, draw_seeds=draw_seeds, missing=missing, caption=caption)


@dataclass(frozen=True, kw_only=True)
class _Content:
    """What one panel and its strip show."""

    environment: str
    cells: Cells  # of the variants that have runs
    scores: Mapping[str, Floats]  # by variant, one number a seed
    originals: Mapping[str, float]  # by variant, what the paper's curve reached


def _contents(
    plan: pd.DataFrame, cells: Cells, scores: pd.DataFrame, paper: bool
) -> tuple[_Content, ...]:
    values, variants = cell_values(scores), titles(plan)
    return tuple(
        _Content(
            environment=environment,
            cells=[(curves, band) for curves, band in cells if curves.environment == environment],
            scores={v: values[environment, v] for v in variants if (environment, v) in values},
            originals={
                variant: value
                for variant, value in figure_3.last_10_percent(environment).items()
                if paper and variant in variants
            },
        )
        for environment in dict.fromkeys(name for name, _ in planned(plan))
    )


def _lay_out(
    plan: pd.DataFrame,
    contents: Sequence[_Content],
    look: Mapping[str, Look],
    caption: Sequence[str],
    bare: bool,
) -> Page:
    variants = titles(plan)
    handles = [line([], [], look[name]) for name in variants]
    labels = list(variants.values())
    if any(content.originals for content in contents):
        handles.append(_open([], [], "o", "0.4"))
        labels.append("PPO paper, digitised")
    return make_page(
        len(contents),
        title="" if bare else str(plan["question"].iloc[0]),
        handles=handles,
        labels=labels,
        caption=() if bare else caption,
        strip_width=_STRIP_WIDTH,
        panel_size=_PANEL_SIZE if len(contents) > 3 else None,
    )


def _dress(page: Page, place: int, content: _Content, statistic: Statistic) -> None:
    """Limits that hold the original's axis and every value, ticks, and the panel's name."""
    panel, cells = page.panels[place], content.cells
    whole = [
        *figure_3.AXES.get(family(content.environment), ()),
        *content.originals.values(),
        *(float(estimate(own, statistic)) for own in content.scores.values()),
    ]
    if cells or whole:
        panel.set_ylim(*limits(cells, whole=whole))
    dress_panel(panel, x_ticks=2)
    dress_strip(page.strips[place], "score")
    if page.first_in_row[place]:
        panel.set_ylabel("episode return [raw reward]")
    if page.last_in_column[place]:
        panel.set_xlabel("environment steps")
    # Four long names stand side by side: small, and no words between the numbers.
    count = seeds_text([len(curves.seeds) for curves, _ in cells]).replace(" to ", "–")
    name_panel(page, place, content.environment, f"  ({count})" if cells else "", fontsize=8)
    if not cells:
        empty_panel(panel)


def _strip(
    strip: Axes, content: _Content, look: Mapping[str, Look], statistic: Statistic, seed: int
) -> None:
    """A column a variant: the score and its interval, and the original's value."""
    for place, (variant, appearance) in enumerate(look.items()):
        colour = appearance.colour
        if variant in content.scores:
            draw_score(
                strip,
                (place - 0.4, place + 0.4),
                content.scores[variant],
                colour,
                statistic,
                seed,
                gid=f"{variant} score",
            )
        if variant in content.originals:
            mark = _open([place], [content.originals[variant]], appearance.marker, colour)
            mark.set_gid(f"{variant} original")
            strip.add_line(mark)
    strip.set_xlim(-0.9, len(look) - 0.1)


def _open(
    x: Sequence[float], y: Sequence[float], marker: str, colour: str | tuple[float, float, float]
) -> Line2D:
    return Line2D(
        x,
        y,
        linestyle="",
        marker=marker,
        markersize=4.6,
        color=colour,
        markerfacecolor="none",  # what lies behind it stays visible
        markeredgewidth=1.1,
        clip_on=False,
        zorder=4,
    )


def _meaning(
    numbers: Sequence[int], counts: str, statistic: Statistic, *, by_batch: bool
) -> list[str]:
    sentences = line_and_band(numbers, counts, statistic, by_batch)
    sentences.append(
        "Right of each panel, a column an algorithm in the legend's order: the score, a seed's "
        "mean return in the last 10% of its steps"
        + (", over the seeds with its interval." if max(numbers) > 1 else ".")
    )
    return sentences


def _original(plan: pd.DataFrame, contents: Sequence[_Content]) -> list[str]:
    """What the open markers are, and in what the two experiments differ."""
    variants, shown = titles(plan), [content for content in contents if content.originals]
    budgets = sorted({int(size) for size in plan["budget"]})
    versions = sorted({version(each.environment) or each.environment for each in contents})
    sizes = " and ".join(thousands(size) for size in budgets)
    here = f"Environments: {', '.join(versions)} here ({sizes} steps a seed)"
    if not shown:
        return [f"{here}."]
    by_accuracy: dict[float, list[str]] = {}
    hidden = []
    for content in shown:
        name = family(content.environment)
        by_accuracy.setdefault(figure_3.ACCURACY[name], []).append(name)
        hidden += [
            f"{variants[variant]} on {name}"
            for variant in figure_3.LEGEND
            if variant in variants and variant not in content.originals
        ]
    accuracy = ", ".join(f"±{size:g} ({', '.join(who)})" for size, who in by_accuracy.items())
    sentences = [
        f"Open markers: the mean of the last 10% of the original's curve, {figure_3.SOURCE}, "
        f"digitised, accurate to about {accuracy}"
        + (f"; not readable there: {', '.join(hidden)}." if hidden else "."),
        "The paper states neither its number of seeds nor its rivals' hyperparameters.",
        f"{here}, {figure_3.VERSION} in the paper ({thousands(figure_3.STEPS)} steps): versions "
        "differ in physics, observations and rewards.",
    ]
    if budgets != [figure_3.STEPS]:
        sentences.append("With another number of steps than the paper's, values do not compare.")
    return sentences
