"""What went wrong in the runs behind a page, in sentences: nothing is left out in silence."""

from __future__ import annotations

import pandas as pd

from bench.store.load import mixed_digests


def run_caveats(
    scores: pd.DataFrame, *, marked: str = "", left_out: str = "not counted"
) -> list[str]:
    """Sentences about diverged, failed and empty runs and lost episodes; none if all is well.

    Args:
        scores: the frame of `scores.score_runs`, failed runs included.
        marked: how a figure marks where a seed diverged, for example "marked × where they did, ".
        left_out: what becomes of a run without a score: "not counted", or "not drawn".
    """
    sentences = []
    failed = scores["status"] == "failed"
    unscored = scores["score"].isna() & ~failed
    for affected, description in (
        (scores["diverged"] & ~unscored, f"Diverged seeds ({marked}counted with their last value)"),
        (failed, f"Failed runs ({left_out})"),
        (unscored, f"Seeds in which no episode ended ({left_out})"),
    ):
        if affected.any():
            sentences.append(f"{description}: {_counts(scores[affected])}.")
    if excluded := excluded_episodes(scores):
        sentences.append(f"Episodes left out because their return is not finite: {excluded}.")
    return sentences


def excluded_episodes(scores: pd.DataFrame) -> int:
    """How many episodes were left out because their return is not finite.

    Those of diverged seeds are not counted: that such a seed broke is said of the seed.

    Args:
        scores: the frame of `scores.score_runs`.
    """
    return int(scores.loc[~scores["diverged"], "excluded_episodes"].sum())


def mixed_code(runs: pd.DataFrame) -> list[str]:
    """A sentence if runs of one algorithm come from several versions of its code; else none.

    Args:
        runs: the store's view of the ablation.
    """
    mixed = [
        f"{algorithm} ({', '.join(sorted(str(digest)[:8] for digest in counts.index))})"
        for algorithm, counts in mixed_digests(runs)
    ]
    if not mixed:
        return []
    return [f"Mixed code: runs of more than one version (digest) of {', '.join(mixed)}."]


def _counts(rows: pd.DataFrame) -> str:
    titled = rows.assign(
        title=rows["variant_title"].where(rows["variant_title"] != "", rows["variant"])
    )
    groups = titled.groupby(["title", "environment"], sort=False)["seed"].nunique()
    return ", ".join(f"{title} on {where}: {number}" for (title, where), number in groups.items())
