"""Files that several processes share, and files that appear whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.errors import InputError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Within, this process alone holds the lock of this name; others wait for it.

    The system frees it when its process ends, however that ends.

    Raises:
        OSError: the file can't be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def refused_as(task: str) -> Iterator[None]:
    """Within, what the system refuses is one line to the user: the task, and why it can't be done.

    Raises:
        InputError: an OSError was raised within.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{task}: {error.strerror or error}") from error


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path to write to; what is there at the end appears as `path`, in place of what was.

    Missing folders are made. If something is raised within, `path` is as it was before.

    Raises:
        OSError: it can't be written.
    """
    if path.exists() and not path.is_file():  # a device or a pipe, which is written to as it is
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield part
        os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink()
