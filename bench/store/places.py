"""Where results lie: the user's own, and the published ones that come with the suite."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bench.errors import InputError

VARIABLE: Final = "PPO_LADDER_RESULTS"
"""The environment variable that names the user's results folder."""

_CHECKOUT: Final = Path(__file__).resolve().parents[2] / "results" / "published"
_INSTALLED: Final = Path(__file__).resolve().parents[1] / "published_results"
PUBLISHED: Final = _CHECKOUT if _CHECKOUT.is_dir() else _INSTALLED
"""The folder of published results, in a checkout or in the installed package."""


def results_folder() -> Path:
    """Return the user's folder: `PPO_LADDER_RESULTS`, else results/local in the working folder."""
    return Path(os.environ.get(VARIABLE) or Path("results") / "local").absolute()


def result_folders(named: str | Path | None) -> list[Path]:
    """Return the folders to search: the named one, or else the user's own and the published one.

    Raises:
        InputError: the named folder does not exist.
    """
    if named is None:
        return [results_folder(), PUBLISHED]
    if not Path(named).is_dir():
        raise InputError(f"results folder {named} does not exist")
    return [Path(named)]
