"""Text of others made fit for a line of XML, LaTeX or Markdown, which break at some letters."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BLANKS: Final = re.compile(r"[^\S\u00a0]+")
"""White space, line breaks included; a no-break space is a letter."""


def visible(text: str) -> str:
    """The text on one line, each control character, lone surrogate or non-character as U+XXXX."""
    return "".join(map(_shown, _BLANKS.sub(" ", text)))


def is_hidden(character: str) -> bool:
    """Whether a character is none that can be written: a control, a surrogate, a non-character."""
    point = ord(character)
    unassigned = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
    return unassigned or unicodedata.category(character) in ("Cc", "Cs")


def _shown(character: str) -> str:
    return f"U+{ord(character):04X}" if is_hidden(character) else character
