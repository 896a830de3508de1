"""What may be claimed: each variant against its reference, environment by environment.

The reference is the ablation's control, or the variant that the variant itself names.

A claim rests on pairs of common seeds, whose random streams are common too: an exact sign-flip
test of the paired score differences, Holm-adjusted over all of the page's tested comparisons with a
reference (`letters` are a family of their own). Its null hypothesis is "no difference in
distribution"; the size of a claim is the difference of means. With fewer than `FEWEST_PAIRS` pairs
nothing is tested and nothing is claimed, nor is it where the two scores are not the same quantity
(`cells.why_unlike`). "No difference can be claimed" is not "they are equal": it says that these
seeds do not tell them apart, and from which difference on as many seeds with this spread could
have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from bench.errors import unknown
from bench.evidence.measures.cells import (
    by_seed,
    control_of,
    paired_differences,
    rows_by_cell,
    why_unlike,
)
from bench.evidence.statistics.claimable import ALPHA, FEWEST_PAIRS, pairs_needed
from bench.evidence.statistics.estimates import Floats
from bench.evidence.statistics.significance import holm, least_claimable, sign_flip_test

Outcome = Literal["control", "untested", "none", "better", "worse"]
NO_PAIRS: Floats = np.empty(0)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The claim that the evidence allows about one variant on one environment.

    Attributes:
        environment, variant: names of what is judged.
        reference: name of the variant that it is compared with; the control names itself.
        reference_title: "control", or the reference's title.
        pairs: common seeds with a score; none where the two are not alike.
        difference: mean over pairs of (variant − reference) [return]; NaN without pairs, and where
            the two are not alike.
        p_value: the sign-flip test's; NaN where nothing was tested, as the next three.
        adjusted: p adjusted by Holm's method over the `comparisons` tested on the page.
        least: the least |difference| that could have been claimed at this spread and number of
            pairs, beside the family's other p-values; infinite if none could; NaN also where a
            difference is claimed.
        further: how many of the comparisons are over several environments.
        claimed: how many of the comparisons are claimed, on one environment or over several.
        unlike: why the scores are not the same quantity; empty where they are.
        outcome: "better" or "worse" than the reference only at adjusted p ≤ `ALPHA`.
        differences: by common seed [return]; weights: of each in the mean that is tested.
    """

    environment: str
    variant: str
    reference: str
    reference_title: str
    pairs: int
    difference: float
    p_value: float
    outcome: Outcome
    adjusted: float = math.nan
    comparisons: int = 0
    least: float = math.nan
    further: int = 0
    claimed: int = 0
    unlike: str = ""
    differences: Floats = field(default_factory=lambda: NO_PAIRS, compare=False, repr=False)
    weights: Floats | float = field(default=1.0, compare=False, repr=False)

    @property
    def sentence(self) -> str:
        """The claim in words, every number in it from the data."""
        if self.outcome == "control":
            return "control"
        if self.outcome == "untested":
            return f"no claim: {self.unlike or f'n = {self.pairs} < {FEWEST_PAIRS}'}"
        if self.outcome == "none":
            reference = "" if self.reference_title == "control" else self.reference_title
            least = least_text(self.least, self.pairs)
            return none_text(self.adjusted, self.comparisons, least, reference)
        size = return_text(abs(self.difference))
        return f"{self.outcome} than {self.reference_title} by {size} ({self.evidence})"

    @property
    def evidence(self) -> str:
        """The adjusted p-value, and over how many comparisons it is adjusted."""
        return holm_text(self.adjusted, self.comparisons)


