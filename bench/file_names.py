"""Names as parts of paths: the name of an environment or a variant may hold any character."""

from __future__ import annotations

import hashlib
import re
from typing import Final
from urllib.parse import quote

_LONGEST: Final = 120
"""Characters of a part: with an ending, a file's name stays below every system's limit of 255."""
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that Windows takes for a device, with any ending."""


def file_name(name: str) -> str:
    """Return a part of a path that stands for this name, and for no other name.

    ASCII letters, digits, ".", "_", "-" and "~" stay; everything else is written as in a URL:
    "ALE/Pong-v5" is "ALE%2FPong-v5". So is a dot at either end (hidden files, "..") and the first
    letter of a name that Windows reserves. The empty name is "%"; long ones end in "%-" and a hash.
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
