"""Environments in which the seeds of one variant end in separate modes, and what that means.

A claim says that two distributions differ. Where one seed in ten of a variant ends in a mode that
lifts its mean, ten seeds miss it in 0.9¹⁰ = 35% of cases, and then two equal means are claimed to
differ, with nothing in the data that could warn. So the warning comes from modes that other runs on
the environment have shown. `modes.csv` holds these; it was made by

    python -m bench.evidence.measures.modes [RESULTS]

from the cells with ten seeds or more of a results folder, each description once and without the
policies that don't learn: the p-values of `clusters.clusters_p` are combined by environment and
budget (Fisher), Holm-adjusted over these, and of those up to 0.05 the clearest cell is written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from bench.evidence.measures.cells import rows_by_cell
from bench.evidence.measures.normalised import UNTRAINED
from bench.evidence.measures.scores import score_runs
from bench.evidence.statistics.claimable import ALPHA, FEWEST_PAIRS
from bench.evidence.statistics.clusters import best_split, clusters_p
from bench.evidence.statistics.significance import holm
from bench.store import PUBLISHED, Store, load

MODES: Final = Path(__file__).with_name("modes.csv")


class Modes(NamedTuple):
    """The two groups into which the scores of one variant's seeds fall [return]."""

    environment: str
    budget: int  # [environment steps]
    ablation: str
    variant: str
    seeds: int
    lower: int  # seeds in the lower group
    lower_from: float
    lower_to: float
    upper_from: float
    upper_to: float

    @property
    def sentence(self) -> str:
        """How many seeds ended in each group, in words."""
        upper = self.seeds - self.lower
        return (
            f"{self.lower} of {self.seeds} seeds of {self.ablation}, {self.variant}, ended at "
            f"{_range(self.lower_from, self.lower_to)}, {upper} at "
            f"{_range(self.upper_from, self.upper_to)} after {self.budget:,} steps"
        )


@cache
def known_modes() -> tuple[Modes, ...]:
    """The rows of `modes.csv`, by environment."""
    return tuple(map(Modes._make, pd.read_csv(MODES).itertuples(index=False)))


def mode_warnings(*environments: str, budget: float) -> list[str]:
    """A sentence that warns readers of claims on these environments; none without known modes.

    Args:
        budget: of the runs [environment steps]. Modes seen in training more than five times as
            long are left out: shorter runs don't reach them.
    """
    rows = [
        row for row in known_modes() if row.environment in environments and row.budget <= 5 * budget
    ]
    if not rows:
        return []
    environments_text = ", ".join(dict.fromkeys(row.environment for row in rows))
    modes_text = "; ".join(
        f"{row.environment}: {row.sentence}" if len(environments) > 1 else row.sentence
        for row in rows
    )
    return [
        f"On {environments_text} seeds are known to end in separate modes ({modes_text}). A claim "
        "says that distributions differ: where the seeds here missed a rare mode, means that are "
        "equal can be claimed to differ (34% of simulated cases with a mode of one seed in ten)."
    ]


def find_modes(results: Path) -> Iterator[Modes]:
    """Yield the rows of `modes.csv` from a results folder.

    Args:
        results: the folder of a store.
    """
    groups: dict[tuple[str, int], list[tuple[float, Modes]]] = {}
    for p_value, cell in _cells(results):
        groups.setdefault((cell.environment, cell.budget), []).append((p_value, cell))
    ordered = [groups[group_key] for group_key in sorted(groups)]
    combined = [stats.combine_pvalues([p for p, _ in group]).pvalue for group in ordered]
    for cells, p_value in zip(ordered, holm(combined), strict=True):
        if p_value <= ALPHA:
            yield min(cells, key=lambda pair: pair[0])[1]


def _cells(results: Path) -> list[tuple[float, Modes]]:
    """For every description with enough seeds, the p-value of its best split, and that split."""
    splits: dict[str, tuple[float, Modes]] = {}
    ablations = set(Store(results, read_only=True).plans()["ablation"].to_pylist())
    for ablation in sorted(ablations - {UNTRAINED}):
        view = load(ablation, results)
        if view.runs.empty:
            continue
        scores = score_runs(view.runs, view.episodes, view.updates)
        descriptions = view.runs.drop_duplicates("run").set_index("run")["description"]
        for (environment, variant), cell in rows_by_cell(scores).items():
            values = np.sort(cell["score"].dropna().to_numpy(dtype=np.float64))
            description = str(descriptions[cell["run"].iloc[0]])
            if len(values) >= FEWEST_PAIRS and description not in splits:
                cell_key = (environment, int(cell["budget"].iloc[0]), ablation, variant)
                _, lower = best_split(values)
                ends = (float(f"{value:.4g}") for value in values[[0, lower - 1, lower, -1]])
                split = Modes._make((*cell_key, len(values), lower, *ends))
                splits[description] = clusters_p(values), split
    return list(splits.values())


def _range(low: float, high: float) -> str:
    ends = dict.fromkeys(f"{value:,g}".replace("-", "−") for value in (low, high))
    return " to ".join(ends)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PUBLISHED
    pd.DataFrame(find_modes(folder)).to_csv(MODES, index=False, lineterminator="\n")
