"""Paired differences: each variant beside what it is compared with, a dot per pair of seeds."""

from __future__ import annotations

from matplotlib.figure import Figure

from bench.errors import InputError
from bench.evidence.figures.caption import seeds_text
from bench.evidence.figures.scores import interval_sentences
from bench.evidence.figures.seed_rows import draw_rows
from bench.evidence.figures.shown import Shown
from bench.evidence.measures.cells import Cell
from bench.evidence.statistics.estimates import Floats


def draw(shown: Shown) -> Figure:
    """Draw the differences of scores by common seed, their mean and its interval."""
    label = "paired difference of scores [return]"
    return draw_rows(_paired(shown), shown, label=label, statistic="mean", zero=True)


def caption(shown: Shown) -> list[str]:
    """Sentences: what `draw` shows, and what each variant is compared with."""
    paired = _paired(shown)
    numbers = sorted({len(values) for values in paired.values()})
    return [
        "Dot: a variant's score minus its reference's, of one common seed "
        f"({seeds_text(numbers)} pairs). Bar: their mean.",
        *interval_sentences(numbers, "mean"),
        f"Compared: {shown.results.compared_text(paired)}.",
    ]


def _paired(shown: Shown) -> dict[Cell, Floats]:
    paired = shown.of(
        {
            (verdict.environment, verdict.variant): verdict.differences
            for verdict in shown.results.verdicts
            if verdict.outcome != "control" and verdict.pairs
        }
    )
    if not paired:
        raise InputError("there is nothing to draw: no variant has a seed in common with another")
    return paired
