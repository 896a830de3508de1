"""Which of many variants can be told apart: a compact letter display over environments.

Variants that share a letter can't be told apart. Every two are compared, by the sign-flip test of
their paired differences over environments on the normalised scale (`pooled_differences`), all pairs
Holm-adjusted as a family of its own: which two of all differ is a different question from what each
ingredient does, and costs more comparisons. Source of the display: Piepho 2004, An algorithm for a
letter-based representation of all-pairwise comparisons (insert and absorb).
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.cells import (
    by_seed,
    cell_values,
    complete_environments,
    paired_differences,
    range_text,
    rows_by_cell,
    titles,
    why_unlike,
)
from bench.evidence.measures.normalised import Scale, interval_text, number_text, strata
from bench.evidence.measures.pooled_differences import pool
from bench.evidence.statistics.claimable import ALPHA, FEWEST_PAIRS, pairs_needed
from bench.evidence.statistics.coverage import aggregates_text, coverages_text
from bench.evidence.statistics.estimates import Floats, estimate, stratified_bootstrap_interval
from bench.evidence.statistics.significance import holm
from bench.evidence.verdicts import return_text

MANY: Final = 5
"""Number of variants from which on all are compared with one another."""


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A variant's mean over environments of its mean scores, on the scale that is tested."""

    variant: str
    title: str
    seeds: tuple[int, int]  # the fewest and the most of any environment
    mean: float
    low: float  # stratified 95% bootstrap interval; NaN where no environment has two seeds
    high: float


@dataclass(frozen=True, kw_only=True)
class Letters:
    """The display: variants by falling mean, always with their letters.

    Attributes:
        rows: each variant's mean over the environments, and its letters.
        environments: those with a scale, on which all variants have scores.
        comparisons: pairs of variants that were tested.
        pairs: common seeds on each environment, of the two variants with most of them.
        untested: pairs of variants with too few common seeds for a test.
    """

    rows: tuple[tuple[Mean, str], ...]
    environments: tuple[str, ...]
    comparisons: int
    pairs: int
    untested: int

    @property
    def fewest_pairs(self) -> int:
        """Pairs of seeds on each environment below which no two variants could be told apart."""
        variant_pairs = len(self.rows) * (len(self.rows) - 1) // 2
        return max(FEWEST_PAIRS, math.ceil(pairs_needed(variant_pairs) / len(self.environments)))

    def frame(self) -> pd.DataFrame:
        """One row per variant: variant, title, mean, low, high, letters, environments and more."""
        return pd.DataFrame(
            {
                "variant": row.variant,
                "title": row.title,
                "mean": row.mean,
                "low": row.low,
                "high": row.high,
                "letters": text,
                "environments": len(self.environments),
                "comparisons": self.comparisons,
            }
            for row, text in self.rows
        )


def letters(
    plan: pd.DataFrame,
    scores: pd.DataFrame,
    find_scales: Callable[[], Mapping[str, Scale]],
) -> Letters | None:
    """Compare all variants of an ablation with one another.

    Args:
        plan: the store's plan of the ablation.
        scores: the frame of `scores.score_runs`.
        find_scales: returns environment -> scale; called only if there are several environments,
            as a single one needs no scale.

    Returns:
        None with fewer than `MANY` variants, and without an environment on which all can be
        compared.
    """
    values, seeds = cell_values(scores), by_seed(scores)
    complete = complete_environments(plan, values)
    # A variant that is planned in some of them only has no place in a mean over all.
    names = {
        name: title
        for name, title in titles(plan).items()
        if all((environment, name) in values for environment in complete)
    }
    if len(names) < MANY:
        return None
    rows_of, first = rows_by_cell(scores), next(iter(names))
    comparable = [
        name
        for name in complete
        if not any(
            why_unlike(rows_of[name, variant], rows_of[name, first], first) for variant in names
        )
    ]
    if not comparable:
        return None
    scales = {comparable[0]: Scale(zero=0.0, one=1.0)} if len(comparable) == 1 else find_scales()
    environments = tuple(name for name in comparable if name in scales)
    if not environments:
        return None
    tests = {
        (first, second): pool(
            [paired_differences(seeds[e, first], seeds[e, second]) for e in environments],
            [scales[name] for name in environments],
        )
        for first, second in combinations(names, 2)
    }
    p_values = {pair: test.p_value() for pair, test in tests.items()}
    tested = [pair for pair, p_value in p_values.items() if math.isfinite(p_value)]
    adjusted = holm([p_values[pair] for pair in tested])
    apart = [pair for pair, p_value in zip(tested, adjusted, strict=True) if p_value <= ALPHA]
    means = [
        _mean(variant, names[variant], variant_strata)
        for variant, variant_strata in strata(values, scales, environments, names).items()
    ]
    rows = sorted(means, key=lambda row: -row.mean)
    letters_by_variant = compact_letters([row.variant for row in rows], apart)
    return Letters(
        rows=tuple((row, letters_by_variant[row.variant]) for row in rows),
        environments=environments,
        comparisons=len(tested),
        pairs=max(test.pairs for test in tests.values()),
        untested=len(tests) - len(tested),
    )


