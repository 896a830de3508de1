"""What a stored run says of its returns: their kind, and whether other seeds influenced them.

Different kinds are not the same quantity.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

EPISODES: Final = "training episodes"
EVALUATIONS: Final = "evaluations"
MEANS: Final = "means of training episodes"
ACTIONS: Final = ("deterministic", "sampled")
"""How a policy that is evaluated chooses actions: by the mode of π_θ, or by samples of it."""
UNSAID: Final = "returns of a kind that the file doesn't say"
SHARED_DRAWS: Final = (
    "the environment or the algorithm draws from generators that a whole process shares"
)
"""Beginning of the `reason` of a run that depends on the seeds that it was trained with."""

ROWS: Final = {
    EPISODES: "training episode",
    EVALUATIONS: "evaluation",
    MEANS: "point",
    UNSAID: "row",
}
"""Kind -> what one row of it is called."""


def kind_of(evaluation: str) -> str:
    """Return the kind of returns that the `evaluation` of a trained or imported run begins with.

    Args:
        evaluation: like "training episodes: sampled actions, raw rewards" or
            "imported: evaluations, Stable-Baselines3's EvalCallback".
    """
    return evaluation.removeprefix("imported: ").partition(":")[0].partition(",")[0]


def not_training(kinds: Iterable[tuple[str, str]]) -> list[str]:
    """Return one sentence per kind of returns other than training episodes.

    Args:
        kinds: pairs of a title, as of a variant, and its kind.
    """
    titles_of: dict[str, dict[str, None]] = {}
    for title, kind in kinds:
        if kind != EPISODES:
            titles_of.setdefault(kind, {})[title] = None
    sentences = []
    for kind, titles in titles_of.items():
        statement = "Perhaps not training episodes"
        if kind != UNSAID:
            statement = f"Not training episodes but {kind}"
        sentences.append(f"{statement}: {', '.join(titles)}.")
    return sentences
