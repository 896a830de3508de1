"""What an ablation shows, as one tidy table: a row a variant and environment."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bench.evidence.findings import findings
from bench.evidence.measures.cells import by_seed, paired_differences
from bench.evidence.statistics.estimates import bootstrap_interval
from bench.store import View
from bench.store.schema import IMPORTED


def comparison(view: View, *, seed: int = 0) -> pd.DataFrame:
    """Scores, differences to the reference with their intervals, and verdicts.

    Numbers and sentences are those of the tables that `run`, `figure --table` and `report` show.

    Args:
        view: an ablation's results.
        seed: of the bootstrap and of the test's sampling.

    Returns:
        One row a variant and environment, in the order of the page, with the columns
        environment, variant, title;
        n, seeds with a score; mean, iqm, low, high [return], their mean, their interquartile mean
        and its 95% bootstrap interval; coverage, what was measured for that interval at n;
        last_100 [return], mean of a seed's last 100 episodes, mean over seeds;
        diverged, failed, unscored [runs]; excluded [episodes];
        compared_with, the variant that this one is compared with; pairs, common seeds;
        difference, difference_low, difference_high [return], mean over pairs of variant −
        reference and its 95% bootstrap interval; p_value, adjusted_p_value, of the sign-flip test
        and by Holm; outcome: control, untested, none, better or worse; claim, in words;
        imported, whether any of its runs was not trained here.
        What doesn't apply is NaN. `attrs["notes"]` has what a reader must know, as sentences.

    Raises:
        InputError: there are no runs.
    """
    found = findings(view, seed=seed)
    frame = pd.concat([table.frame() for table in found.tables], ignore_index=True)
    seeds = by_seed(found.scores)
    limits = []
    for row in frame.itertuples():
        own = seeds.get((row.environment, row.variant), {})
        other = seeds.get((row.environment, row.compared_with), {})
        pairs = paired_differences(own, other)
        low = high = math.nan
        if row.variant != row.compared_with and len(pairs) > 1:
            generator = np.random.default_rng([seed, len(pairs)])
            low, high = map(float, bootstrap_interval(pairs, generator, "mean"))
        limits.append((low, high))
    place = frame.columns.get_loc("difference")
    assert isinstance(place, int)
    frame.insert(place + 1, "difference_low", [low for low, _ in limits])
    frame.insert(place + 2, "difference_high", [high for _, high in limits])
    outcomes = {(each.environment, each.variant): each.outcome for each in found.verdicts}
    cells = list(zip(frame["environment"], frame["variant"], strict=True))
    place = frame.columns.get_loc("claim")
    assert isinstance(place, int)
    frame.insert(place, "outcome", [outcomes[cell] for cell in cells])
    imported = view.runs[view.runs["back_end"] == IMPORTED]
    brought = set(zip(imported["environment"], imported["variant"], strict=True))
    frame["imported"] = [cell in brought for cell in cells]
    noted = (note for table in found.tables for note in table.notes)
    notes = [*found.notes, *noted, *view.mixed]
    frame.attrs["notes"] = list(dict.fromkeys(notes))
    return frame
