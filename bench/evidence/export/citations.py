"""The sources of a table's methods as BibTeX, from `citations.bib`."""

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
"""Package -> the citation key of the paper that describes it."""


def bibliography(keys: Iterable[str]) -> str:
    """Return the BibTeX entries of these keys, each once."""
    text = resources.files(__package__).joinpath("citations.bib").read_text("utf-8")
    entries = {re.findall(r"{(\w+),", entry)[0]: entry for entry in text.strip().split("\n\n")}
    return "\n\n".join(entries[key] for key in dict.fromkeys(keys)) + "\n"
