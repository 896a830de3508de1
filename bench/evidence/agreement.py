"""Whether a run that was trained again agrees with the one that is stored.

Equal code, versions and processor give equal bits, so there the contents are compared bit for bit.
Elsewhere the last bits differ, after a few thousand steps everything does, and a run trained again
is one more draw from the distribution of the stored seeds. Then its score is compared with the
prediction interval of a further seed,

    x̄ ± t_{n−1, 1−α/2} · s · √(1 + 1/n)    over the scores of the n stored seeds,

which contains the score of a further seed with probability 1 − α if scores are normal. The stored
seeds have the same description and code. The repeated seed is one of them: the repeat shares its
initial weights and random streams, which can only bring the two scores nearer. α is divided among
all runs that are compared at once (Bonferroni). One score shows no shift that is small beside the
spread of the seeds, and below `FEWEST_SEEDS` nothing is concluded.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from scipy.special import stdtrit

from bench.evidence.machine import processor_text
from bench.evidence.measures.scores import score_runs
from bench.evidence.statistics.claimable import FEWEST_PAIRS
from bench.evidence.verdicts import return_text
from bench.kinds import SHARED_DRAWS
from bench.store import parquet
from bench.store.content import Difference, by_run, first_difference, row_of, same_code

FEWEST_SEEDS: Final = FEWEST_PAIRS
"""Stored seeds below which nothing is concluded from a result that is not equal bit for bit."""

ALPHA: Final = 0.01
"""Chance that one of the runs compared at once is wrongly found to disagree."""

LIBRARIES: Final = ("torch", "numpy", "scipy", "numba", "llvmlite", "mujoco")
"""Packages, besides the back end, whose versions can change the last bits of a result."""

Outcome = Literal["equal", "broken", "inside", "outside", "open"]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The prediction interval for a further seed's score [return], from `seeds` stored scores.

    `low` and `high` are NaN where there are fewer than two.
    """

    low: float
    high: float
    seeds: int
    level: float


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The result of comparing a run that was trained again with the stored one.

    Attributes:
        outcome: "equal" bit for bit; "broken" if it should be equal and is not; else the score is
            "inside" or "outside" the prediction, or the outcome is "open": nothing is concluded.
        surroundings: differences in machine, versions or code that allow bits to differ.
        difference: the first difference between the runs; None if they are equal.
        score: score of the run trained again [return]; NaN if no episode ended, or if the outcome
            does not depend on it.
        prediction: the prediction interval; None if the outcome does not depend on it.
    """

    outcome: Outcome
    surroundings: tuple[str, ...]
    difference: Difference | None = None
    score: float = math.nan
    prediction: Prediction | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts the stored run."""
        return self.outcome not in ("broken", "outside")

    @property
    def sentence(self) -> str:
        """The outcome in words, every number in it from the data."""
        surroundings = "; ".join(self.surroundings)
        if self.difference is None:
            return "bit for bit" + (f", although {surroundings}" if surroundings else "")
        if self.prediction is None:
            difference = self.difference.sentence("stored", "trained again")
            return (
                f"NOT bit for bit, though processor, versions and code are the same: {difference}"
            )
        return f"bits may differ ({surroundings}); {self._prediction_text(self.prediction)}"

    def _prediction_text(self, prediction: Prediction) -> str:
        score, seeds = return_text(self.score), f"n = {prediction.seeds} stored seeds"
        if math.isnan(self.score):
            return "no episode ended, so nothing can be concluded"
        if prediction.seeds < FEWEST_SEEDS:
            return f"score {score}; nothing can be concluded from {seeds} (< {FEWEST_SEEDS})"
        if self.outcome == "open":
            common_score = return_text(prediction.low)
            return (
                f"score {score}; nothing can be concluded from {seeds} that all score "
                f"{common_score}"
            )
        place = "inside" if self.outcome == "inside" else "OUTSIDE"
        interval = f"{return_text(prediction.low)} to {return_text(prediction.high)}"
        return (
            f"score {score}, {place} the {100 * prediction.level:.4g}% prediction {interval} of "
            f"{seeds}"
        )


