"""Files that a verb writes beside what it prints."""

from __future__ import annotations

from pathlib import Path

from bench.errors import InputError
from bench.files import refused_as, written_whole


def check_ending(path: Path | None, allowed: tuple[str, ...], label: str) -> None:
    """Raise InputError if a requested file has none of the allowed endings."""
    if path is not None and path.suffix.lower() not in allowed:
        raise InputError(
            f"cannot write {label} as {str(path)!r}: its name must end in {' or '.join(allowed)}"
        )


def folder_for_files(results: Path | None) -> Path:
    """Return the folder for files about these results: theirs, or yours if they are only read."""
    from bench.store import Store, results_folder

    return results_folder() if results is None or Store(results).read_only else results


def write_text(text: str, path: Path, label: str = "") -> None:
    """Write a text in UTF-8; see `write_bytes`."""
    write_bytes(text.encode(), path, label)


def write_bytes(content: bytes, path: Path, label: str = "") -> None:
    """Write a file, whole or not at all; missing folders are made.

    Args:
        content: the file's content.
        path: the file.
        label: its name in the error message, for example "the tables".

    Raises:
        InputError: the file can't be written.
    """
    task = " ".join(filter(None, ("cannot write", label, repr(str(path)))))
    with refused_as(task), written_whole(path) as part:
        part.write_bytes(content)
