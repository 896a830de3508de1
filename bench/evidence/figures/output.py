"""Writing a figure: the format by the file's ending, and equal bytes from equal inputs."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO, Final

from matplotlib.figure import Figure

from bench.errors import InputError
from bench.evidence.figures.style import drawing
from bench.files import refused_as, written_whole
from bench.visible import visible

ENDINGS: Final = (".png", ".pdf", ".svg")
"""File endings of the formats that a figure can be written in."""

_DOTS_PER_INCH: Final = 200


def check_output(path: str | os.PathLike[str]) -> Path:
    """Refuse a figure's file name before anything is computed.

    Raises:
        InputError: its ending is none of `ENDINGS`.
    """
    checked = Path(path)
    if checked.suffix.lower() not in ENDINGS:
        raise InputError(
            f"cannot write a figure as {str(path)!r}: its name must end in one of "
            f"{', '.join(ENDINGS)}"
        )
    return checked


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG, PDF or SVG by the ending of `path`; missing folders are made.

    The file carries no date: equal inputs and versions give equal bytes. It appears
    under its name at once and whole.

    Raises:
        InputError: the ending is not known, or the file cannot be written.
    """
    checked = check_output(path)
    with refused_as(f"cannot write the figure {str(path)!r}"), written_whole(checked) as part:
        draw(figure, part, checked.suffix.lower())
    return checked


def svg(figure: Figure) -> bytes:
    """The figure as SVG; equal figures give equal bytes."""
    target = io.BytesIO()
    draw(figure, target, ".svg")
    return target.getvalue()


def draw(figure: Figure, target: Path | BinaryIO, ending: str) -> None:
    """Write a figure in the format of one of `ENDINGS`; an existing file is replaced.

    Raises:
        OSError: the file can't be written.
    """
    # The names of its parts become attributes of SVG: XML has no way to write a control character.
    for part in figure.findobj(lambda artist: bool(artist.get_gid())):
        part.set_gid(visible(str(part.get_gid())))
    with drawing():
        metadata = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(ending, {})
        figure.savefig(target, format=ending[1:], dpi=_DOTS_PER_INCH, metadata=metadata)