def judge_plan(
    plan: pd.DataFrame, scores: pd.DataFrame
) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """Judge a page by the references that its plan names.

    Where the control has no results, the first variant that has takes its place; where another
    reference has none, the control does.

    Args:
        plan: the store's plan of the ablation.
        scores: the frame of `scores.score_runs`.

    Returns:
        The verdicts of `judge`, and a line for each reference that another one had to replace and
        for each comparison of unlike scores.
    """
    present = list(dict.fromkeys(scores["variant"]))
    planned_control, control, notes = str(plan["control"].iloc[0]), control_of(plan, scores), []
    if control != planned_control:
        notes.append(f"The control {planned_control} has no results here; compared with {control}.")
    compared_with = {}
    with_reference = plan.dropna(subset="compared_with")
    for variant, reference in zip(
        with_reference["variant"], with_reference["compared_with"], strict=True
    ):
        if reference in present:
            compared_with[variant] = reference
        elif variant in present and variant != control:
            notes.append(f"{reference} has no results here; {variant} is compared with {control}.")
    verdicts = judge(scores, control, compared_with)
    titles = dict(zip(scores["variant"], scores["variant_title"], strict=True))
    notes += [
        f"Not compared: {titles[verdict.variant] or verdict.variant} on {verdict.environment} "
        f"({verdict.unlike})."
        for verdict in verdicts
        if verdict.unlike
    ]
    return verdicts, tuple(dict.fromkeys(notes))


def judge(
    scores: pd.DataFrame,
    control: str,
    compared_with: Mapping[str, str] | None = None,
) -> tuple[Verdict, ...]:
    """Judge every variant of a page against its reference.

    Args:
        scores: the frame of `scores.score_runs`; seeds without a score make no pair. All of its
            comparisons together are the page over which Holm's adjustment runs.
        control: name of the variant that the others are compared with by default.
        compared_with: name of a variant -> name of its reference, where it is not the control.

    Returns:
        One verdict per variant and environment, in the frame's order, the control's own included.

    Raises:
        InputError: the control or a reference is none of the variants.
    """
    variants = list(dict.fromkeys(scores["variant"]))
    if control not in variants:
        raise unknown("control variant", control, variants)
    references = {**dict.fromkeys(variants, control), **(compared_with or {}), control: control}
    for reference in references.values():
        if reference not in variants:
            raise unknown("reference variant", reference, variants)
    titles = dict(zip(scores["variant"], scores["variant_title"], strict=True))
    titles[control] = "control"
    values = by_seed(scores)
    cells = rows_by_cell(scores)
    verdicts = []
    for (environment, variant), seed_scores in values.items():
        reference = references[variant]
        title, reference_cell = titles[reference] or reference, (environment, reference)
        reason = why_unlike(
            cells[environment, variant], cells.get(reference_cell, scores[:0]), title
        )
        differences = (
            NO_PAIRS if reason else paired_differences(seed_scores, values.get(reference_cell, {}))
        )
        p_value = math.nan
        if variant != control and len(differences) >= FEWEST_PAIRS:
            # A fresh generator each: a verdict does not depend on the order of its neighbours.
            p_value = sign_flip_test(differences, np.random.default_rng(0))
        verdicts.append(
            Verdict(
                environment=environment,
                variant=variant,
                reference=reference,
                reference_title=title,
                pairs=len(differences),
                difference=float(differences.mean()) if len(differences) else math.nan,
                p_value=p_value,
                unlike=reason,
                outcome="control" if variant == control else "untested",
                differences=differences,
            )
        )
    return adjust(verdicts)[0]


