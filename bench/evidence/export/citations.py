"""What the methods of a table are taken from, as BibTeX: `citations.bib`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from typing import Final

OF_PACKAGES: Final = {
    "mujoco": "todorov2012mujoco",
    "envpool": "weng2022envpool",
    "gymnasium": "towers2024gymnasium",
}
"""Package -> the key of what describes it."""


def bibliography(keys: Iterable[str]) -> str:
    """The entries of these keys, each once."""
    text = resources.files(__package__).joinpath("citations.bib").read_text("utf-8")
    entries = {re.findall(r"{(\w+),", entry)[0]: entry for entry in text.strip().split("\n\n")}
    return "\n\n".join(entries[key] for key in dict.fromkeys(keys)) + "\n"
