"""Which characters the document's fonts can show; the others are written as U+XXXX.

A compiler of documents drops a character that no font has without a word. Texts come from users
(titles, names, questions), so each is passed through here first.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import matplotlib
from fontTools.ttLib import TTFont

FOLDER: Final = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
"""matplotlib's DejaVu fonts: the figures' font, and the one that text falls back to."""


@cache
def covered() -> frozenset[int]:
    """The code points of DejaVu Sans."""
    with TTFont(FOLDER / "DejaVuSans.ttf", lazy=True) as font:
        return frozenset(font.getBestCmap())


def printable(value: Any) -> Any:
    """A text, or a structure of lists and dicts with texts, as the fonts can show it."""
    if isinstance(value, str):
        return "".join(_shown(character) for character in value)
    if isinstance(value, dict):
        return {key: printable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [printable(each) for each in value]
    return value


def _shown(character: str) -> str:
    point = ord(character)
    if point in covered() or character in "\n\u200b":
        return character
    return f"U+{point:04X}"
