"""Make a study's journal readable again if lines of it are torn.

Optuna writes one operation per line and reads none after a torn line, as a full disk or a power cut
leaves it; whatever is appended later even continues such a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from optuna.storages.journal import JournalFileSymlinkLock

from bench.errors import InputError

_CREATE_STUDY: Final = 0
_CREATE_TRIAL: Final = 4
_BEGINNING: Final = b'{"op_code":'
"""Beginning of every line."""
_TRIAL: Final = b'{"op_code":4,"worker_id":"","study_id":0,"datetime_start":null}'
"""A line that creates a trial of which nothing is known."""


def mend(path: Path) -> str | None:
    """Blank out torn lines, and return a remark on them.

    The blanks become part of the next line: all other lines stay where they are, as another process
    may be reading. Trials are numbered by the lines that create them; so if later lines refer to a
    trial that is missing, the torn line is replaced by one that creates it.

    Args:
        path: the journal; if there is no such file, nothing is done.

    Returns:
        One line about what was left out, or that the journal is empty; None if all is well.

    Raises:
        InputError: the file is no journal, or what is left doesn't define the study or its trials.
        OSError: the file can't be read or written.
    """
    if not path.exists():
        return None
    if not _read(path.read_bytes()).torn:
        return None if path.stat().st_size else f"{path} is empty, so the study begins anew"
    # A torn line may be one that another process is just writing.
    with _locked(path), path.open("r+b") as file:
        journal = _read(content := file.read())
        if journal.operations == 0 and not content.startswith(_BEGINNING):
            raise InputError(f"{path} is no journal of a study: move it away")
        mended = bytearray(content)
        for torn in journal.torn:
            mended[torn.begin : torn.end] = torn.replacement.ljust(torn.end - torn.begin)
        mended = mended.rstrip(b" ")
        file.seek(0)
        file.write(mended)
        file.truncate()
    if not journal.torn:
        return None
    lines = ", ".join(str(torn.line) for torn in journal.torn)
    return f"{path} is torn: left out what can't be read of line{'s' * (',' in lines)} {lines}"


@dataclass(kw_only=True)
class _Torn:
    """A part of the journal that can't be read, and the bytes to put there instead."""

    line: int
    begin: int
    end: int
    replacement: bytes = b""


@dataclass(kw_only=True)
class _Journal:
    """The state of a journal: its number of readable lines, and its torn parts."""

    operations: int = 0
    torn: list[_Torn] = field(default_factory=list)


def _read(content: bytes) -> _Journal:
    journal, begin, has_study, trials = _Journal(), 0, False, 0
    for number, line in enumerate(BytesIO(content), 1):
        operation, unread = _operation(line)
        if unread:
            journal.torn.append(_Torn(line=number, begin=begin, end=begin + unread))
        begin += len(line)
        if operation is None:
            continue
        journal.operations += 1
        kind, trial = operation["op_code"], operation.get("trial_id", -1)
        has_study |= kind == _CREATE_STUDY
        trials += kind == _CREATE_TRIAL
        if journal.torn:
            last = journal.torn[-1]
            if trial == trials and not last.replacement and last.end - last.begin > len(_TRIAL):
                last.replacement, trials = _TRIAL + b"\n", trials + 1
            if not has_study or trial >= trials:
                raise InputError(
                    f"line {last.line} of the study's journal is torn, and without it the lines "
                    "behind it can't be understood: move the journal away to begin anew; runs that "
                    "are stored are not trained again"
                )
    return journal


def _operation(line: bytes) -> tuple[dict[str, Any] | None, int]:
    """Return the operation that a line ends with, or None, and how many bytes to leave out."""
    # An operation that was appended to a torn line is whole.
    begin = max(line.rfind(_BEGINNING), 0)
    prefix = line[:begin]
    try:
        operation = json.loads(line[begin:])
        if line.endswith(b"\n") and "worker_id" in operation:
            return operation, len(prefix) if prefix.strip() else 0
    except (ValueError, TypeError):  # TypeError: JSON, but no object
        pass
    return None, len(line)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the journal's lock, so that no other process appends within the block."""
    lock = JournalFileSymlinkLock(str(path))
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
