"""Files that a verb writes beside what it prints."""

from __future__ import annotations

from pathlib import Path

from bench.errors import InputError
from bench.files import refused_as, whole


def check_ending(path: Path | None, allowed: tuple[str, ...], what: str) -> None:
    """Raise InputError where a file that is asked for has another ending than those."""
    if path is not None and path.suffix.lower() not in allowed:
        raise InputError(
            f"cannot write {what} as {str(path)!r}: its name must end in {' or '.join(allowed)}"
        )


def write_text(text: str, path: Path, what: str = "") -> None:
    """Write a text in UTF-8; see `write_bytes`."""
    write_bytes(text.encode(), path, what)


def write_bytes(content: bytes, path: Path, what: str = "") -> None:
    """Write a file, whole or not at all; missing folders are made.

    Args:
        content: of the file.
        path: the file.
        what: it is, for the error, for example "the tables".

    Raises:
        InputError: it can't be written.
    """
    named = " ".join(filter(None, ("cannot write", what, repr(str(path)))))
    with refused_as(named), whole(path) as part:
        part.write_bytes(content)
