"""Check whether results come from the code of this tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def of_other_code(runs: pd.DataFrame) -> Iterator[str]:
    """Yield a line if results come from other code than this tree's.

    Results whose code is no longer there are skipped.
    """
    from bench.plan.digest import code_digest
    from bench.plan.registry import is_algorithm
    from bench.store.imported import trained
    from bench.store.schema import RESULTS

    runs = trained(runs)
    checkable = runs[
        runs["status"].isin(RESULTS) & runs["algorithm"].map(is_algorithm).astype(bool)
    ]
    current: list[bool] = []
    # Runs of one algorithm, environment and back end go through the same code.
    keys = ["algorithm", "environment", "back_end"]
    for _, group in checkable.drop_duplicates("run").groupby(keys, observed=True):
        with suppress(FileNotFoundError):  # a back end or a plugin that is not there
            current += list(of_code(group, code_digest(next(group.itertuples()))))
    if not all(current):
        share = f"{current.count(False)} of {len(current)}"
        yield f"{share} runs come from other code than this tree's"


def of_code(runs: pd.DataFrame, *digests: str) -> pd.Series:
    """Whether code of one of these digests trained or adopted each run."""
    return runs["digest"].isin(digests) | runs["adopted"].isin(digests)
