"""The table `throughput` of a results folder: a file a session, beside the tables of runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from bench.errors import InputError
from bench.store import parquet
from bench.store.schema import THROUGHPUT


def write_session(results: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Store the rows of one session: at once and whole, or not at all.

    Raises:
        InputError: the folder cannot be written.
    """
    folder = results / "throughput"
    path = folder / f"{rows[0]['session']}.parquet"
    # The dot keeps readers of the folder from a file that is not whole yet.
    temporary = path.with_name(f".{path.name}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        parquet.write(parquet.from_rows(THROUGHPUT, rows), temporary)
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"results folder {results} cannot be written: {reason}") from error
    return path


def check_writable(results: Path) -> None:
    """Raise InputError where a session could not be stored, before anything is measured."""
    folder = results / "throughput"
    probe = folder / f".{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"results folder {results} cannot be written: {reason}") from error


def read_latest(results: Path) -> tuple[pd.DataFrame, list[str]]:
    """The rows of the newest session, and a line for each file that could not be used.

    Raises:
        InputError: the folder holds no session.
    """
    problems, sessions = [], []
    for path in sorted((results / "throughput").glob("[!.]*")):
        try:
            table = parquet.read(path, THROUGHPUT).to_pandas()
        except parquet.UnreadableError as error:
            problems.append(f"{path} {error}; it is left out")
            continue
        if len(table):
            sessions.append(table)
    if not sessions:
        raise InputError(
            f"no throughput has been measured in {results}; run: python -m bench throughput"
        )
    return max(sessions, key=lambda table: table["measured"].max()), problems
