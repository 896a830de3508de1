"""Frames of runs as an ablation's results, whose plan asks for what is there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.evidence.results import Results
from bench.store import View

QUESTION = "Does subtracting a baseline make learning faster, and by how much on each task?"
_PLACE = ["variant", "variant_title", "variant_order", "environment", "environment_order", "budget"]
_UPDATES = ["run", "variant", "environment", "seed", "update", "step", "seconds", "reference_kl"]


def results_of(
    runs: pd.DataFrame,
    episodes: pd.DataFrame,
    updates: pd.DataFrame | None = None,
    *,
    control: str | None = None,
    mechanism: Sequence[str] = (),
    source: str = "results/local",
    **columns: Any,
) -> Results:
    """Results of these runs; `columns` go into the plan; the first variant is the control."""
    plan = runs.drop_duplicates(["environment", "variant"])[_PLACE].assign(
        ablation="made",
        title="Made",
        question=QUESTION,
        control=control or (runs["variant"].iloc[0] if len(runs) else ""),
        compared_with=None,
        metadata=json.dumps({"mechanism": list(mechanism)}),
    )
    view = View(
        source=Path(source),
        plan=plan.assign(**columns),
        runs=runs,
        episodes=episodes,
        updates=pd.DataFrame(columns=_UPDATES) if updates is None else updates,
        problems=(),
    )
    return Results(view=view, source=source)
