"""Which seeds count: n is fixed by the plan, before anybody looks.

Whoever looks at ten seeds, trains more and looks again has another chance to claim a difference
where there is none: looking at every n from 10 to 16 makes 5% into 11%, at 10 and 16 alone into 7%.
So seeds beyond the plan's are left out, and a note names them; a view that counts them is labelled
as such.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.evidence.statistics.claimable import FEWEST_PAIRS
from bench.formatting import seed_ranges
from bench.store import View

_RUN = ["run", "variant"]


def on_planned_seeds(view: View, *, extended: bool = False) -> tuple[View, tuple[str, ...]]:
    """Restrict a view to its planned seeds, and return a sentence on the others that it has.

    A plan of fewer than `FEWEST_PAIRS` seeds fixes nothing, because nothing is tested on so few;
    nor does a plan that names no seeds, such as that of imported curves.

    Args:
        view: an ablation's results.
        extended: keep the other seeds too.
    """
    planned = {
        (row.environment, row.variant): frozenset(seeds)
        for row in view.plan.itertuples()
        if len(seeds := json.loads(row.metadata).get("seeds", ())) >= FEWEST_PAIRS
    }

    runs = view.runs
    cells = zip(runs["environment"], runs["variant"], runs["seed"], strict=True)
    counted = np.array(
        [
            seed in planned.get((environment, variant), (seed,))
            for environment, variant, seed in cells
        ]
    )
    if counted.all():
        return view, ()
    extra_ranges = seed_ranges(map(int, runs["seed"][~counted]))
    planned_ranges = seed_ranges(seed for seeds in planned.values() for seed in seeds)
    reason = (
        "testing again at a larger n claims differences where there are none more often than p "
        "says (11% instead of 5%, looking at every n from 10 to 16)"
    )
    if extended:
        label = (
            f"Extended n: seeds {extra_ranges} are beyond the plan's {planned_ranges}, and "
            f"counted; {reason}."
        )
        return view, (label,)
    extra_runs = pd.MultiIndex.from_frame(runs.loc[~counted, _RUN])
    frames = {
        name: frame[~pd.MultiIndex.from_frame(frame[_RUN]).isin(extra_runs)].reset_index(drop=True)
        for name, frame in (("episodes", view.episodes), ("updates", view.updates))
    }
    frames["runs"] = runs[counted].reset_index(drop=True)
    note = (
        f"Seeds {extra_ranges} are beyond the plan's {planned_ranges} and not counted, because "
        f"{reason}."
    )
    return replace(view, **frames), (note,)
