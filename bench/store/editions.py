"""The editions of the published results, by the code that trained them."""

from __future__ import annotations

import pandas as pd

FIRST_EDITION = frozenset({"0eea2b186464bb3b", "d81344f6ea2cd3b8"})
"""Digests of the code of the first edition that published runs have. No later code can have one of
them, because digests have been made by another rule since."""


PAGES = {"experiment": "figure_3", "surrogates": "table_1", "sequence": "kl"}
"""Ablation -> its page, which plans of the first edition don't hold."""


def of_first_edition(runs: pd.DataFrame) -> pd.Series:
    """Whether each run is of the first edition's code, and no later code has adopted it.

    Args:
        runs: with the columns of the table `runs`.
    """
    return runs["digest"].isin(FIRST_EDITION) & runs["adopted"].isna()


def edition_text(runs: pd.DataFrame) -> str:
    """Return a remark that runs are of the first edition's code, to follow their folder's name.

    Args:
        runs: with the columns of the table `runs`.

    Returns:
        Empty if none of them is.
    """
    is_first = of_first_edition(runs)
    if not is_first.any():
        return ""
    return " (first edition's code)" if is_first.all() else " (in part first edition's code)"


def edition_note(runs: pd.DataFrame) -> list[str]:
    """Return that remark as a sentence, for a page that doesn't name the folder; none likewise."""
    is_first = of_first_edition(runs)
    if not is_first.any():
        return []
    number = "All" if is_first.all() else f"{is_first.sum()} of {len(is_first)}"
    return [f"{number} runs are of the first edition's code."]
