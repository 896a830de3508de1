"""The tables `throughput`, one file per session, and `device_throughput`, one per measurement.

They lie in a results folder beside the tables of runs.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from bench.errors import InputError
from bench.files import refused_as
from bench.store.schema import DEVICE_THROUGHPUT, THROUGHPUT
from bench.store.side_tables import read_files, write_rows


def write_session(results: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Store the rows of one session: at once and whole, or not at all.

    Raises:
        InputError: the folder cannot be written.
    """
    return write_rows(results, "throughput", str(rows[0]["session"]), THROUGHPUT, rows)


def write_device_row(results: Path, row: Mapping[str, object]) -> Path:
    """Store one measurement on a device, beside what was measured before.

    Raises:
        InputError: the folder cannot be written.
    """
    name = uuid.uuid4().hex[:16]
    return write_rows(results, "device_throughput", name, DEVICE_THROUGHPUT, [row])


def check_writable(results: Path) -> None:
    """Raise InputError if a session could not be stored, before anything is measured."""
    folder = results / "throughput"
    probe = folder / f".{os.getpid()}"
    with refused_as(f"results folder {results} cannot be written"):
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()


def read_latest(results: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of the newest session, and a line for each unusable file.

    Raises:
        InputError: the folder holds no session.
    """
    sessions, problems = read_files(results, "throughput", THROUGHPUT)
    if not sessions:
        raise InputError(
            f"no throughput has been measured in {results}; run: python -m bench throughput"
        )
    return max(sessions, key=lambda table: table["measured"].max()), problems


def read_device_rows(results: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the measurements on devices, oldest first, and a line for each unusable file.

    Of measurements with equal commit, device, kind, algorithm, environment and size, only the
    newest is returned.
    """
    frames, problems = read_files(results, "device_throughput", DEVICE_THROUGHPUT)
    table = pd.concat(frames) if frames else DEVICE_THROUGHPUT.empty_table().to_pandas()
    columns = ["commit", "device", "kind", "name", "environment", "seeds", "worlds"]
    newest = table.sort_values("measured").drop_duplicates(columns, keep="last")
    return newest.reset_index(drop=True), problems
