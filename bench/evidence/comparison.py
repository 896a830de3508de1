"""An ablation's comparisons as one tidy table: a row per variant and environment."""

from __future__ import annotations

import pandas as pd

from bench.evidence.findings import findings
from bench.store import View
from bench.store.schema import IMPORTED


def comparison(view: View, *, extended: bool = False) -> pd.DataFrame:
    """Return scores, differences to the reference with their intervals, and verdicts.

    Numbers and sentences are those of the tables that `run`, `figure --table` and `report` show.

    Args:
        view: an ablation's results.
        extended: also count seeds that were added to the plan's after there were results.

    Returns:
        One row per variant and environment, in the order of the page, with the columns
        environment, variant, title;
        n, seeds with a score; mean, iqm, low, high [return], their mean, their interquartile mean
        and its 95% bootstrap interval; coverage, measured for that interval at n seeds;
        last_100 [return], mean of a seed's last 100 episodes, mean over seeds;
        diverged, failed, unscored [runs]; excluded [episodes];
        compared_with, the variant that this one is compared with; pairs, common seeds;
        difference, difference_low, difference_high [return], mean over pairs of variant −
        reference and its 95% bootstrap interval; p_value, of the sign-flip test; adjusted_p_value,
        by Holm's method over `comparisons` comparisons; least_claimable [return], where nothing is
        claimed the least difference that could have been, infinite if none could;
        outcome: control, untested, none, better or worse; claim, in words;
        imported, whether any of its runs was not trained here.
        What doesn't apply is NaN. `attrs["notes"]` has what a reader must know, as sentences.

    Raises:
        InputError: there are no runs.
    """
    ablation_findings = findings(view, extended=extended)
    frame = pd.concat([table.frame() for table in ablation_findings.tables], ignore_index=True)
    imported = view.runs[view.runs["back_end"] == IMPORTED]
    imported_cells = set(zip(imported["environment"], imported["variant"], strict=True))
    cells = zip(frame["environment"], frame["variant"], strict=True)
    frame["imported"] = [cell in imported_cells for cell in cells]
    table_notes = (note for table in ablation_findings.tables for note in table.notes)
    frame.attrs["notes"] = list(
        dict.fromkeys([*ablation_findings.notes, *table_notes, *view.mixed])
    )
    return frame
