"""The surrogate objectives beside Table 1 of the PPO paper, scored as the paper scores them.

A run's result is the mean return of its last 100 episodes, shifted and scaled in each environment
so that 0 is a random policy and 1 the best result, and averaged over runs. The paper leaves two
things open: whether "random" is the untrained policy or uniformly random actions (both of the
ablation `untrained`), and whether "best" is the best variant's mean over seeds on that environment
or the best run. The interval and single environments use the first reading of each; the average is
given for every combination of readings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.cells import (
    Cell,
    cell_values,
    complete_environments,
    missing_text,
    planned,
    range_text,
    titles,
)
from bench.evidence.measures.normalised import (
    UNTRAINED,
    Aggregate,
    Scale,
    interval_text,
    number_text,
    pooled,
    scales,
    strata,
    variant_means,
)
from bench.evidence.published import table_1
from bench.evidence.published.rows import family
from bench.evidence.statistics.coverage import aggregates_text
from bench.evidence.statistics.estimates import REPETITIONS, Floats

_RESULT: Final = "last_100"
UNIFORM: Final = "uniform_random"
"""The variant of the ablation `untrained` whose actions are uniformly random."""
OTHER_READINGS: Final = {
    (UNTRAINED, "run"): "to the best run",
    (UNIFORM, "mean"): "from uniform actions",
    (UNIFORM, "run"): "both",
}
"""(reading of "random", reading of "best") -> title of its column beside "ours"."""


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """One variant beside the paper's value; normalised scores, NaN where there is nothing."""

    variant: str
    title: str
    paper: float  # average over the paper's 7 environments and 3 seeds
    ours: Aggregate | None  # over the environments that every variant here has
    means: Mapping[str, float]  # environment -> mean over seeds, of every environment with a scale
    other_averages: tuple[
        float, ...
    ]  # the average by each of `OTHER_READINGS`, over the same environments


def surrogates(
    plan: pd.DataFrame,
    scores: pd.DataFrame,
    untrained: pd.DataFrame | None,
) -> tuple[Surrogate, ...]:
    """A row per variant of the plan, trained or not.

    Args:
        plan: the store's plan of the ablation `surrogates`.
        scores: the frame of `scores.score_runs`.
        untrained: the same frame for the ablation `untrained`, if it was run.
    """
    values, names = cell_values(scores, _RESULT), titles(plan)
    scale_by_environment = _scales(values, untrained, UNTRAINED, "mean")
    common = tuple(e for e in complete_environments(plan, values) if e in scale_by_environment)
    other_scales = [_scales(values, untrained, *reading) for reading in OTHER_READINGS]
    paper = table_1.average_scores()
    ours = {row.variant: row for row in pooled(values, scale_by_environment, common, names)}
    return tuple(
        Surrogate(
            variant=variant,
            title=title,
            paper=paper.get(variant, math.nan),
            ours=ours.get(variant),
            means={
                environment: float(scale(values[environment, variant]).mean())
                for environment, scale in scale_by_environment.items()
                if (environment, variant) in values
            },
            other_averages=tuple(
                _average(values, scales, common, variant) for scales in other_scales
            ),
        )
        for variant, title in names.items()
    )


def _scales(
    values: Mapping[Cell, Floats], untrained: pd.DataFrame | None, random: str, best: str
) -> dict[str, Scale]:
    """Environment -> its scale, by one reading of "random" and of "best"."""
    ones: dict[str, float] = {}
    for (environment, _), seed_scores in values.items():
        result = float(seed_scores.mean() if best == "mean" else seed_scores.max())
        ones[environment] = max(ones.get(environment, -math.inf), result)
    return scales(variant_means(untrained, random, _RESULT), ones)


def _average(
    values: Mapping[Cell, Floats],
    scales: Mapping[str, Scale],
    environments: tuple[str, ...],
    variant: str,
) -> float:
    """Mean of a variant's runs in the environments; NaN where one of them lacks runs or a scale."""
    scaled = environments if set(environments) <= set(scales) else ()
    variant_strata = strata(values, scales, scaled, (variant,))
    return float(np.concatenate(variant_strata[variant]).mean()) if variant_strata else math.nan


def section(plan: pd.DataFrame, scores: pd.DataFrame, rows: tuple[Surrogate, ...]) -> Section:
    """The rows as a section of the page, what is missing named below."""
    environments = tuple(dict.fromkeys(environment for environment, _ in planned(plan)))
    scaled = [e for e in environments if any(e in row.means for row in rows)]
    common = next((row.ours.environments for row in rows if row.ours), ())
    notes = [
        f"Paper: {table_1.SOURCE}; 7 environments (v1), 3 seeds each; exact.",
        "Ours: the mean return of a run's last 100 episodes, shifted and scaled in each "
        "environment so that 0 is a random policy and 1 the best result, averaged over runs. The "
        "paper leaves open what these are; here 0 is our untrained policy's mean (ablation "
        "`untrained`) and 1 the mean over seeds of the best variant here on that environment, "
        "which is picked from the same runs. The three averages after n are by the other readings: "
        "1 the best single run, 0 the mean of uniformly random actions, and both. Interval: 95% "
        "stratified percentile bootstrap, seeds resampled within each environment "
        f"({REPETITIONS:,} resamples), 0 and 1 held fixed.",
    ]
    if common:
        notes.append(
            "The average is over the environments that every variant here has: "
            f"{', '.join(common)}."
        )
        if any(row.ours and row.ours.seeds[0] != row.ours.seeds[1] for row in rows):
            notes.append("An environment with more seeds weighs more.")
        fewest = {min(row.ours.seeds) for row in rows if row.ours}
        notes += aggregates_text(("aggregate mean",), len(common), fewest)
    unscaled = [e for e in environments if e not in scaled]
    if unscaled:
        notes.append(
            "No scale, as the untrained policy or every variant is missing or no variant is above "
            f"it: {', '.join(unscaled)}."
        )
    if missing := missing_text(plan, cell_values(scores, _RESULT)):
        notes.append(f"Not there yet: {missing}.")
    return Section(
        heading="### Beside Table 1 of the PPO paper: average normalised score",
        header=(
            *("surrogate", "paper", "ours", "95% interval", "n each"),
            *OTHER_READINGS.values(),
            *map(family, scaled),
        ),
        alignment=(
            *("left", "right", "right", "center", "right"),
            *["right"] * (len(OTHER_READINGS) + len(scaled)),
        ),
        cells=[_cells(row, scaled) for row in rows],
        notes=notes,
    )


def _cells(row: Surrogate, environments: list[str]) -> tuple[str, ...]:
    ours = row.ours
    return (
        row.title,
        number_text(row.paper),
        number_text(ours.mean if ours else math.nan),
        interval_text(ours.mean_low, ours.mean_high) if ours else "–",
        range_text(ours.seeds if ours else ()),
        *map(number_text, row.other_averages),
        *(number_text(row.means.get(environment, math.nan)) for environment in environments),
    )