def _mean(variant: str, title: str, strata: Sequence[Floats]) -> Mean:
    # So weighted, the mean of all values is that of the environments' means, as it is tested.
    total = sum(map(len, strata))
    weighted = [values * (total / (len(strata) * len(values))) for values in strata]
    low, high = stratified_bootstrap_interval(weighted, np.random.default_rng(0), "mean")
    return Mean(
        variant=variant,
        title=title,
        seeds=(min(map(len, strata)), max(map(len, strata))),
        mean=float(estimate(np.concatenate(weighted), "mean")),
        low=low,
        high=high,
    )


def compact_letters(order: Sequence[str], apart: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return letters such that two variants share one exactly if they are not told apart.

    Args:
        order: the variants, best first: the first letters are theirs.
        apart: pairs that are told apart.
    """
    groups = [frozenset(order)]
    for first, second in apart:
        split = [
            part
            for group in groups
            for part in (
                [group - {first}, group - {second}] if {first, second} <= group else [group]
            )
        ]
        unique = list(dict.fromkeys(split))
        groups = [group for group in unique if not any(group < larger for larger in unique)]
    ranked = sorted(groups, key=lambda group: sorted(map(order.index, group)))
    return {
        name: "".join(_letter(place) for place, group in enumerate(ranked) if name in group)
        for name in order
    }


def section(lettering: Letters) -> Section:
    """The display as a section of a page."""
    several = len(lettering.environments) > 1
    scale = "normalised score" if several else "return"
    mean_text = number_text if several else return_text
    environments_text = (
        f"over {len(lettering.environments)} environments" if several else lettering.environments[0]
    )
    notes = [
        "Variants that share a letter can't be told apart: the order of the rows is no ranking. "
        "Every two are compared by the exact sign-flip test (sampled beyond 20 pairs) of their "
        "differences on common seeds, whose null hypothesis is that the two have the same "
        f"distribution; Holm-adjusted over {lettering.comparisons:,} comparisons, a family of its "
        "own."
    ]
    if several:
        notes.append(
            "Normalised scale, each environment weighing alike: "
            f"{', '.join(lettering.environments)}."
        )
    fewest = {min(row.seeds) for row, _ in lettering.rows}
    if several:
        notes += aggregates_text(("aggregate mean",), len(lettering.environments), fewest)
    elif coverages := coverages_text(fewest, "mean"):
        notes.append(f"Measured coverage of the interval, for normal data: {coverages}.")
    if lettering.pairs < lettering.fewest_pairs:
        notes.append(
            f"From {lettering.pairs} pairs of seeds on each environment no two of "
            f"{len(lettering.rows)} variants can be told apart, whatever their difference: "
            f"{lettering.fewest_pairs} are needed."
        )
    elif lettering.untested:
        notes.append(
            f"Not tested, for want of {FEWEST_PAIRS} common seeds: {lettering.untested} pairs of "
            "variants."
        )
    return Section(
        heading=f"### Which can be told apart, {environments_text}",
        header=("variant", "n each", f"mean {scale}", "95% interval", "letters"),
        alignment=("left", "right", "right", "center", "left"),
        cells=[
            (
                row.title,
                range_text(row.seeds),
                mean_text(row.mean),
                interval_text(row.low, row.high, mean_text),
                text,
            )
            for row, text in lettering.rows
        ],
        notes=notes,
    )


def _letter(place: int) -> str:
    return string.ascii_letters[place] if place < 52 else f"({place + 1})"
