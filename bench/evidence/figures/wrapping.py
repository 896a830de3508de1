"""Texts broken into lines by their measured width, so that none is cut and none leaves the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain
from typing import Final

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from bench.evidence.glyphs import printable

_SEAMS: Final = re.compile(r"(?<=[-_/:])|(?<=[.,])(?!\d)|(?<=[a-z])(?=[A-Z])")
"""Where a word that is too long is broken first: HalfCheetah-v5 has two such seams."""

_BREAKS: Final = re.compile(r"(?<!=)(?<!\d to) (?!=|to \d)")
"""Spaces at which a line may end: not those of "n = 5 to 10"."""

_MOST_LETTERS: Final = 6000
"""The most letters of a text: captions are shorter, and an image's height is limited."""


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """How wide a line is [inches], in DejaVu Sans of `size` points."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0]) / 72


def wrapped(text: str, width: float, size: float, weight: str = "normal") -> str:
    """Break a text, as the fonts can show it, into lines of at most `width` inches.

    A word that is wider is broken, at a seam if possible; "n = 5 to 10" is kept together while it
    fits.
    """

    def fits(line: str) -> bool:
        return text_width(line, size, weight) <= 0.97 * width  # each format measures a hair apart

    letters: str = printable(text.replace("\n", " "))
    if len(letters) > _MOST_LETTERS:
        letters = letters[: _MOST_LETTERS - 1] + "…"
    lines = [""]
    words = [[chunk] if fits(chunk) else chunk.split(" ") for chunk in _BREAKS.split(letters)]
    for word in chain.from_iterable(words):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if fits(longer):
            lines[-1] = longer
        else:
            lines += [word] if fits(word) else _pieces(word, fits)
    return "\n".join(filter(None, lines))


def _pieces(word: str, fits: Callable[[str], bool]) -> list[str]:
    pieces = [""]
    for part in _SEAMS.split(word):
        for unit in [part] if fits(part) else part:
            if fits(pieces[-1] + unit):
                pieces[-1] += unit
            else:
                pieces.append(unit)
    return pieces
