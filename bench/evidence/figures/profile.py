"""Performance profiles: the share of runs above each normalised score, a line per variant."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.figure import Figure

from bench.errors import InputError
from bench.evidence.figures.caption import seeds_text
from bench.evidence.figures.grid import make_grid, name_axes, panel_height, screen_width, settle
from bench.evidence.figures.panel import dress_panel, line, name_lines
from bench.evidence.figures.shown import Shown
from bench.evidence.figures.style import drawing
from bench.evidence.statistics.coverage import aggregates_text
from bench.evidence.statistics.estimates import Floats
from bench.evidence.statistics.profiles import performance_profile

PROFILE_END: Final = 2.0
"""A performance profile is drawn up to this normalised score at most."""


def draw(shown: Shown) -> Figure:
    """Draw the profiles of the variants that have every environment with a common scale."""
    strata = _strata(shown)
    all_scores = np.concatenate(
        [values for variant_strata in strata.values() for values in variant_strata]
    )
    low = min(0.0, float(all_scores.min()))
    high = min(PROFILE_END, max(1.0, float(all_scores.max())))
    marks = np.linspace(low - 0.02 * (high - low), high, 201)
    width = shown.width or screen_width(1)
    height = panel_height(0.7 * width, shown.font_size)
    with drawing(shown.font_size):
        figure, (panel,), _ = make_grid(1, 1, width)
        dress_panel(panel)
        for name, variant_strata in strata.items():
            profile = performance_profile(variant_strata, marks, np.random.default_rng(0))
            colour = shown.look[name].colour
            curve = line(marks, profile.share, shown.look[name])
            curve.set(drawstyle="steps-post", markevery=len(marks) // 7, gid=name)
            panel.add_line(curve)
            edges = profile.low, profile.high
            panel.fill_between(marks, *edges, step="post", color=colour, alpha=0.12, linewidth=0)
        panel.set_xlim(marks[0], marks[-1])
        panel.set_ylim(-0.02, 1.02)
        name_axes([panel], 1, height, "normalised score", "share of runs above it")
        name_lines(panel, shown, list(strata))
        return settle(figure, [panel], height)


def caption(shown: Shown) -> list[str]:
    """Sentences: what `draw` shows, and what 0 and 1 are."""
    numbers = sorted(
        {len(values) for variant_strata in _strata(shown).values() for values in variant_strata}
    )
    return [
        f"Line: the share of a variant's runs on {', '.join(_worlds(shown))} "
        f"({seeds_text(numbers)} on each) whose normalised score is above the one on the axis. "
        "Band: pointwise 95% stratified percentile-bootstrap interval, seeds resampled within each "
        "environment.",
        *aggregates_text(("profile",), len(_worlds(shown)), numbers),
        f"Normalised scores: {shown.results.scale_text}.",
    ]


def _worlds(shown: Shown) -> list[str]:
    return [name for name in shown.results.common_environments if name in shown.environments]


def _strata(shown: Shown) -> dict[str, list[Floats]]:
    """Normalised scores of each variant, one array per environment that all variants have."""
    by_variant = shown.results.strata(_worlds(shown))
    strata = {
        name: variant_strata
        for name, variant_strata in by_variant.items()
        if name in shown.variants
    }
    if not strata:
        raise InputError(
            "there is nothing to draw: no environment has a scale of normalised scores and runs of "
            "every variant"
        )
    return strata
