"""The caption under a figure: everything that a reader needs to trust or doubt it, in words."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd

from bench.evidence.coverage import coverage_text
from bench.evidence.curves import SeedCurves
from bench.evidence.figures.layout import NO_BREAK
from bench.evidence.figures.style import thousands
from bench.evidence.statistics import REPETITIONS, STATISTICS, Statistic


def learning_curves_caption(
    runs: pd.DataFrame,
    scores: pd.DataFrame,
    curves: Sequence[SeedCurves],
    *,
    source: str,
    x: str,
    statistic: Statistic,
    by_batch: bool,
    outside: bool,
) -> tuple[str, ...]:
    """The caption of a figure of learning curves, as sentences in paragraphs.

    Args:
        runs: the store's view of the ablation, failed runs included.
        scores: the frame of `scores.score_runs` for these runs.
        curves: what is drawn.
        source: where the results come from, for example "results/local".
        x: "steps" or "seconds".
        statistic: what the lines show.
        by_batch: whether episodes are placed at the end of their batch, not at their own.
        outside: whether a score lies outside of its panel.

    Returns:
        Paragraphs: what is drawn; what went wrong (absent if nothing did); what it was made with.
    """
    return tuple(
        paragraph.replace("n = ", f"n{NO_BREAK}={NO_BREAK}")
        for paragraph in (
            " ".join(_meaning(runs, curves, x, statistic, by_batch, outside)),
            " ".join(_trouble(runs, scores, x)),
            " ".join(_provenance(runs, source)),
        )
        if paragraph
    )


def seeds_text(numbers: Sequence[int]) -> str:
    """How many seeds: "n = 10", or "n = 3 to 10" where variants differ."""
    few, many = min(numbers, default=0), max(numbers, default=0)
    return f"n = {many}" if few == many else f"n = {few} to {many}"


def _meaning(
    runs: pd.DataFrame,
    curves: Sequence[SeedCurves],
    x: str,
    statistic: Statistic,
    by_batch: bool,
    outside: bool,
) -> list[str]:
    numbers = sorted({len(cell.seeds) for cell in curves})
    name = STATISTICS[statistic]
    if statistic == "iqm" and numbers and numbers[-1] < 4:
        name = "mean"
    elif statistic == "iqm":
        few = "; below 4 seeds the mean" if numbers[0] < 4 else ""
        name = f"{name} (the mean of the middle half of the seeds{few})"
    sentences = [
        f"Line: {name} over seeds ({seeds_text(numbers)}) of the return of training episodes, "
        "sampled actions and raw rewards, gathered between the points of a fixed grid"
        + (", each at the end of its batch." if by_batch else ".")
    ]
    several = [number for number in numbers if number > 1]
    if several:
        measured = ", ".join(
            f"{coverage_text(number, statistic)} at {seeds_text([number])}" for number in several
        )
        sentences.append(
            f"Band: pointwise 95% percentile-bootstrap interval over seeds ({REPETITIONS:,} "
            f"resamples); its measured coverage, for normal data, is {measured}."
        )
    else:
        sentences.append("One seed: no interval can be given.")
    sentences.append(
        "Right of each panel: every seed's score, its mean return in the last 10% of its steps"
        + (", with the statistic and its interval" if several else "")
        + ("; a triangle at the edge is a score outside of the panel." if outside else ".")
    )
    budgets = runs.groupby("environment", sort=False)["budget"].max()
    if budgets.nunique() == 1:
        listed = f"{', '.join(map(str, budgets.index))} ({thousands(budgets.iloc[0])} steps a seed)"
    else:
        listed = ", ".join(f"{name} ({thousands(size)} steps)" for name, size in budgets.items())
    plural = "s" if len(budgets) > 1 else ""
    sentences.append(f"Environment{plural}: {listed}.")
    if x == "seconds":
        sentences.append(
            "Seconds: wall time since training began; the seeds of a variant train together in "
            "one program, so this is the time for all of them."
        )
    return sentences


def _trouble(runs: pd.DataFrame, scores: pd.DataFrame, x: str) -> list[str]:
    sentences = []
    marked = "marked × where they did, " if x == "steps" else ""
    failed = scores["status"] == "failed"
    unscored = scores["score"].isna() & ~failed
    for affected, what in (
        (scores["diverged"], f"Diverged seeds ({marked}counted with their last value)"),
        (failed, "Failed runs (not drawn)"),
        (unscored, "Seeds in which no episode ended (not drawn)"),
    ):
        if affected.any():
            sentences.append(f"{what}: {_counts(scores[affected])}.")
    strange = int(scores.loc[~scores["diverged"], "excluded_episodes"].sum())
    if strange:
        sentences.append(f"Episodes left out because their return is not finite: {strange}.")
    # Algorithms and back ends differ in their digest; two of one pair are two versions of its code.
    digests = runs.dropna(subset="digest").groupby(["algorithm", "back_end"], sort=False)["digest"]
    mixed = [
        f"{algorithm} ({', '.join(sorted(str(digest)[:8] for digest in found))})"
        for (algorithm, _), found in digests.unique().items()
        if len(found) > 1
    ]
    if mixed:
        listed = ", ".join(mixed)
        sentences.append(f"Mixed code: runs of more than one version (digest) of {listed}.")
    return sentences


def _counts(chosen: pd.DataFrame) -> str:
    groups = chosen.groupby(["variant_title", "environment"], sort=False)["seed"].nunique()
    return ", ".join(f"{title} on {where}: {number}" for (title, where), number in groups.items())


def _provenance(runs: pd.DataFrame, source: str) -> list[str]:
    sentences = [f"Results: {source}."]
    found: dict[str, dict[str, None]] = {}
    for text in runs["versions"].dropna().unique():
        for package, version in json.loads(text).items():
            found.setdefault(str(package), {})[str(version)] = None
    if found:
        listed = ", ".join(f"{package} {' / '.join(found[package])}" for package in found)
        sentences.append(f"Made with {listed}.")
    return sentences
