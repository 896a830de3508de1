"""What trained policies earned in new episodes: one file per run, replaced when it plays again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.errors import InputError, unknown
from bench.kinds import ACTIONS
from bench.kinds import EVALUATIONS as KIND
from bench.store.load import View
from bench.store.schema import EVALUATIONS
from bench.store.side_tables import read_files, write_rows


def write_evaluation(results: Path, run: str, rows: Sequence[Mapping[str, object]]) -> Path:
    """Store the episodes of a run's policy, in place of earlier ones.

    Raises:
        InputError: the folder cannot be written.
    """
    return write_rows(results, "evaluations", run, EVALUATIONS, rows)


def read_evaluations(results: Path, runs: Iterable[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the episodes of these runs' policies, and a line for each unusable file."""
    frames, problems = read_files(results, "evaluations", EVALUATIONS, dict.fromkeys(runs))
    return pd.concat(frames) if frames else EVALUATIONS.empty_table().to_pandas(), problems


def evaluation_view(view: View, actions: str) -> View:
    """Return a view with the episodes of `bench evaluate` in place of those of training.

    A run's episodes all stand at the end of its budget, so its score is their mean. Runs that have
    not been evaluated are left out; so are the updates, which belong to training.

    Args:
        view: an ablation's results.
        actions: one of `kinds.ACTIONS`.

    Raises:
        InputError: no run of the view was evaluated with these actions, or they are unknown.
    """
    if actions not in ACTIONS:
        raise unknown("way to choose actions", actions, ACTIONS)
    evaluations, problems = read_evaluations(view.source, view.runs["run"])
    evaluations = evaluations[evaluations["actions"] == actions]
    runs = view.runs[view.runs["run"].isin(evaluations["run"])]
    if runs.empty:
        raise InputError(
            f"no policy of {view.plan['ablation'].iloc[0]} has been evaluated with {actions} "
            "actions: python -m bench evaluate --ablation NAME"
        )
    runs = runs.assign(evaluation=f"{KIND}: {actions} actions, raw rewards")
    columns = view.episodes.columns.difference(["step", "return", "length", "seconds"])
    run_columns = runs[[name for name in columns if name in runs]]
    episodes = evaluations[["run", "return", "length"]].merge(run_columns, on="run")
    episodes = episodes.assign(step=episodes["budget"], seconds=np.nan)
    return replace(
        view,
        runs=runs,
        episodes=episodes[list(view.episodes.columns)],
        updates=view.updates.iloc[:0],
        problems=(*view.problems, *problems),
    )
