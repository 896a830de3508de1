"""Learning curves: one panel per environment, one line with its band per variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.evidence.figures.caption import meaning, seeds_text
from bench.evidence.figures.grid import (
    column_count,
    make_grid,
    name_axes,
    panel_height,
    screen_width,
    settle,
)
from bench.evidence.figures.panel import (
    Cells,
    draw_curves,
    draw_divergences,
    draw_seeds,
    dress_panel,
    empty_panel,
    limits,
    name_lines,
    open_mark,
    span,
)
from bench.evidence.figures.shown import Shown
from bench.evidence.figures.style import drawing
from bench.evidence.measures.curves import Axis
from bench.evidence.statistics.estimates import Floats, Statistic

AXIS_NAMES: Final = {"steps": "environment steps of a seed", "seconds": "wall time of training [s]"}
RETURN: Final = "episode return [raw reward]"
LEAST: Final = 11.5
"""The least width of a panel without its strip, in letters' heights."""

_TICK_LABELS: Final = 4.5  # room for tick labels and gaps, in letters' heights


def draw(
    shown: Shown, *, x: Axis = "steps", statistic: Statistic = "iqm", strip: bool = True
) -> Figure:
    """Draw learning curves.

    The line is by default the interquartile mean over seeds, which one lucky or broken seed does
    not move and whose interval is the most nearly honest at few seeds
    (`bench.evidence.statistics.coverage`); below four seeds it is the mean, and the caption says
    so. The mean of all seeds, diverged ones included, is `statistic="mean"`. The strip at the right
    of a panel shows every seed's score: a dot, or a small triangle at the edge where it lies far
    outside of the lines.

    Args:
        shown: of an ablation.
        x: "steps" or "seconds".
        statistic: "iqm" or "mean".
        strip: whether the scores stand beside the curves.
    """
    found = [each for each in contents(shown, x, statistic) if each.cells]
    return draw_panels(shown, found, x, statistic, strip=strip)


def caption(
    shown: Shown, *, x: Axis = "steps", statistic: Statistic = "iqm", strip: bool = True
) -> list[str]:
    """Sentences: what `draw` shows with the same arguments."""
    found = contents(shown, x, statistic)
    curves = [curves for each in found for curves, _ in each.cells]
    by_batch = bool(len(shown.results.view.updates))
    sentences = meaning(shown.runs, curves, x, statistic=statistic, by_batch=by_batch)
    return sentences + ([f"Right of each panel: {strip_text(found)}"] if strip else [])


