"""The caption under a figure: everything that a reader needs to trust or doubt it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from bench.evidence.caveats import mixed_code, run_caveats
from bench.evidence.figures.shown import Shown
from bench.evidence.measures.cells import budgets, range_text
from bench.evidence.measures.curves import SeedCurves
from bench.evidence.measures.wall_time import other_machines
from bench.evidence.statistics.coverage import coverages_text
from bench.evidence.statistics.estimates import REPETITIONS, STATISTICS, Statistic
from bench.formatting import thousands
from bench.kinds import EPISODES, kind_of, not_training
from bench.store import imported
from bench.store.load import versions


def whole_caption(
    shown: Shown, sentences: Sequence[str], *, marked: bool, returns: bool = True
) -> tuple[str, ...]:
    """The caption of a figure that stands alone, as sentences in paragraphs.

    Args:
        shown: what is drawn.
        sentences: on what is drawn.
        marked: whether the figure marks where seeds diverged.
        returns: whether returns are drawn, whose kind is said where they are not of training.

    Returns:
        Paragraphs: what is drawn; what went wrong or was left out (absent if nothing); what it was
        made with.
    """
    what = [*sentences, *(not_training(_kinds(shown.runs)) if returns else ())]
    cross = "marked × where they did, " if marked else ""
    problems = run_caveats(shown.rows(shown.results.scores), marked=cross, left_out="not drawn")
    origin = provenance(shown.runs, shown.results.source)
    problems = [*shown.results.added_seeds, *problems, *mixed_code(shown.runs)]
    groups = (what, problems, origin)
    return tuple(" ".join(group) for group in groups if group)


def seeds_text(numbers: Sequence[int]) -> str:
    """How many seeds: "n = 10", or "n = 3 to 10" where variants differ."""
    return f"n = {range_text(numbers)}"


def statistic_text(numbers: Sequence[int], statistic: Statistic) -> str:
    """What a line over these numbers of seeds shows; below four seeds the IQM is the mean."""
    if statistic != "iqm" or max(numbers, default=0) < 4:
        return STATISTICS["mean"]
    few = "; below 4 seeds the mean" if min(numbers) < 4 else ""
    return f"{STATISTICS[statistic]} (the mean of the middle half of the seeds{few})"


def interval_text(numbers: Sequence[int], statistic: Statistic) -> str:
    """What a band is, and its measured coverage at these numbers of seeds, each over 1."""
    return (
        f"95% percentile-bootstrap interval over seeds ({REPETITIONS:,} resamples); its "
        f"measured coverage, for normal data, is {coverages_text(numbers, statistic)}"
    )


TRAINING: Final = "training episodes, sampled actions and raw rewards"
"""The kind of returns of runs that were trained here."""


def line_and_band(
    numbers: Sequence[int],
    counts: str,
    statistic: Statistic,
    by_batch: bool,
    episodes: str = TRAINING,
) -> list[str]:
    """Sentences: what a line and its band are.

    Args:
        numbers: all numbers of seeds that occur.
        counts: the numbers in words.
        statistic: what the lines show.
        by_batch: whether episodes are placed at the end of their batch, not at their own.
        episodes: the kind of returns, in words.
    """
    several = [number for number in numbers if number > 1]
    return [
        f"Line: {statistic_text(numbers, statistic)} over seeds ({counts}) of the return of "
        f"{episodes}, gathered between the points of a fixed grid"
        + (", each at the end of its batch." if by_batch else "."),
        f"Band: pointwise {interval_text(several, statistic)}."
        if several
        else "One seed: no interval can be given.",
    ]


def meaning(
    runs: pd.DataFrame,
    curves: Sequence[SeedCurves],
    x: str,
    *,
    statistic: Statistic = "iqm",
    by_batch: bool = True,
) -> list[str]:
    """Sentences: what learning curves show, and on which environments.

    Args:
        runs: the store's view of the ablation.
        curves: what is drawn.
        x: "steps" or "seconds".
        statistic: what the lines show.
        by_batch: whether episodes are placed at the end of their batch, not at their own.
    """
    numbers = sorted({len(cell.seeds) for cell in curves})
    sentences = line_and_band(numbers, seeds_text(numbers), statistic, by_batch, returns_of(runs))
    sentences.append(budgets_text(runs))
    return sentences + (seconds_text(runs) if x == "seconds" else [])


def returns_of(runs: pd.DataFrame, training: str = TRAINING) -> str:
    """The kind of returns in words: `training` where some are of training episodes.

    Args:
        runs: the store's view of the ablation.
        training: what these are called.
    """
    kinds = dict.fromkeys(kind for _, kind in _kinds(runs))
    return training if EPISODES in kinds or not kinds else " and ".join(kinds)


def _kinds(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """Title and kind of returns of every run."""
    return list(zip(runs["variant_title"], runs["evaluation"].map(kind_of), strict=True))


def budgets_text(runs: pd.DataFrame) -> str:
    """A sentence: the environments, and how many steps seeds have there."""
    steps = {name: " and ".join(map(thousands, sizes)) for name, sizes in budgets(runs).items()}
    (size, *other_sizes) = dict.fromkeys(steps.values())
    listed = f"{', '.join(steps)} ({size} steps per seed)"
    if other_sizes:
        listed = ", ".join(f"{name} ({size} steps)" for name, size in steps.items())
    return f"Environment{'s' if len(steps) > 1 else ''}: {listed}."


def seconds_text(runs: pd.DataFrame) -> list[str]:
    """Sentences: what an axis of wall time means, and what it leaves out."""
    sentences = [
        "Seconds: wall time since training began; the seeds of a variant train together in one "
        "program, so this is the time for all of them.",
        *other_machines(runs),
    ]
    untimed = runs.loc[runs["seconds"].isna(), "variant_title"].unique()
    if len(untimed):
        sentences.append(f"Left out, as no file tells their seconds: {', '.join(untimed)}.")
    return sentences


def provenance(runs: pd.DataFrame, source: str) -> list[str]:
    """Sentences: where the results lie, which were imported, and the versions of the rest."""
    sentences = [f"Results: {source}.", *(f"{line}." for line in imported.remarks(runs))]
    packages = versions(runs)
    if packages:
        listed = ", ".join(f"{package} {' / '.join(packages[package])}" for package in packages)
        sentences.append(f"Made with {listed}.")
    return sentences
