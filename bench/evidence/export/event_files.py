"""TensorBoard's event files: one folder per run, ENVIRONMENT/VARIANT/seed_N."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from bench.file_names import file_name
from bench.files import refused_as, written_whole
from bench.store.schema import SCHEMAS

_NAME: Final = "events.out.tfevents.0"
_DIAGNOSTICS: Final = tuple(
    name for name in SCHEMAS["updates"].names if name not in ("run", "update", "step", "seconds")
)


def write_event_files(
    runs: pd.DataFrame, episodes: pd.DataFrame, updates: pd.DataFrame, folder: Path
) -> list[Path]:
    """Write `episode/return` and `episode/length` of every episode and `update/…` of every update.

    The step is the environment steps of the seed, the wall time that of its training. Numbers that
    are missing are left out; infinite ones are written as they are. A run's file is replaced
    whole when it is written again.

    Args:
        runs: the rows of the store's view with a result; episodes, updates: those of the view.
        folder: the log directory for TensorBoard; created if it is missing.

    Returns:
        The runs' folders, in the order of the page.

    Raises:
        InputError: a file can't be written.
    """
    rows_by_run = {
        name: dict(tuple(frame.groupby(["variant", "run"], observed=True)))
        for name, frame in (("episodes", episodes), ("updates", updates))
    }
    folders = []
    with refused_as(f"cannot write into {str(folder)!r}"):
        for run in runs.itertuples():
            run_folder = (
                folder / file_name(run.environment) / file_name(run.variant) / f"seed_{run.seed}"
            )
            start = run.started.timestamp()
            key = (run.variant, run.run)
            with written_whole(run_folder / _NAME) as part, part.open("wb") as file:
                writer = RecordWriter(file)
                for event in (
                    Event(wall_time=start, file_version="brain.Event:2"),
                    *_events(
                        rows_by_run["episodes"].get(key), "episode", ("return", "length"), start
                    ),
                    *_events(rows_by_run["updates"].get(key), "update", _DIAGNOSTICS, start),
                ):
                    writer.write(event.SerializeToString())
            folders.append(run_folder)
    return folders


def _events(
    rows: pd.DataFrame | None, prefix: str, names: tuple[str, ...], start: float
) -> Iterator[Any]:
    if rows is None:
        return
    columns = [(f"{prefix}/{name}", rows[name].to_numpy(dtype=float)) for name in names]
    columns = [(tag, values) for tag, values in columns if not all(map(math.isnan, values))]
    steps = rows["step"].to_numpy()
    seconds = rows["seconds"].fillna(0).to_numpy(dtype=float)  # unknown for imported curves
    for index in range(len(rows)):
        values = [
            Summary.Value(tag=tag, simple_value=column[index])
            for tag, column in columns
            if not math.isnan(column[index])
        ]
        yield Event(
            wall_time=start + seconds[index], step=int(steps[index]), summary=Summary(value=values)
        )
