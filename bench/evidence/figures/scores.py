"""Scores by seed: a panel per environment, a row per variant."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from bench.evidence.figures.caption import budgets_text, interval_text, seeds_text, statistic_text
from bench.evidence.figures.seed_rows import draw_rows
from bench.evidence.figures.shown import Shown
from bench.evidence.statistics.estimates import Statistic


def draw(shown: Shown, *, statistic: Statistic = "iqm") -> Figure:
    """Draw every seed's score, the statistic over them ("iqm" or "mean") and its interval."""
    label = "score of a seed [return]"
    return draw_rows(shown.results.values, shown, label=label, statistic=statistic)


def caption(shown: Shown, *, statistic: Statistic = "iqm") -> list[str]:
    """Sentences: what `draw` shows with the same arguments."""
    numbers = sorted({len(seed_scores) for seed_scores in shown.of(shown.results.values).values()})
    return [
        "Dot: a seed's score, its mean return in the last 10% of its steps "
        f"({seeds_text(numbers)}). Bar: {statistic_text(numbers, statistic)} over seeds.",
        *interval_sentences(numbers, statistic),
        budgets_text(shown.runs),
    ]


def interval_sentences(numbers: Sequence[int], statistic: Statistic) -> list[str]:
    """A sentence on what the shade is; none if no variant has two seeds."""
    several = [number for number in numbers if number > 1]
    return [f"Shade: {interval_text(several, statistic)}."] if several else []
