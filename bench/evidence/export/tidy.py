"""Tidy tables as CSV files: one row per observation, one column per variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from bench.evidence.export.spreadsheets import cell
from bench.evidence.tables import Table
from bench.files import refused_as, written_whole
from bench.kinds import EPISODES, kind_of
from bench.store import View

_PLACE: Final = ["environment", "variant", "seed", "run"]
_ORDER: Final = ["environment_order", "variant_order", "seed"]


def tidy_tables(
    tables: Sequence[Table], scores: pd.DataFrame, view: View
) -> dict[str, pd.DataFrame]:
    """The tables of an ablation by name, each in the order of the page.

    Args:
        tables: the tables of `tables.make_tables`.
        scores: the frame of `scores.score_runs`, rows of runs with a result only.
        view: the store's view of the ablation.

    Returns:
        `statistics`, one row per variant and environment, as in `tables.Table.frame`; `scores`, one
        row per run with a result, as in `scores.score_runs`; `episodes` and `updates`, whose
        columns and units are the store's, with environment, variant and seed in front and without
        empty columns. A column `kind` names the kind of episodes other than training episodes.
    """
    # Not by the scores: a seed beyond the plan has episodes but no score.
    kinds = view.runs.drop_duplicates("run").set_index("run")["evaluation"].map(kind_of)
    other_kinds = kinds[kinds != EPISODES]
    episodes = view.episodes.assign(kind=view.episodes["run"].map(other_kinds))
    return {
        "statistics": pd.concat([table.frame() for table in tables]),
        "scores": _tidy(scores, _ORDER),
        "episodes": _tidy(episodes.drop(columns="budget"), [*_ORDER, "step"]),
        "updates": _tidy(view.updates.drop(columns="budget"), [*_ORDER, "step"]),
    }


def write_csv(tables: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write one NAME.csv per table, in UTF-8; each file appears whole. No text runs as a formula.

    Raises:
        InputError: a file can't be written.
    """
    paths = []
    with refused_as(f"cannot write into {str(folder)!r}"):
        for name, table in tables.items():
            path = folder / f"{name}.csv"
            with written_whole(path) as part:
                _guarded(table).to_csv(part, index=False, lineterminator="\n")
            paths.append(path)
    return paths


def _tidy(frame: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    ordered = frame.sort_values([name for name in order if name in frame], kind="stable")
    variables = [name for name in frame if name not in (*_PLACE, *_ORDER)]
    return ordered[[*_PLACE, *variables]].dropna(axis="columns", how="all")


def _guarded(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its texts as `cell` writes them."""
    changed = {}
    for name, column in table.items():
        if not pd.api.types.is_numeric_dtype(column):
            texts = [text for text in column.unique() if isinstance(text, str)]
            formulas = {text: cell(text) for text in texts if cell(text) != text}
            changed[str(name)] = column.astype(object).replace(formulas) if formulas else column
    return table.assign(**changed)
