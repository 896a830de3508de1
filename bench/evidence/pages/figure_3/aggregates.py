"""Each algorithm over all environments, on a scale from our untrained policy to our PPO.

0 is the mean score of our untrained policy on the environment, 1 that of our PPO (Clip). Only
environments on which every algorithm of the page has runs enter, so that rows can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.cells import cell_values, complete_environments, planned, titles
from bench.evidence.measures.normalised import Aggregate, Scale, pooled
from bench.evidence.statistics.coverage import AGGREGATES, aggregates_text
from bench.evidence.statistics.estimates import REPETITIONS

HEADER: Final = (
    *("algorithm", "environments", "n each", "mean", "95% interval"),
    *("IQM", "95% interval of IQM"),
)


def aggregates(
    plan: pd.DataFrame, scores: pd.DataFrame, scales: Mapping[str, Scale]
) -> tuple[Aggregate, ...]:
    """A row per variant that has runs, over the environments that all of them have.

    Args:
        plan: the store's plan of the experiment.
        scores: the frame of `scores.score_runs`.
        scales: environment -> its scale; an environment without one is left out.

    Returns:
        The rows; empty if no environment is left.
    """
    values = cell_values(scores)
    environments = tuple(e for e in complete_environments(plan, values) if e in scales)
    return pooled(values, scales, environments, titles(plan))


def section(plan: pd.DataFrame, rows: tuple[Aggregate, ...], reference: str) -> Section:
    """The rows as a section of the page.

    Args:
        plan: the store's plan of the experiment.
        rows: of `aggregates`.
        reference: title of the variant whose mean is 1.
    """
    environments = tuple(dict.fromkeys(environment for environment, _ in planned(plan)))
    notes = [
        "Normalised score: 0 is the mean score of our untrained policy on the environment "
        f"(ablation `untrained`), 1 that of our {reference}. Both are held fixed: intervals do not "
        "have their error in them."
    ]
    if rows:
        notes.append(
            "The seeds of all environments are pooled. Intervals: 95% stratified percentile "
            f"bootstrap, seeds resampled within each environment ({REPETITIONS:,} resamples)."
        )
        fewest = {min(row.seeds) for row in rows}
        notes += aggregates_text(AGGREGATES[:2], len(rows[0].environments), fewest)
        if any(few != many for few, many in (row.seeds for row in rows)):
            notes.append("An environment with more seeds weighs more.")
        left_out = [name for name in environments if name not in rows[0].environments]
        if left_out:
            notes.append(
                f"Left out, as not every algorithm here has runs or there is no scale: "
                f"{', '.join(left_out)}."
            )
    else:
        notes.append(
            "There is no environment on which every algorithm here has runs and the untrained "
            f"policy earns less than {reference}: `python -m bench run --ablation untrained` "
            "trains what the scale needs."
        )
    return Section(
        heading="### Over all environments",
        header=HEADER,
        alignment=("left", *["right"] * 3, "center", "right", "center"),
        cells=[row.cells for row in rows],
        notes=notes,
    )
