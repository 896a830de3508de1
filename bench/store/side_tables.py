"""Read and write tables that lie beside those of runs, as any number of files each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from bench.files import refused_as, written_whole
from bench.store import parquet


def write_rows(
    results: Path,
    table: str,
    name: str,
    schema: pa.Schema,
    rows: Sequence[Mapping[str, object]],
) -> Path:
    """Store rows as one file, whole or not at all, in place of an earlier one of its name.

    Raises:
        InputError: the folder cannot be written.
    """
    path = results / table / f"{name}.parquet"
    with refused_as(f"results folder {results} cannot be written"), written_whole(path) as part:
        parquet.write(parquet.from_rows(schema, rows), part)
    return path


def read_files(
    results: Path, table: str, schema: pa.Schema, names: Iterable[str] | None = None
) -> tuple[list[pd.DataFrame], list[str]]:
    """Return the frames of a table's files that have rows, and a line for each unusable file.

    Args:
        results: the folder.
        table: the table's name.
        schema: the schema of its files.
        names: names of files, of which missing ones are skipped; None: all files.
    """
    folder = results / table
    paths = (
        sorted(folder.glob("[!.]*"))
        if names is None
        else (path for path in (folder / f"{name}.parquet" for name in names) if path.exists())
    )
    frames, problems = [], []
    for path in paths:
        try:
            frame = parquet.read(path, schema).to_pandas()
        except parquet.UnreadableError as error:
            problems.append(f"{path} {error}; it is left out")
            continue
        if len(frame):
            frames.append(frame)
    return frames, problems
