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
    runs: Mapping[str, Mapping[str, str]]  # by environment: variant -> ids of its runs
    sources: Mapping[str, Mapping[str, str]]  # likewise, the folder of these runs
    ppo_budgets: Mapping[str, int]  # largest budget of these runs of PPO [steps], by environment
    untrained_scores: pd.DataFrame | None = None  # the frame of `scores.score_runs`


def anchors(untrained: pd.DataFrame | None, experiment: pd.DataFrame | None) -> Anchors:
    """The mean scores of the untrained policy and of the Experiment's PPO, where there are any.

    Args:
        untrained: the frame of `scores.score_runs` for the ablation `untrained`.
        experiment: the same frame for the Experiment. A column `source` says in which folder the
            runs are.
    """
    runs: dict[str, dict[str, str]] = {}
    sources: dict[str, dict[str, str]] = {}
    budgets: dict[str, int] = {}
    for scores, variant in ((untrained, UNTRAINED), (experiment, PPO)):
        if scores is None:
            continue
        scored = scores[(scores["variant"] == variant) & scores["score"].notna()]
        for name, cell in scored.groupby("environment", sort=False):
            environment = str(name)
            runs.setdefault(environment, {})[variant] = run_ids(cell)
            if "source" in cell:
                sources.setdefault(environment, {})[variant] = str(cell["source"].iloc[0])
            if variant == PPO:
                budgets[environment] = int(cell["budget"].max())
    return Anchors(
        untrained_means=variant_means(untrained, UNTRAINED),
        ppo_means=variant_means(experiment, PPO),
        runs=runs,
        sources=sources,
        ppo_budgets=budgets,
        untrained_scores=untrained,
    )


def anchors_for(source: Path, path_text: Callable[[Path], str] = str) -> Anchors:
    """The anchors of a results folder that has the untrained policy, else the published ones.

    What such a folder lacks on an environment is taken from the published ones, unless another back
    end stepped those.

    Args:
        source: the folder.
        path_text: returns a path as text for the reader.
    """
    own_untrained = _scores_from(source, UNTRAINED, path_text)
    own = None if own_untrained is None else _scores_from(source, EXPERIMENT, path_text)
    untrained = _filled(own_untrained, _scores_from(PUBLISHED, UNTRAINED, path_text))
    experiment = _filled(own, _scores_from(PUBLISHED, EXPERIMENT, path_text))
    if untrained is not None and experiment is not None:
        zeros, ones = _back_ends(untrained), _back_ends(experiment)
        unlike = [name for name in ones if zeros.get(name, ones[name]) != ones[name]]
        experiment = experiment[~experiment["environment"].isin(unlike)]
    return anchors(untrained, experiment)


def _filled(own: pd.DataFrame | None, published: pd.DataFrame | None) -> pd.DataFrame | None:
    """One's own scores, and the published ones of environments on which there are none."""
    if own is None or published is None:
        return published if own is None else own
    scored = own.loc[own["score"].notna(), "environment"]
    return pd.concat([own, published[~published["environment"].isin(scored)]])


def _back_ends(scores: pd.DataFrame) -> dict[str, set[str]]:
    """Environment -> the back ends that stepped it."""
    return {str(name): set(rows) for name, rows in scores.groupby("environment")["back_end"]}


def _scores_from(folder: Path, name: str, path_text: Callable[[Path], str]) -> pd.DataFrame | None:
    variants = (PPO,) if name == EXPERIMENT else None
    scores = _scores(name, folder, variants, _state(folder))
    return None if scores is None else scores.assign(source=path_text(folder))


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
