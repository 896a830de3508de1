"""Files that several processes share, and files that appear whole or not at all."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.errors import InputError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` within the block; other processes wait for it.

    The system frees the lock when its process ends, however that ends.

    Raises:
        OSError: the file can't be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def refused_as(task: str) -> Iterator[None]:
    """Turn an OSError in the block into one line for the user: the task, and why it failed.

    Raises:
        InputError: an OSError was raised within.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{task}: {error.strerror or error}") from error


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path to write to; at the end, the file written there replaces `path` at once.

    Missing folders are made. If the block raises, `path` is as it was before.

    Raises:
        OSError: `path` can't be written.
    """
    if path.exists() and not path.is_file():  # a device or a pipe, which is written to as it is
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}-{uuid.uuid4().hex}-{path.name}")
    try:
        yield part
        os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink()
