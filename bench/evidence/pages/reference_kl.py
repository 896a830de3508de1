"""The table of a page on tuned policies: rewards beside the KL to the reference that they cost.

The reward that is trained on is a proxy; where the environment reports the gold reward that it
stands for, both are in the table (Gao et al. 2023, arXiv 2210.10760).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.cells import titles
from bench.evidence.measures.normalised import interval_text
from bench.evidence.statistics.coverage import coverages_text
from bench.evidence.statistics.estimates import Floats, estimate, interval_of_seeds
from bench.evidence.verdicts import Verdict, return_text


def section(environment: str, with_kl: pd.DataFrame, verdicts: Sequence[Verdict] = ()) -> Section:
    """Rewards beside what they cost, a row per variant.

    Args:
        environment: name of the environment, which selects rows of `with_kl`.
        with_kl: the frame of `measures.reference_kl.scores_with_kl`.
        verdicts: on gold rewards; without any the table makes no claim.
    """
    rows = with_kl[with_kl["environment"] == environment]
    claims = {
        verdict.variant: verdict.sentence
        for verdict in verdicts
        if verdict.environment == environment
    }
    golden = bool(rows["gold"].notna().any())
    cells = []
    for variant, title in titles(rows).items():
        variant_rows = rows[rows["variant"] == variant]
        row = [title, str(len(variant_rows)), _centre(variant_rows["score"])]
        if golden:
            row += [_centre(variant_rows["gold"]), _interval(variant_rows["gold"])]
        row += [_centre(variant_rows["divergence"]), _interval(variant_rows["divergence"])]
        row.append(_centre(variant_rows["penalised"]))
        cells.append((*row, claims[variant]) if claims else tuple(row))
    columns = [
        *(("variant", "left"), ("n", "right"), ("reward", "right")),
        *[("gold reward", "right"), ("95% interval", "center")] * golden,
        *(("KL [nats]", "right"), ("95% interval", "center"), ("reward − β_ref KL", "right")),
        *[("claim", "left")] * bool(claims),
    ]
    notes = [
        "Interquartile means over the seeds of what the last 10% of a seed's steps gave. KL: of "
        "policy and reference over a whole answer, summed over its tokens from their whole "
        "distributions. β_ref: the variant's own reference_penalty; reward − β_ref KL is what it "
        "maximised, and compares variants of one β_ref only."
    ]
    counts = rows.groupby("variant", sort=False)[["gold", "divergence"]].count()
    if coverages := coverages_text(map(int, counts.to_numpy().ravel()), "iqm"):
        notes.append(f"Measured coverage of the intervals, for normal data: {coverages}.")
    if golden:
        notes.append(
            "Gold reward: what the reward stands for, by a programme of the environment that "
            "nothing is trained on."
        )
    if claims:
        notes.append("Claims: on the gold reward, by the same test and the same adjustment.")
    return Section(
        heading=f"### {environment}: what the reward stands for, and what it cost",
        header=[name for name, _ in columns],
        alignment=[side for _, side in columns],
        cells=cells,
        notes=notes,
    )


def _centre(column: pd.Series) -> str:
    values = _finite(column)
    return return_text(float(estimate(values, "iqm"))) if len(values) else "–"


def _interval(column: pd.Series) -> str:
    values = _finite(column)
    return interval_text(*interval_of_seeds(values, "iqm"), return_text)


def _finite(column: pd.Series) -> Floats:
    values: Floats = column.to_numpy(dtype=np.float64)
    return values[np.isfinite(values)]