def adjust(
    verdicts: Sequence[Verdict], further: Sequence[Verdict] = ()
) -> tuple[tuple[Verdict, ...], tuple[Verdict, ...]]:
    """Adjust the p-values of a page as one family, and say what may be claimed.

    Args:
        verdicts: all verdicts of the page on one environment each.
        further: the page's verdicts over several environments.

    Returns:
        Both with their outcomes.
    """
    family = [*verdicts, *further]
    tested = [place for place, member in enumerate(family) if math.isfinite(member.p_value)]
    adjusted_values = holm([family[place].p_value for place in tested])
    claimed = int(np.count_nonzero(adjusted_values <= ALPHA))
    further_tests = sum(place >= len(verdicts) for place in tested)
    judged = [
        replace(
            member,
            adjusted=math.nan,
            least=math.nan,
            comparisons=len(tested),
            further=further_tests,
            claimed=claimed,
        )
        for member in family
    ]
    for place, adjusted in zip(tested, adjusted_values, strict=True):
        verdict, least = judged[place], math.nan
        outcome: Outcome = "better" if verdict.difference > 0 else "worse"
        if adjusted > ALPHA:
            outcome, generator = "none", np.random.default_rng(0)
            # Holm's method has stepped down to here: it would claim a p-value up to this one too.
            level = ALPHA / (len(tested) - claimed)
            least = least_claimable(verdict.differences, level, generator, weights=verdict.weights)
        judged[place] = replace(verdict, adjusted=float(adjusted), least=least, outcome=outcome)
    return tuple(judged[: len(verdicts)]), tuple(judged[len(verdicts) :])


def return_text(value: float) -> str:
    """A return as text: three significant digits or whole numbers, thousands separated."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= 99.95:
        return f"{value:,.0f}".replace("-", "−")
    decimals = 1 if abs(value) >= 9.995 else 2 if abs(value) >= 0.9995 else 3
    text = f"{value:.{decimals}f}"
    if value != 0 and float(text) == 0:
        text = f"{value:.2g}"
    return text.replace("-", "−")


def holm_text(adjusted: float, comparisons: int) -> str:
    """An adjusted p-value with the size of its family."""
    return f"{p_text(adjusted)}, Holm over {comparisons}"


def claims_text(comparisons: int) -> str:
    """Sentences on what claims rest on, and on what they mean."""
    plural = "" if comparisons == 1 else "s"
    return (
        "Claims: exact sign-flip test on pairs of common seeds (sampled beyond 20 pairs), "
        f"Holm-adjusted over {comparisons} comparison{plural}. Its null hypothesis is that the two "
        "have the same distribution, not that their means are equal; the size of a claim is the "
        "mean difference. Least claimable: the mean difference from which on one could have been "
        "claimed, at this spread and number of pairs, beside the other comparisons as they are."
    )


def too_few_text(verdicts: Iterable[Verdict]) -> list[str]:
    """A sentence if some comparisons have too few pairs to claim a difference of any size.

    Args:
        verdicts: of one family, on one environment each.
    """
    unclaimed = [verdict for verdict in verdicts if verdict.outcome == "none"]
    if not unclaimed:
        return []
    fewest = min(unclaimed, key=lambda verdict: verdict.pairs)
    needed = pairs_needed(fewest.comparisons - fewest.claimed)
    if fewest.pairs >= needed:
        return []
    among = f", {fewest.claimed} of them claimed," if fewest.claimed else ""
    return [
        f"With {fewest.comparisons} comparisons{among} no {'other ' * bool(among)}difference of "
        f"any size can be claimed from {fewest.pairs} pairs: {needed} are needed."
    ]


def least_text(least: float, pairs: int, unit: str = "") -> str:
    """The least difference that could have been claimed, in words."""
    if math.isinf(least):
        return f"none claimable at n = {pairs}"
    return f"least claimable {return_text(least)}{unit}"


def none_text(adjusted: float, comparisons: int, least: str, reference: str = "") -> str:
    """The sentence that no difference can be claimed, with the least that could have been."""
    evidence = f"{holm_text(adjusted, comparisons)}; {least}"
    return f"no difference{reference and f' from {reference}'} can be claimed ({evidence})"


def p_text(p_value: float) -> str:
    """A p-value with two digits, or more where two would put it on the wrong side of the level."""
    if p_value < 0.001:
        return "p < 0.001"
    for digits in (2, 3, 4, 6, 9):
        text = f"{p_value:.{digits}g}"
        if (float(text) <= ALPHA) == (p_value <= ALPHA):
            break
    return f"p = {text}"
