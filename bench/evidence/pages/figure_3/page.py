"""All tables beside the Experiment as one page of Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.evidence import letters, rivals
from bench.evidence.caveats import run_caveats
from bench.evidence.findings import Findings, scales_by_control
from bench.evidence.markdown import Section
from bench.evidence.measures.anchors import Anchors
from bench.evidence.measures.cells import cell_values, missing_text, titles
from bench.evidence.pages.figure_3 import aggregates, beside_figure_3, beside_sources
from bench.evidence.published import figure_3


def experiment_sections(
    plan: pd.DataFrame, findings: Findings, anchors: Anchors
) -> tuple[Section, ...]:
    """The page's tables, as far as there are runs.

    Args:
        plan: the store's plan of the experiment.
        findings: the findings of its results.
        anchors: the anchors of normalised scores.
    """
    scores = findings.scores
    control = str(plan["control"].iloc[0])
    control_title = titles(plan).get(control, control)
    scales = scales_by_control(scores, control, anchors)
    entries = beside_sources.beside_sources(plan, scores)
    return (
        beside_figure_3.section(
            beside_figure_3.beside_figure_3(plan, scores, anchors.untrained_means)
        ),
        *beside_sources.sections(plan, scores, entries),
        rivals.section(findings.rivals, control_title, int(scores["budget"].max())),
        *([letters.section(findings.letters)] if findings.letters is not None else []),
        aggregates.section(plan, aggregates.aggregates(plan, scores, scales), control_title),
    )


def experiment_page(
    plan: pd.DataFrame, findings: Findings, anchors: Anchors, *, notes: Sequence[str] = ()
) -> str:
    """The page, as far as there are runs; its end names the missing ones.

    Args:
        plan: the store's plan of the experiment.
        findings: the findings of its results.
        anchors: the anchors of normalised scores.
        notes: lines for the end of the page.
    """
    scores = findings.scores
    parts = experiment_sections(plan, findings, anchors)
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
    remarks += [*run_caveats(scores), *findings.notes, *notes]
    title, question = (str(plan[column].iloc[0]) for column in ("title", "question"))
    return "\n".join(
        [f"## {title}\n\n{question}\n", *(part.markdown() for part in parts)]
        + [f"* {remark}\n" for remark in remarks]
    )
