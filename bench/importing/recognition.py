"""Recognise the format of a file by its content, whether the file or its folder is named."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Final

from bench.errors import InputError
from bench.importing.choice import Choice
from bench.importing.column_tables import has_curve, separator_of
from bench.importing.event_files import is_event_file
from bench.importing.monitor import ENVIRONMENTS, MARK
from bench.importing.producers import is_evaluation
from bench.importing.quoting import listed
from bench.importing.tables import SEPARATORS, header, read_lines_of_json

BEGINNING: Final = 2**20
"""Number of bytes that are looked at: a line of RLlib's result.json holds all settings."""

_LOGS: Final = ("progress.csv", "result.json", "progress.json", "progress.txt")
"""Tables that programs write beside others, with the same numbers; the first one is enough."""


class Format(IntEnum):
    """A kind of file; of several in a folder, the lowest number stands for the run."""

    ENVIRONMENT = 0  # monitor file of one of a run's environments
    MONITOR = 1
    LOG = 2
    EVENTS = 3
    TABLE = 4
    EVALUATIONS = 5
    EVALUATION_MONITOR = 6

    @property
    def is_monitor(self) -> bool:
        """Whether files of this format are monitor files."""
        return self in (Format.ENVIRONMENT, Format.MONITOR, Format.EVALUATION_MONITOR)


def find_format(path: Path, choice: Choice) -> Format | None:
    """Return the format of a file; None if it can't be read.

    Args:
        path: an existing file.
        choice: the columns that it names let a file count as a table.

    Raises:
        OSError: the file can't be opened.
    """
    beginning = _beginning(path)
    if ENVIRONMENTS.fullmatch(path.name) and not beginning.strip():
        return Format.ENVIRONMENT  # an empty one, in which no episode ended
    if is_event_file(beginning):
        return Format.EVENTS
    if beginning.startswith(b"PK\x03\x04"):
        return Format.EVALUATIONS
    first_line = _first_line(beginning)
    if MARK.match(first_line):
        return _monitor(path)
    if first_line.startswith("{"):
        return _of_json(path, first_line, choice)
    return None if separator_of(first_line, choice) is None else _table(path)


def is_usual(name: str) -> bool:
    """Whether programs give this name to a file with the curve of a training."""
    usual = name in _LOGS or name.startswith(("monitor.", "events.out.tfevents"))
    return usual or ENVIRONMENTS.fullmatch(name) is not None


def unknown_format_text(path: Path) -> str:
    """Return a clause that describes a file of an unknown format."""
    beginning = _beginning(path)
    if not beginning:
        return "is empty"
    first_line = _first_line(beginning)
    columns = max((header(first_line, separator) for separator in SEPARATORS), key=len)
    if len(columns) < 2 or not first_line.isprintable() or "\ufffd" in first_line:
        return "is of no known format"
    return f"is of no known format; its columns are {listed(columns)}"


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BEGINNING)


def _first_line(beginning: bytes) -> str:
    text = beginning.decode("utf-8-sig", errors="replace")
    return text.replace("\r", "\n").lstrip("\n").partition("\n")[0]


def _monitor(path: Path) -> Format:
    if ENVIRONMENTS.fullmatch(path.name):
        return Format.ENVIRONMENT
    return Format.EVALUATION_MONITOR if is_evaluation(path.name) else Format.MONITOR


def _table(path: Path) -> Format:
    return Format.LOG if path.name in _LOGS else Format.TABLE


def _of_json(path: Path, first_line: str, choice: Choice) -> Format | None:
    try:
        table = read_lines_of_json(first_line, path.name)
    except InputError:
        return None
    if table.find("t_start") is not None:
        return _monitor(path)
    return _table(path) if has_curve(table, choice) else None


def sort_key(path: Path, format_: Format) -> tuple[int, int]:
    """Return a key that sorts the files of a folder, those that stand for the run first."""
    return format_, _LOGS.index(path.name) if format_ is Format.LOG else 0
