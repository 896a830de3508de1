"""`bench.compare`: what results say, with the statistics of every table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bench.evidence.comparison import comparison
from bench.store.load import View, load


def compare(
    view_or_ablation: View | str | Path,
    results: str | Path | None = None,
    *,
    extended: bool = False,
) -> pd.DataFrame:
    """Return scores, differences to the control, their intervals and verdicts as one tidy table.

    Args:
        view_or_ablation: what `bench.run` or `bench.load` returned; or the name of an ablation or
            the path of its `.py` file, whose results are loaded.
        results: with a name, the results folder; None: as `bench.load`.
        extended: whether seeds that were added to the plan after results were there count too; the
            notes say what p is worth then.

    Returns:
        One row per variant and environment; `bench.evidence.comparison.comparison` has the columns.
        `attrs["notes"]` are the sentences that stand below the tables.

    Raises:
        InputError: there are no results, or no such ablation.
    """
    if isinstance(view_or_ablation, View):
        return comparison(view_or_ablation, extended=extended)
    from bench.requests.plan_request import stored_name

    return comparison(load(stored_name(str(view_or_ablation)), results), extended=extended)
