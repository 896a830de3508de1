"""An ablation's comparisons as one tidy table: a row per variant and environment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from bench.evidence.findings import findings
from bench.evidence.rivals import Improvement
from bench.evidence.statistics.coverage import coverages_text
from bench.evidence.tables import make_tables, verdict_columns
from bench.evidence.verdicts import NO_PAIRS
from bench.store import View
from bench.store.schema import IMPORTED


def comparison(view: View, *, extended: bool = False) -> pd.DataFrame:
    """Return scores, differences to the reference with their intervals, and verdicts.

    Numbers and sentences are those of the tables that `run`, `figure --table` and `report` show,
    and every test of the page's family is there.

    Args:
        view: an ablation's results.
        extended: also count seeds that were added to the plan's after there were results.

    Returns:
        One row per variant and environment, in the order of the page. Where a gold reward is
        reported, further rows have it in place of the return (environment: "ID, gold reward"). On
        Figure 3's page, further rows compare each rival over all environments (environment: "mean
        over N environments") by normalised scores, with the fewest seeds and pairs of any. Columns:
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
        What doesn't apply is NaN. `attrs["notes"]` has what a reader must know, as sentences;
        `attrs["difference_notes"]` leaves out those that explain the columns iqm and last_100.

    Raises:
        InputError: there are no runs.
    """
    page = findings(view, extended=extended)
    frames = [_marked(table.frame(), view, [table.environment]) for table in page.tables]
    if page.with_kl is not None and page.golden:
        gold = page.with_kl.assign(score=page.with_kl["gold"], last_100=math.nan)
        for table in make_tables(gold, page.golden):
            frame = _marked(table.frame(), view, [table.environment])
            frames.append(frame.assign(environment=f"{table.environment}, gold reward"))
    frames += [_over_environments(row, view) for row in page.over_all]
    frame = pd.concat(frames, ignore_index=True)
    notes = [*page.notes, *(note for table in page.tables for note in table.notes), *view.mixed]
    if coverages := coverages_text(frame.loc[frame["outcome"] != "control", "pairs"], "mean"):
        notes.append(
            "Measured coverage of the nominal 95% interval of a mean difference, for normal data: "
            f"{coverages}."
        )
    frame.attrs["notes"] = list(dict.fromkeys(notes))
    about_columns = {note for table in page.tables for note in table.column_notes}
    frame.attrs["difference_notes"] = [
        note for note in frame.attrs["notes"] if note not in about_columns
    ]
    return frame


def _over_environments(improvement: Improvement, view: View) -> pd.DataFrame:
    """A row for a rival over all environments; it has no score of its own."""
    # Its differences are of several environments: their interval is not that of one sample.
    verdict = replace(improvement.verdict, differences=NO_PAIRS)
    columns = {
        "environment": f"{improvement.cells[0]} environments",
        "variant": verdict.variant,
        "title": improvement.rival_title,
        "n": min(improvement.seeds),
        **dict.fromkeys(("diverged", "failed", "unscored", "excluded"), 0),
        **verdict_columns(verdict),
        "claim": improvement.claim,
    }
    return _marked(pd.DataFrame([columns]), view, improvement.environments)


def _marked(frame: pd.DataFrame, view: View, environments: Sequence[str]) -> pd.DataFrame:
    """The frame with the column imported."""
    there = view.runs["environment"].isin(environments) & (view.runs["back_end"] == IMPORTED)
    return frame.assign(imported=frame["variant"].isin(view.runs.loc[there, "variant"]))
