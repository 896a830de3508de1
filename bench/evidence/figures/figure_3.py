"""The Experiment: Figure 3 of the PPO paper from one's own results.

Learning curves of all planned variants, with runs or without, on axes that include the original's
range. Open markers beside each panel show what the original reached.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from bench.evidence.figures.caption import line_and_band, returns_of
from bench.evidence.figures.furniture import LEGEND
from bench.evidence.figures.learning_curves import Content, contents, draw_panels, strip_text
from bench.evidence.figures.panel import open_mark
from bench.evidence.figures.shown import Shown
from bench.evidence.figures.style import drawing
from bench.evidence.measures.cells import counts_text, missing_text
from bench.evidence.published import figure_3
from bench.evidence.published.rows import family, version
from bench.evidence.statistics.estimates import Statistic
from bench.formatting import thousands


def draw(shown: Shown, *, statistic: Statistic = "mean", paper: bool = True) -> Figure:
    """Draw the Experiment, as far as it has runs.

    Args:
        shown: the ablation's variants and environments, those without runs too.
        statistic: "mean", as in the original, or "iqm".
        paper: whether the original's values are drawn.
    """
    panel_contents = _contents(shown, statistic, paper)
    extent = float(shown.results.plan["budget"].max())
    figure = draw_panels(shown, panel_contents, "steps", statistic, extent=extent)
    if any(content.originals for content in panel_contents):
        with drawing(shown.font_size):
            entry = open_mark([], [], "o", "0.4")
            entry.set(gid=f"{LEGEND}original", label="PPO paper, digitised", in_layout=False)
            figure.axes[0].add_line(entry)
    return figure


def caption(shown: Shown, *, statistic: Statistic = "mean", paper: bool = True) -> list[str]:
    """Sentences: what `draw` shows with the same arguments, and what is missing."""
    panel_contents, plan = _contents(shown, statistic, paper), shown.rows(shown.results.plan)
    cells = [cell for content in panel_contents for cell, _ in content.cells]
    present = {(cell.environment, cell.variant): len(cell.seeds) for cell in cells}
    by_batch = bool(len(shown.results.view.updates))
    numbers = sorted(set(present.values()))
    missing = missing_text(plan, present)
    return [
        *line_and_band(
            numbers, counts_text(plan, present), statistic, by_batch, returns_of(shown.runs)
        ),
        "Right of each panel, a column per algorithm in the legend's order: "
        + strip_text(panel_contents),
        *_original(shown, panel_contents),
        *([f"Not there yet: {missing}."] if missing else []),
    ]


def _contents(shown: Shown, statistic: Statistic, paper: bool) -> list[Content]:
    worlds = shown.environments
    return contents(
        shown,
        "steps",
        statistic,
        originals={name: figure_3.last_10_percent(name) for name in worlds if paper},
        spans={name: figure_3.AXES.get(family(name), ()) for name in worlds},
    )


def _original(shown: Shown, panel_contents: Sequence[Content]) -> list[str]:
    """Sentences: what the open markers are, and how the two experiments differ."""
    variants, marked = shown.variants, [content for content in panel_contents if content.originals]
    budgets = sorted({int(size) for size in shown.results.plan["budget"]})
    versions = sorted(
        {version(content.environment) or content.environment for content in panel_contents}
    )
    sizes = " and ".join(thousands(size) for size in budgets)
    worlds = f"Environments: {', '.join(versions)} here ({sizes} steps per seed)"
    if not marked:
        return [f"{worlds}."]
    by_accuracy: dict[float, list[str]] = {}
    hidden = []
    for content in marked:
        name = family(content.environment)
        by_accuracy.setdefault(figure_3.ACCURACY[name], []).append(name)
        hidden += [
            f"{variants[variant]} on {name}"
            for variant in figure_3.LEGEND
            if variant in variants and variant not in content.originals
        ]
    accuracy = ", ".join(f"±{size:g} ({', '.join(names)})" for size, names in by_accuracy.items())
    sentences = [
        f"Open markers: the mean of the last 10% of the original's curve, {figure_3.SOURCE}, "
        f"digitised, accurate to about {accuracy}"
        + (f"; not readable there: {', '.join(hidden)}." if hidden else "."),
        "The paper states neither its number of seeds nor its rivals' hyperparameters.",
        f"{worlds}, {figure_3.VERSION} in the paper ({thousands(figure_3.STEPS)} steps): versions "
        "differ in physics, observations and rewards.",
    ]
    if budgets != [figure_3.STEPS]:
        sentences.append("With another number of steps than the paper's, values do not compare.")
    return sentences
