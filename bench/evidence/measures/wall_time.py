"""Which runs' wall times can be compared: only those of one and the same machine."""

from __future__ import annotations

import json

import pandas as pd

from bench.evidence.machine import machine_text
from bench.store.schema import IMPORTED


def one_machine(runs: pd.DataFrame) -> pd.Series:
    """Whether each run's seconds are known and of the machine that made most of the runs.

    Where an imported curve was made is not known; each imported variant is a machine of its own.

    Args:
        runs: a frame with the columns of the table `runs`, and variant.
    """
    machines = _machines(runs)
    timed = runs["seconds"].notna()
    machine_counts = machines[timed].value_counts(sort=False)
    return timed & (machines == (machine_counts.idxmax() if len(machine_counts) else ""))


def other_machines(runs: pd.DataFrame) -> list[str]:
    """A sentence on the runs whose seconds are left out because another machine made them.

    Args:
        runs: as in `one_machine`.
    """
    machines, compared = _machines(runs), one_machine(runs)
    left_out = runs[~compared & runs["seconds"].notna()]
    if left_out.empty:
        return []
    groups = left_out.groupby(
        ["variant_title", machines[left_out.index]], sort=False, observed=True
    )
    counts = (
        f"{title} ({len(group)} run{'' if len(group) == 1 else 's'}, {machine})"
        for (title, machine), group in groups
    )
    return [
        f"Seconds are compared on one machine only, {machines[compared].iloc[0]}. Left out: "
        f"{', '.join(counts)}."
    ]


def _machines(runs: pd.DataFrame) -> pd.Series:
    """Each run's machine in words."""
    unnamed = "a processor without a name"
    texts = {text: machine_text(json.loads(text), unnamed) for text in runs["machine"].unique()}
    machine_names = runs["machine"].astype(object).map(texts)
    return machine_names.where(
        runs["back_end"] != IMPORTED, "imported: " + runs["variant"].astype(str)
    )
