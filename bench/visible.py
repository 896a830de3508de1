"""Make foreign text fit for a line of XML, LaTeX or Markdown, which some characters break."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BLANKS: Final = re.compile(r"[^\S\u00a0]+")
"""White space, line breaks included; a no-break space counts as a letter."""


def visible(text: str) -> str:
    """Return text on one line, with controls, lone surrogates and non-characters as U+XXXX."""
    return "".join(map(_shown, _BLANKS.sub(" ", text)))


def is_hidden(character: str) -> bool:
    """Whether a character can't be written: a control, a surrogate or a non-character."""
    point = ord(character)
    unassigned = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
    return unassigned or unicodedata.category(character) in ("Cc", "Cs")


def _shown(character: str) -> str:
    return f"U+{ord(character):04X}" if is_hidden(character) else character
