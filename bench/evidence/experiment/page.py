"""All tables beside the Experiment as one page of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bench.evidence.cells import cell_values, missing_text, titles
from bench.evidence.experiment import aggregates, beside_figure_3, beside_sources, improvement
from bench.evidence.markdown import Section
from bench.evidence.normalised import scales, untrained_values
from bench.evidence.published import figure_3
from bench.evidence.statistics import Floats
from bench.evidence.trouble import trouble


def experiment_sections(
    plan: pd.DataFrame, scores: pd.DataFrame, untrained: Mapping[str, Floats], *, seed: int = 0
) -> tuple[Section, ...]:
    """The page's tables, as far as the runs are there.

    Args:
        plan: the store's plan of the experiment.
        scores: the frame of `scores.score_runs` for its runs.
        untrained: environment -> the untrained policy's scores, one a seed; may be empty.
        seed: of every bootstrap.
    """
    first = str(plan["control"].iloc[0])
    name = titles(plan).get(first, first)
    found = scales(
        {environment: float(np.mean(seeds)) for environment, seeds in untrained.items()},
        {
            where: float(own.mean())
            for (where, variant), own in cell_values(scores).items()
            if variant == first
        },
    )
    reported = beside_sources.beside_sources(plan, scores)
    return (
        beside_figure_3.section(
            beside_figure_3.beside_figure_3(plan, scores, untrained, seed=seed)
        ),
        *beside_sources.sections(plan, scores, reported),
        improvement.section(improvement.improvements(plan, scores, first, found, seed=seed), name),
        aggregates.section(plan, aggregates.aggregates(plan, scores, found, seed=seed), name),
    )


def experiment_page(
    plan: pd.DataFrame,
    scores: pd.DataFrame,
    untrained: pd.DataFrame | None,
    *,
    notes: Sequence[str] = (),
    seed: int = 0,
) -> str:
    """The page, as far as the runs are there; what is missing is named at its end.

    Args:
        plan: the store's plan of the experiment.
        scores: the frame of `scores.score_runs` for its runs.
        untrained: that of the ablation `untrained`, if it was run.
        notes: lines for the end of the page.
        seed: of every bootstrap.
    """
    parts = experiment_sections(plan, scores, untrained_values(untrained), seed=seed)
    values = cell_values(scores)
    remarks = []
    if missing := missing_text(plan, values):
        remarks.append(f"Not there yet: {missing}.")
    budgets = sorted({int(size) for size in plan["budget"]})
    if budgets != [figure_3.STEPS]:
        sizes = " and ".join(f"{size:,}" for size in budgets)
        remarks.append(
            f"These runs have {sizes} steps, those published {figure_3.STEPS:,}: they do not "
            "compare."
        )
    remarks += [*trouble(scores), *notes]
    title, question = (str(plan[column].iloc[0]) for column in ("title", "question"))
    return "\n".join(
        [f"## {title}\n\n{question}\n", *(part.markdown() for part in parts)]
        + [f"* {remark}\n" for remark in remarks]
    )
