"""Every comparison of an ablation in one table: difference, interval, what can be claimed."""

from __future__ import annotations

import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.normalised import interval_text
from bench.evidence.verdicts import return_text

HEADER = ("variant", "compared with", "environment", "pairs", "difference", "95% interval", "claim")


def section(title: str, compared: pd.DataFrame) -> Section:
    """The comparisons under a heading, in the order of the ablation's variants.

    Args:
        title: of the ablation.
        compared: the frame of `comparison.comparison`.
    """
    titles = dict(zip(compared["variant"], compared["title"], strict=True))
    rows = compared[compared["outcome"] != "control"]
    return Section(
        heading=f"## {title}",
        header=HEADER,
        alignment=("left", "left", "left", "right", "right", "center", "left"),
        cells=[
            (
                row.title,
                titles[row.compared_with],
                row.environment,
                str(row.pairs),
                return_text(row.difference),
                interval_text(row.difference_low, row.difference_high, return_text),
                row.claim,
            )
            for variant in titles
            for row in rows[rows["variant"] == variant].itertuples()
        ],
        notes=() if len(rows) else ("There is one variant only: nothing is compared.",),
    )
