"""What trained policies earned in new episodes: one file per run, replaced when it plays again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.errors import InputError
from bench.formatting import command_line, count
from bench.kinds import EVALUATIONS as KIND
from bench.store.load import View
from bench.store.schema import EVALUATIONS
from bench.store.side_tables import read_files, write_rows
from bench.store.store import Store


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

    A run's episodes all stand at the end of its budget, so its score is their mean. Runs whose
    present policy has not been evaluated are left out; so are the updates, which belong to
    training. `problems` says which policies of an environment played other episodes than others.

    Args:
        view: an ablation's results.
        actions: one of `kinds.ACTIONS`.

    Raises:
        InputError: no run of the view was evaluated with these actions.
    """
    evaluations, problems = read_evaluations(view.source, view.runs["run"])
    evaluations = evaluations[evaluations["actions"] == actions]
    trained = evaluations["run"].map(view.runs.drop_duplicates("run").set_index("run")["started"])
    earlier = evaluations["trained"].notna() & (evaluations["trained"] != trained)
    if earlier.any():
        number = evaluations["run"][earlier].nunique()
        problems.append(
            f"{count(number, 'run')} left out: trained again since the evaluation, so it is of an "
            "earlier policy"
        )
    evaluations = evaluations[~earlier]
    runs = view.runs[view.runs["run"].isin(evaluations["run"])]
    if runs.empty:
        raise InputError("; ".join([_how_to_evaluate(view, actions), *problems]))
    problems += _mixed(evaluations, runs)
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


def _how_to_evaluate(view: View, actions: str) -> str:
    """Say that there are no evaluations of a view, and by which commands there will be."""
    name, folder = view.plan["ablation"].iloc[0], str(view.source)
    evaluate = command_line("evaluate", "--ablation", name)
    missing = f"no policy of {name} has been evaluated with {actions} actions"
    if Store(folder).read_only:
        return (
            f"{missing}, and {folder} is only read. Merge it into a folder of your own: "
            f"{command_line('merge', folder)}; then: {evaluate}"
        )
    return f"{missing}: {command_line('evaluate', '--ablation', name, results=view.source)}"


def _mixed(evaluations: pd.DataFrame, runs: pd.DataFrame) -> Iterator[str]:
    """Yield a line for each environment of which policies have played different episodes."""
    played = evaluations.groupby("run").agg(
        seed=("seed", "first"), limit=("time_limit", "first"), episodes=("episode", "size")
    )
    played = played.join(runs.drop_duplicates("run").set_index("run")["environment"])
    for environment, in_it in played.groupby("environment", sort=False):
        numbers = in_it.groupby(["episodes", "seed", "limit"], dropna=False).size()
        if len(numbers) > 1:
            texts = [
                f"{count(episodes, 'episode')} of seed {seed}"
                + ("" if np.isnan(limit) else f", cut off after {count(int(limit), 'step')}")
                + f" ({count(number, 'run')})"
                for (episodes, seed, limit), number in numbers.items()
            ]
            yield f"{environment} compares evaluations under different conditions: " + "; ".join(
                texts
            )
