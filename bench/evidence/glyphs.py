"""Which characters the fonts of figures and documents have; the others are written as U+XXXX.

The document compiler silently drops a character that no font has, and a figure shows a box.
Texts come from users (titles, names, questions), so each is passed through here first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import matplotlib
from fontTools.ttLib import TTFont

_FOLDER: Final = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
_STYLES: Final = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
"""The figures' fonts, which text falls back to; slanted text falls back to them in its turn."""

_SPACES: Final = " \n\u00a0\u200b"


@contextmanager
def fonts() -> Iterator[Path]:
    """A folder with the DejaVu Sans fonts alone.

    matplotlib's own folder also has a font with a box for every character, which would be used for
    a whole label if a single character in it has no glyph.
    """
    with TemporaryDirectory() as folder:
        for font in _FOLDER.glob("DejaVuSans*.ttf"):
            shutil.copy(font, folder)
        yield Path(folder)


@cache
def covered() -> frozenset[int]:
    """The code points that every style has."""
    character_sets = []
    for style in _STYLES:
        with TTFont(_FOLDER / style, lazy=True) as font:
            character_sets.append(frozenset(font.getBestCmap()))
    return frozenset.intersection(*character_sets)


def printable(value: Any) -> Any:
    """A text, or a structure of lists and dicts with texts, as the fonts can show it."""
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value
        return "".join(_shown(character) for character in value)
    if isinstance(value, dict):
        return {key: printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [printable(item) for item in value]
    return value


def _shown(character: str) -> str:
    if character in _SPACES:
        return character
    if character.isspace():  # not every style has every width of space
        return " "
    point = ord(character)
    return character if point in covered() else f"U+{point:04X}"
