"""Learning curves: one panel per environment, one line with its band per variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    panel_contents = [content for content in contents(shown, x, statistic) if content.cells]
    return draw_panels(shown, panel_contents, x, statistic, strip=strip)


def caption(
    shown: Shown, *, x: Axis = "steps", statistic: Statistic = "iqm", strip: bool = True
) -> list[str]:
    """Sentences: what `draw` shows with the same arguments."""
    panel_contents = contents(shown, x, statistic)
    curves = [curves for content in panel_contents for curves, _ in content.cells]
    by_batch = bool(len(shown.results.view.updates))
    sentences = meaning(shown.runs, curves, x, statistic=statistic, by_batch=by_batch)
    return sentences + ([f"Right of each panel: {strip_text(panel_contents)}"] if strip else [])


def strip_text(panel_contents: Sequence[Content]) -> str:
    """The end of a sentence: what the strips show."""
    several = any(len(cell.seeds) > 1 for content in panel_contents for cell, _ in content.cells)
    return (
        "every seed's score, its mean return in the last 10% of its steps"
        + (", with the statistic and its interval" if several else "")
        + (
            "; a triangle at the edge is a score outside of the panel"
            * any(content.outside for content in panel_contents)
        )
        + "."
    )


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one panel and its strip show, and the vertical limits that show it well."""

    environment: str
    cells: Cells  # of the variants that have curves
    scores: Mapping[str, Floats]  # by variant, finite ones only
    originals: Mapping[str, float]  # by variant, of a publication
    low: float
    high: float

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
    panel_contents = []
    for environment in shown.environments:
        panel_cells = [pair for pair in cells if pair[0].environment == environment]
        panel_scores = {
            name: seed_scores
            for (where, name), seed_scores in scores.items()
            if where == environment
        }
        published = (originals or {}).get(environment, {})
        panel_originals = {name: published[name] for name in shown.variants if name in published}
        included = [*panel_originals.values(), *(spans or {}).get(environment, ())]
        points = np.concatenate([np.empty(0), *panel_scores.values()])
        low, high = (
            limits(panel_cells, points, included=included)
            if panel_cells or included
            else (0.0, 1.0)
        )
        panel_contents.append(
            Content(
                environment=environment,
                cells=panel_cells,
                scores=panel_scores if panel_cells else {},
                originals=panel_originals,
                low=low,
                high=high,
            )
        )
    return panel_contents


def draw_panels(
    shown: Shown,
    panel_contents: Sequence[Content],
    x: Axis,
    statistic: Statistic,
    *,
    strip: bool = True,
    extent: float | None = None,
) -> Figure:
    """Draw a panel for each content.

    Args:
        shown: of an ablation; panel_contents: what `contents` returns.
        x, statistic, strip: as those of `draw`.
        extent: where every horizontal axis ends; None: with the panel's longest curve.
    """
    present = {cell.variant for content in panel_contents for cell, _ in content.cells}
    present |= {name for content in panel_contents for name in content.originals}
    drawn = [name for name in shown.variants if name in present]
    # One place per variant, as wide as its dots.
    strip_width = shown.letter * (1 + (0.75 if len(drawn) < 5 else 0.6) * len(drawn)) * strip
    width = shown.width or screen_width(len(panel_contents))
    columns = column_count(len(panel_contents), width, LEAST * shown.letter + strip_width)
    cell_width = width / columns
    height = panel_height(cell_width, shown.font_size)
    with drawing(shown.font_size):
        share = strip_width / (cell_width - strip_width - _TICK_LABELS * shown.letter)
        figure, panels, strips = make_grid(len(panel_contents), columns, width, strip=share)
        for place, (panel, content) in enumerate(zip(panels, panel_contents, strict=True)):
            panel.set_ylim(content.low, content.high)
            dress_panel(panel, y_ticks=4 if height < 13 * shown.letter else 5)
            if content.cells:
                draw_curves(panel, content.cells, shown.look, drawn)
                if x == "steps":
                    draw_divergences(panel, content.cells, shown.runs, shown.look)
            else:
                empty_panel(panel)
            narrow = cell_width - strip_width < 24 * shown.letter
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
            seed_scores = content.scores[name]
            draw_seeds(strip, place, seed_scores, look, statistic, gid=name, upright=True)
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
