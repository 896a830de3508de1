"""Claims of the literature (`ablations.claims`), judged by confidence intervals from runs.

Each comparison of a claim has an interval: the mean paired differences that the sign-flip test does
not reject. The intervals of one claim hold jointly with 95% confidence: each of m has the level
1 − 0.05/m.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pandas as pd

from ablations.claims import CLAIMS, ablation_of
from bench.errors import InputError
from bench.evidence.caveats import run_caveats
from bench.evidence.markdown import Section
from bench.evidence.measures.anchors import anchors_for
from bench.evidence.measures.cells import (
    Cell,
    by_seed,
    paired_differences,
    why_unlike,
)
from bench.evidence.measures.late_updates import late_means
from bench.evidence.measures.normalised import Scale
from bench.evidence.measures.pooled_differences import PooledDifferences, pool
from bench.evidence.results import Results
from bench.evidence.statistics.claimable import ALPHA, FEWEST_PAIRS
from bench.evidence.verdicts import return_text
from bench.formatting import thousands
from bench.store import load, result_folders
from bench.store.imported import ALIKE

if TYPE_CHECKING:
    from ablations.claims.claim import Claim, Comparison

Decision = Literal["supported", "contradicted", "can't tell", "not tested"]

OUTCOMES: Final[tuple[Decision, ...]] = ("supported", "contradicted", "can't tell", "not tested")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One comparison of a claim, in one environment or as the mean over several.

    The difference is in units of the comparison's measure; it and its interval are NaN where seeds
    in common or a scale are missing, and where the two sides are `unlike`.
    """

    comparison: Comparison
    environments: tuple[str, ...]
    steps: int  # steps of a seed, on the environment with the fewest; 0 without runs
    unlike: str  # why the two are not the same quantity; empty where they are
    pairs: int  # pairs of common seeds, on the environment with the fewest
    difference: float
    low: float
    high: float

    @property
    def decision(self) -> Decision:
        """The decision on the claim by this comparison alone."""
        if not self.pairs or math.isnan(self.difference):
            return "not tested"
        claimed_low, claimed_high = self.comparison.claimed
        if self.pairs < FEWEST_PAIRS:
            return "can't tell"
        if claimed_low < self.low and self.high < claimed_high:
            return "supported"
        return (
            "contradicted" if self.high <= claimed_low or claimed_high <= self.low else "can't tell"
        )

    @property
    def text(self) -> str:
        """The comparison, what was found and what was claimed, in one line."""
        compared = f"{self.comparison.variant} − {self.comparison.reference}"
        if not self.comparison.together or len(self.environments) == 1:
            compared += f", {self.environments[0]}"
        else:
            compared += f", mean over {len(self.environments)} environments"
        if self.unlike:
            return f"{compared}: not compared ({self.unlike})"
        if not self.pairs or math.isnan(self.difference):
            return f"{compared}: no runs" if not self.pairs else f"{compared}: no scale"
        difference = return_text(self.difference)
        if self.pairs >= FEWEST_PAIRS:
            difference += f" [{_end(self.low)}, {_end(self.high)}]"
        return (
            f"{compared}: {difference}, n = {self.pairs} at {thousands(self.steps)} steps; "
            f"claimed {claimed_text(self.comparison)}"
        )


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A claim with the evidence on it."""

    claim: Claim
    evidence: tuple[Evidence, ...] = ()

    @property
    def decision(self) -> Decision:
        """The verdict, by whether the claim needs all comparisons to support it, or any."""
        if self.claim.decided_by:
            return "supported"  # by a test, which fails where the claim does
        decisions = {evidence.decision for evidence in self.evidence}
        if decisions <= {"not tested"}:
            return "not tested"
        decisive: tuple[Decision, Decision] = ("supported", "contradicted")
        by_all, by_one = decisive if self.claim.needs == "all" else decisive[::-1]
        # "all": one contradiction decides against the claim; "any": one support decides for it.
        if by_one in decisions:
            return by_one
        return by_all if decisions == {by_all} else "can't tell"

    @property
    def lines(self) -> tuple[str, ...]:
        """The test that decides the claim, or a line per comparison and whether one is enough."""
        if self.claim.decided_by:
            return (f"test {self.claim.decided_by}",)
        texts = tuple(evidence.text for evidence in self.evidence)
        one_is_enough = self.claim.needs == "any" and len(texts) > 1
        return (*texts, "one that supports it is enough") if one_is_enough else texts


def _end(value: float) -> str:
    """An end of an interval as text; with too few pairs it is infinite."""
    return return_text(value) if math.isfinite(value) else "−∞" if value < 0 else "∞"


def claimed_text(comparison: Comparison) -> str:
    """The interval of the claim in words: "above 0", "between −0.20 and 0.20"."""
    low, high = (f"{end + 0.0:g}".replace("-", "−") for end in comparison.claimed)
    if high == "inf":
        return f"above {low}"
    return f"below {high}" if low == "−inf" else f"between {low} and {high}"


def judge_claims(ablation: str, results: Results | None) -> tuple[Judgement, ...]:
    """Judge the claims about an ablation by its results.

    Args:
        ablation: the ablation's name; "" for the claims that tests decide.
        results: its results; None without any.
    """
    claims = [claim for claim in CLAIMS.values() if claim.ablation == ablation]
    if results is None or results.runs.empty:
        return tuple(Judgement(claim=claim) for claim in claims)
    values = cache(partial(_values, results))  # each measure is read once
    return tuple(
        Judgement(claim=claim, evidence=tuple(_judge(claim, results, values))) for claim in claims
    )


def judged_claims(
    names: tuple[str, ...], folder: Path | None
) -> tuple[tuple[Judgement, ...], tuple[str, ...]]:
    """Judge the named claims by a results folder, or else by the user's and the published results.

    Returns:
        The judgements; and what a reader must know of the results, a sentence each.

    Raises:
        InputError: the results folder does not exist.
    """
    result_folders(folder)
    judgements: dict[str, Judgement] = {}
    notes: list[str] = []
    anchors = cache(anchors_for)
    for ablation in dict.fromkeys(CLAIMS[name].ablation for name in names):
        results: Results | None = None
        if ablation:
            with suppress(InputError):  # no results: the claims are not tested
                view = load(ablation, folder)
                folder_anchors = anchors(view.source)
                results = Results(
                    view=view, source="", given_anchors=folder_anchors, as_shown=False
                )
                sentences = [*results.added_seeds, *view.mixed, *view.problems]
                if len(view.runs):
                    sentences += run_caveats(results.scores)
                notes += [f"{ablation}: {sentence}" for sentence in sentences]
        judgements |= {
            judgement.claim.name: judgement for judgement in judge_claims(ablation, results)
        }
    return tuple(judgements[name] for name in names), tuple(notes)


def counts(judgements: Sequence[Judgement]) -> str:
    """How many claims have each outcome: "12 supported, 3 contradicted, 9 can't tell"."""
    tally = Counter(judgement.decision for judgement in judgements)
    return ", ".join(f"{tally[outcome]} {outcome}" for outcome in OUTCOMES if tally[outcome])


def section(judgements: Iterable[Judgement]) -> Section:
    """The judgements as one table, a row per claim."""
    return Section(
        heading="# Claims of the literature",
        header=("claim", "source", "verdict", "what decides it", "what this suite does otherwise"),
        alignment=("left",) * 5,
        cells=[
            (
                judgement.claim.claim,
                judgement.claim.source,
                judgement.decision,
                "; ".join(judgement.lines) or f"no runs of {judgement.claim.ablation}",
                judgement.claim.differs or "–",
            )
            for judgement in judgements
        ],
        notes=NOTES,
    )


NOTES: Final = (
    "A comparison supports a claim where its whole interval lies within what is claimed, and "
    "contradicts it where the whole interval lies outside. The interval holds the differences "
    "that the sign-flip test over pairs of common seeds can't reject, which takes the differences "
    f"to be symmetric about one value; the intervals of a claim hold together with "
    f"{1 - ALPHA:.0%}. One can't tell below {FEWEST_PAIRS} pairs.",
    "Scores are normalised: 0 is the untrained policy, 1 the Experiment's PPO or, in environments "
    "that the Experiment hasn't, the ablation's control, both held fixed. Gold rewards are in "
    "words of an answer, entropies in nats.",
)


def _values(results: Results, measure: str) -> dict[Cell, dict[int, float]]:
    """Every cell's finite numbers of a measure, by seed."""
    frame = results.scores
    if measure != "score":
        late = late_means(results.runs, results.view.updates, (measure,))[measure]
        frame = frame.assign(score=frame["run"].astype(object).map(late).astype("float64"))
    return by_seed(frame)