def strip_text(found: Sequence[Content]) -> str:
    """The end of a sentence: what the strips show."""
    several = any(len(cell.seeds) > 1 for each in found for cell, _ in each.cells)
    return (
        "every seed's score, its mean return in the last 10% of its steps"
        + (", with the statistic and its interval" if several else "")
        + (
            "; a triangle at the edge is a score outside of the panel"
            * any(each.outside for each in found)
        )
        + "."
    )


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one panel and its strip show, and the vertical limits that show it well."""

    environment: str
    cells: Cells  # of the variants that have curves
    scores: Mapping[str, Floats]  # by variant, finite ones only
    originals: Mapping[str, float] = field(default_factory=dict)  # by variant, of a publication
    low: float = 0.0
    high: float = 1.0

    @property
    def outside(self) -> bool:
        """Whether a score lies outside of the limits."""
        points = np.concatenate([np.empty(0), *self.scores.values()])
        return bool(np.any((points < self.low) | (points > self.high)))


def contents(
    shown: Shown,
    x: Axis,
    statistic: Statistic,
    *,
    originals: Mapping[str, Mapping[str, float]] | None = None,
    spans: Mapping[str, Sequence[float]] | None = None,
) -> list[Content]:
    """What each environment's panel shows.

    Args:
        shown: of an ablation.
        x: "steps" or "seconds".
        statistic: "iqm" or "mean".
        originals: by environment and variant, what a publication reports [return].
        spans: by environment, further values that the panel must include [return].
    """
    cells, scores = shown.curves(x, statistic), shown.of(shown.results.values)
    found = []
    for environment in shown.environments:
        here = [pair for pair in cells if pair[0].environment == environment]
        own = {name: each for (where, name), each in scores.items() if where == environment}
        told = (originals or {}).get(environment, {})
        beside = {name: told[name] for name in shown.variants if name in told}
        whole = [*beside.values(), *(spans or {}).get(environment, ())]
        points = np.concatenate([np.empty(0), *own.values()])
        low, high = limits(here, points, whole=whole) if here or whole else (0.0, 1.0)
        found.append(
            Content(
                environment=environment,
                cells=here,
                scores=own if here else {},
                originals=beside,
                low=low,
                high=high,
            )
        )
    return found


def draw_panels(
    shown: Shown,
    found: Sequence[Content],
    x: Axis,
    statistic: Statistic,
    *,
    strip: bool = True,
    extent: float | None = None,
) -> Figure:
    """Draw a panel for each content.

    Args:
        shown: of an ablation; found: what `contents` returns.
        x, statistic, strip: as those of `draw`.
        extent: where every horizontal axis ends; None: with the panel's longest curve.
    """
    there = {cell.variant for each in found for cell, _ in each.cells}
    there |= {name for each in found for name in each.originals}
    drawn = [name for name in shown.variants if name in there]
    # One place per variant, as wide as its dots.
    beside = shown.letter * (1 + (0.75 if len(drawn) < 5 else 0.6) * len(drawn)) * strip
    width = shown.width or screen_width(len(found))
    columns = column_count(len(found), width, LEAST * shown.letter + beside)
    cell = width / columns
    height = panel_height(cell, shown.font_size)
    with drawing(shown.font_size):
        share = beside / (cell - beside - _TICK_LABELS * shown.letter)
        figure, panels, strips = make_grid(len(found), columns, width, strip=share)
        for place, (panel, content) in enumerate(zip(panels, found, strict=True)):
            panel.set_ylim(content.low, content.high)
            dress_panel(panel, y_ticks=4 if height < 13 * shown.letter else 5)
            if content.cells:
                draw_curves(panel, content.cells, shown.look, drawn)
                if x == "steps":
                    draw_divergences(panel, content.cells, shown.runs, shown.look)
            else:
                empty_panel(panel)
            narrow = cell - beside < 24 * shown.letter
            span(panel, extent or panel.get_xlim()[1], 2 if narrow else 5)
            if strip:
                _draw_strip(strips[place], content, shown, drawn, statistic)
            counts = [len(curves.seeds) for curves, _ in content.cells]
            count = f" ({seeds_text(counts)})" if counts else ""
            panel.set_title(f"{content.environment}{count}", loc="left")
        name_axes(panels, columns, height, AXIS_NAMES[x], RETURN)
        name_lines(panels[0], shown, drawn)
        return settle(figure, panels, height)


def _draw_strip(
    strip: Axes, content: Content, shown: Shown, drawn: Sequence[str], statistic: Statistic
) -> None:
    """Draw one place per variant: its seeds' scores, and a published value as an open marker."""
    strip.set_ylim(content.low, content.high)
    strip.set_xlim(-0.9, len(drawn) - 0.1)
    for place, name in enumerate(drawn):
        look = shown.look[name]
        if name in content.scores:
            own = content.scores[name]
            draw_seeds(strip, place, own, look, statistic, gid=name, upright=True)
        if name in content.originals:
            mark = open_mark([place], [content.originals[name]], look.marker, look.colour)
            mark.set_gid(f"{name} original")
            strip.add_line(mark)
    for side in ("top", "right", "left"):
        strip.spines[side].set_visible(False)
    strip.set_facecolor("0.965")
    strip.grid(visible=False)
    strip.tick_params(axis="both", left=False, bottom=False, labelleft=False, labelbottom=False)
    strip.set_xlabel("score", fontsize="small")
