"""Names of things as parts of paths: an environment's or a variant's name may hold anything."""

from __future__ import annotations

import hashlib
import re
from typing import Final
from urllib.parse import quote

_LONGEST: Final = 120
"""Letters that stand for a name: with an ending, a file's name stays below every system's 255."""
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""What Windows takes for a device, with any ending."""


def file_name(name: str) -> str:
    """One part of a path that stands for a name, and for no other name.

    Letters of ASCII, digits, ".", "_", "-" and "~" stay; everything else is written as in a URL:
    "ALE/Pong-v5" is "ALE%2FPong-v5". So is a dot at an end (hidden files, "..") and the first
    letter of what Windows reserves. The empty name is "%"; a long one ends in "%-" and a hash.
    """
    text = quote(name, safe="", errors="surrogatepass") or "%"
    if text.startswith("."):
        text = "%2E" + text[1:]
    if text.endswith("."):
        text = text[:-1] + "%2E"
    if _RESERVED.fullmatch(text):
        text = f"%{ord(text[0]):02X}{text[1:]}"
    if len(text) > _LONGEST:
        digits = hashlib.sha256(text.encode()).hexdigest()[:16]
        text = f"{text[: _LONGEST - len(digits) - 2]}%-{digits}"
    return text