def _pooled(
    results: Results,
    values: Mapping[Cell, Mapping[int, float]],
    comparison: Comparison,
    environments: tuple[str, ...],
) -> tuple[int, PooledDifferences | None]:
    """The fewest pairs, and variant − reference in the comparison's unit (None without a scale)."""
    differences = [
        paired_differences(
            values.get((name, comparison.variant), {}),
            values.get((name, comparison.reference), {}),
        )
        for name in environments
    ]
    scales = results.scale_by_environment
    if comparison.measure != "score":
        scales = dict.fromkeys(environments, Scale(zero=0.0, one=1.0))  # its own unit
    known_scales = [scales[name] for name in environments if name in scales]
    complete = len(known_scales) == len(environments)
    return min(map(len, differences)), pool(differences, known_scales) if complete else None


def _judge(
    claim: Claim,
    results: Results,
    values: Callable[[str], Mapping[Cell, Mapping[int, float]]],
) -> Iterator[Evidence]:
    # A claim is about all environments of its ablation, with results or without.
    intervals = [
        (comparison, group)
        for comparison in claim.comparisons
        for group in _environment_groups(comparison, ablation_of(claim).environments)
    ]
    level = 1 - ALPHA / len(intervals)
    nothing = results.scores[:0]
    for comparison, environments in intervals:
        sides = [
            [results.rows.get((name, variant), nothing) for name in environments]
            for variant in (comparison.variant, comparison.reference)
        ]
        reasons = chain(
            map(why_unlike, *sides, repeat(comparison.reference)),
            (
                _other_budget(claim, name, cell)
                for side in sides
                for name, cell in zip(environments, side, strict=True)
            ),
        )
        unlike = "; ".join(dict.fromkeys(filter(None, reasons)))
        pairs, pooled = _pooled(results, values(comparison.measure), comparison, environments)
        difference = low = high = math.nan
        if pooled is not None and not unlike:
            difference, (low, high) = pooled.difference, pooled.interval(level)
        yield Evidence(
            comparison=comparison,
            environments=environments,
            steps=int(
                min((side["budget"].min() for side in chain(*sides) if len(side)), default=0)
            ),
            unlike=unlike,
            pairs=pairs,
            difference=difference,
            low=low,
            high=high,
        )


def _other_budget(claim: Claim, environment: str, cell: pd.DataFrame) -> str:
    """Why runs don't tell of a claim: they are shorter or longer than its ablation's; else ""."""
    budget = ablation_of(claim).budget(environment)
    steps = sorted(set(cell["budget"]))
    if all(abs(number - budget) <= ALIKE * budget for number in steps):
        return ""
    return f"{' and '.join(f'{number:,}' for number in steps)} steps, the claim is about {budget:,}"


def _environment_groups(comparison: Comparison, default: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The environments of each interval: all of them in one, or one by one."""
    environments = comparison.environments or default
    return [environments] if comparison.together else [(name,) for name in environments]