def agree(stored: Mapping[str, pa.Table], repeated: Mapping[str, pa.Table]) -> dict[str, Agreement]:
    """Compare runs that were trained again with those that are stored.

    Args:
        stored: the store's tables runs, episodes and updates, sorted by run: the same runs as in
            `repeated`, and for the prediction all others of their descriptions.
        repeated: the same tables of the runs trained again, each with a result.

    Returns:
        Run -> its agreement.
    """
    stored_content = by_run(stored)
    agreements: dict[str, Agreement] = {}
    for run, content in by_run(repeated).items():
        difference = first_difference(stored_content[run], content)
        agreements[run] = Agreement(
            outcome="broken" if difference else "equal",
            surroundings=tuple(_surroundings(row_of(stored_content[run]), row_of(content))),
            difference=difference,
        )
    statistical = [
        run
        for run, agreement in agreements.items()
        if agreement.difference and agreement.surroundings
    ]
    if statistical:
        scores, repeated_scores = _scores(stored), _scores(repeated)
        origins = {run: _origin(row_of(content)) for run, content in stored_content.items()}
        for run in statistical:
            alike_scores = [
                scores[other] for other, origin in origins.items() if origin == origins[run]
            ]
            prediction = predict(alike_scores, level=1 - ALPHA / len(statistical))
            outcome, score = _outcome(repeated_scores[run], prediction), repeated_scores[run]
            agreements[run] = replace(
                agreements[run], outcome=outcome, score=score, prediction=prediction
            )
    return agreements


def predict(scores: Sequence[float], *, level: float) -> Prediction:
    """Return the prediction interval of a further score; scores that are NaN do not count.

    Args:
        scores: one per seed [return].
        level: nominal coverage, in (0, 1).
    """
    values = np.asarray([score for score in scores if not math.isnan(score)], dtype=np.float64)
    n, low, high = len(values), math.nan, math.nan
    if n > 1:
        half = float(stdtrit(n - 1, (1 + level) / 2) * values.std(ddof=1)) * math.sqrt(1 + 1 / n)
        low, high = float(values.mean()) - half, float(values.mean()) + half
    return Prediction(low=low, high=high, seeds=n, level=level)


def summary_lines(agreements: Mapping[str, Agreement]) -> Iterator[str]:
    """Yield a line of counts by outcome and, if a prediction was used, what it assumes."""
    counts = Counter(agreement.outcome for agreement in agreements.values())
    words: dict[Outcome, str] = {
        "equal": "bit for bit",
        "broken": "NOT bit for bit",
        "inside": "inside the prediction",
        "outside": "OUTSIDE the prediction",
        "open": "open",
    }
    yield ", ".join(
        f"{counts[outcome]} {text}" for outcome, text in words.items() if counts[outcome]
    )
    if any(agreement.prediction for agreement in agreements.values()):
        yield (
            "The prediction is the t interval of one further seed by all stored seeds of the same "
            "description and code. It assumes that scores are normally distributed over seeds, and "
            f"goes wrong in {ALPHA:.0%} of such checks. A shift that is small beside the spread of "
            "the seeds shows only in bits."
        )


def _origin(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["description"], row["adopted"] or row["digest"]


def _outcome(score: float, prediction: Prediction) -> Outcome:
    if math.isnan(score) or prediction.seeds < FEWEST_SEEDS:
        return "open"
    if prediction.low <= score <= prediction.high:
        return "inside"
    # Seeds that all reach the same ceiling say nothing about one that misses it.
    return "outside" if prediction.low < prediction.high else "open"


def _surroundings(stored: Mapping[str, Any], repeated: Mapping[str, Any]) -> Iterator[str]:
    """Yield each difference in what a run's bits depend on besides its description and seed."""
    if stored["device"] != "cpu":
        yield f"on {stored['device']} bits are not promised"
    if any(SHARED_DRAWS in (row["reason"] or "") for row in (stored, repeated)):
        yield f"{SHARED_DRAWS}, and those beside it may be others"
    platforms = [
        json.loads(row["machine"]) | json.loads(row["versions"]) for row in (stored, repeated)
    ]
    before, now = map(processor_text, platforms)
    if before != now:
        yield f"processor {before} stored, {now} here"
    for name in ("blas", "llvm", *LIBRARIES, stored["back_end"]):
        before, now = (platform.get(name) for platform in platforms)
        # Older runs do not record all of these.
        if before not in (None, now):
            yield f"{name} {before} stored, {now} here"
    if not same_code(stored, repeated):
        yield f"code {stored['digest']} stored, {repeated['digest']} here"


def _scores(tables: Mapping[str, pa.Table]) -> dict[str, float]:
    """Run -> its score [return]."""
    frames = {name: parquet.to_frame(table) for name, table in tables.items()}
    # Each description becomes a variant, so that no seed appears twice.
    runs = frames["runs"]
    runs["variant"] = runs["variant_title"] = runs["description"]
    runs["variant_order"] = runs["environment_order"] = 0
    variants = runs[["run", "variant"]]
    scored = score_runs(
        runs,
        variants.merge(frames["episodes"], on="run"),
        variants.merge(frames["updates"], on="run"),
    )
    return dict(zip(scored["run"], scored["score"], strict=True))
