"""The anchors of normalised scores: 0 is the untrained policy, 1 the Experiment's PPO."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from bench.errors import InputError
from bench.evidence.measures.normalised import UNTRAINED, variant_means
from bench.evidence.measures.planned_seeds import on_planned_seeds
from bench.evidence.measures.scores import score_runs
from bench.store import PUBLISHED, load

EXPERIMENT = "experiment"
PPO = "clipped_ppo"
"""The ablation and its variant whose mean is the 1 of normalised scores."""


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """The returns that count as 0 and as 1 of normalised scores, and where they come from."""

    untrained_means: Mapping[str, float]  # the untrained policy's mean score, by environment
    ppo_means: Mapping[str, float]  # the mean score of the Experiment's PPO
    source: str
    runs: Mapping[str, Mapping[str, str]]  # by environment: variant -> ids of its runs
    ppo_budgets: tuple[int, ...] = ()  # of these runs of PPO, ascending [steps]
    untrained_scores: pd.DataFrame | None = None  # the frame of `scores.score_runs`


def anchors(
    untrained: pd.DataFrame | None, experiment: pd.DataFrame | None, source: str
) -> Anchors:
    """The mean scores of the untrained policy and of the Experiment's PPO, where there are any.

    Args:
        untrained: the frame of `scores.score_runs` for the ablation `untrained`.
        experiment: the same frame for the Experiment.
        source: the folder of these results.
    """
    runs: dict[str, dict[str, str]] = {}
    budgets: set[int] = set()
    for scores, variant in ((untrained, UNTRAINED), (experiment, PPO)):
        if scores is None:
            continue
        scored = scores[(scores["variant"] == variant) & scores["score"].notna()]
        for environment, cell in scored.groupby("environment", sort=False):
            runs.setdefault(str(environment), {})[variant] = run_ids(cell)
        if variant == PPO:
            budgets.update(map(int, scored["budget"]))
    return Anchors(
        untrained_means=variant_means(untrained, UNTRAINED),
        ppo_means=variant_means(experiment, PPO),
        source=source,
        runs=runs,
        ppo_budgets=tuple(sorted(budgets)),
        untrained_scores=untrained,
    )


def anchors_for(source: Path, path_text: Callable[[Path], str] = str) -> Anchors:
    """The anchors of a results folder that has the untrained policy, else the published ones.

    Where such a folder has no Experiment, PPO's are the published ones.

    Args:
        source: the folder.
        path_text: returns a path as text for the reader.
    """
    for folder in dict.fromkeys((source, PUBLISHED)):
        untrained = _scores(UNTRAINED, folder, None, _state(folder))
        if untrained is None:
            continue
        for ppo_folder in (folder, PUBLISHED):
            experiment = _scores(EXPERIMENT, ppo_folder, (PPO,), _state(ppo_folder))
            if experiment is not None:
                source_text = path_text(folder)
                if ppo_folder != folder:
                    source_text += f" (0) and {path_text(ppo_folder)} (1)"
                return anchors(untrained, experiment, source_text)
        return anchors(untrained, None, path_text(folder))
    return anchors(None, None, path_text(source))


def _state(store: Path) -> frozenset[tuple[str, int, int]]:
    """Return a value that changes with every change to a store's runs or plans."""
    files = set()
    for folder in filter(Path.is_dir, (store / "runs", store / "plans")):
        for file in os.scandir(folder):
            with suppress(FileNotFoundError):  # moved meanwhile by another process
                files.add((file.path, file.stat().st_mtime_ns, file.stat().st_size))
    return frozenset(files)


@lru_cache(maxsize=8)
def _scores(
    name: str,
    folder: Path,
    variants: tuple[str, ...] | None,
    state: frozenset[tuple[str, int, int]],
) -> pd.DataFrame | None:
    """The ablation's scores in this store on the seeds that count, of these variants or of all.

    Args:
        state: the store's `_state`: they are computed anew when it has changed.
    """
    with suppress(InputError):  # no such folder, or no plan of it
        view, _ = on_planned_seeds(load(name, folder, variants=variants))
        if not view.runs.empty:
            return score_runs(view.runs, view.episodes, view.updates)
    return None


def run_ids(runs: pd.DataFrame) -> str:
    """Every run as "seed: id", with its status if it did not finish."""
    unique_runs = runs.drop_duplicates("run").sort_values("seed")
    return "  ".join(
        f"{row.seed}:\u00a0{row.run}" + ("" if row.status == "finished" else f" ({row.status})")
        for row in unique_runs.itertuples()
    )
