"""What may be claimed: each variant against its reference, environment by environment.

The reference is the ablation's control, or the variant that the variant itself names.

A claim rests on pairs of common seeds, whose random streams are common too: an exact sign-flip
test of the paired score differences, Holm-adjusted over all tested comparisons of the page. With
fewer than `FEWEST_PAIRS` pairs nothing is tested and nothing is claimed. "No difference can be
claimed" is not "they are equal": it says that these seeds do not tell them apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from bench.errors import unknown
from bench.evidence.measures.cells import by_seed, paired_differences
from bench.evidence.statistics.significance import ALPHA, FEWEST_PAIRS, holm, sign_flip_test

Outcome = Literal["control", "untested", "none", "better", "worse"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The claim that the evidence allows about one variant on one environment.

    `difference` is the mean over pairs of (variant − reference) in units of the return, NaN without
    pairs; `p_value` is the sign-flip test's, `adjusted` Holm's over the `comparisons` tested on
    the page; both are NaN where nothing was tested. The outcome is "better" or "worse" than the
    reference only at adjusted p ≤ `ALPHA`. `reference` is the name of the variant that this one is
    compared with, the control's its own; `reference_title` is "control" or that variant's title.
    """

    environment: str
    variant: str
    reference: str
    reference_title: str
    pairs: int
    difference: float
    p_value: float
    adjusted: float
    comparisons: int
    outcome: Outcome
    further: int = 0  # of the comparisons, those of something else than one environment's seeds

    @property
    def sentence(self) -> str:
        """The claim in words, every number in it from the data."""
        if self.outcome == "control":
            return "control"
        if self.outcome == "untested":
            return f"no claim: n = {self.pairs} < {FEWEST_PAIRS}"
        if self.outcome == "none":
            other = "" if self.reference_title == "control" else f" from {self.reference_title}"
            return f"no difference{other} can be claimed ({self.evidence})"
        size = return_text(abs(self.difference))
        return f"{self.outcome} than {self.reference_title} by {size} ({self.evidence})"

    @property
    def evidence(self) -> str:
        """The adjusted p-value, and over how many comparisons it is adjusted."""
        return holm_text(self.adjusted, self.comparisons)


def judge_plan(
    plan: pd.DataFrame, scores: pd.DataFrame, *, further: Sequence[float] = (), seed: int = 0
) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """Judge a page by the references that its plan names.

    Where the control has no results, the first variant that has takes its place; where another
    reference has none, the control does.

    Args:
        plan: the store's plan of the ablation.
        scores: the frame of `scores.score_runs`.
        further: as in `judge`.
        seed: as in `judge`.

    Returns:
        The verdicts of `judge`, and a line for each reference that another one had to replace.
    """
    present = list(dict.fromkeys(scores["variant"]))
    named, notes = str(plan["control"].iloc[0]), []
    control = named if named in present else present[0]
    if control != named:
        notes.append(f"The control {named} has no results here; compared with {control}.")
    compared_with = {}
    chosen = plan.dropna(subset="compared_with")
    for variant, reference in zip(chosen["variant"], chosen["compared_with"], strict=True):
        if reference in present:
            compared_with[variant] = reference
        elif variant in present and variant != control:
            notes.append(f"{reference} has no results here; {variant} is compared with {control}.")
    verdicts = judge(scores, control, compared_with, further=further, seed=seed)
    return verdicts, tuple(dict.fromkeys(notes))


def judge(
    scores: pd.DataFrame,
    control: str,
    compared_with: Mapping[str, str] | None = None,
    *,
    further: Sequence[float] = (),
    seed: int = 0,
) -> tuple[Verdict, ...]:
    """Judge every variant of a page against its reference.

    Args:
        scores: the frame of `scores.score_runs`; seeds without a score make no pair. All of its
            comparisons together are the page over which Holm's adjustment runs.
        control: name of the variant that the others are compared with,
        compared_with: save for these: name of a variant -> name of its reference.
        further: p-values of whatever else is tested on the page, to adjust for those too.
        seed: of the sign-flip test's sampling, which starts beyond 20 pairs.

    Returns:
        One verdict a variant and environment, in the frame's order, the control's own included.

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
    differences = {
        (environment, variant): paired_differences(
            own, values.get((environment, references[variant]), {})
        )
        for (environment, variant), own in values.items()
    }

    tested = [
        key
        for key, pairs in differences.items()
        if key[1] != control and len(pairs) >= FEWEST_PAIRS
    ]
    # A fresh generator each: a verdict does not depend on the order of its neighbours.
    raw = {key: sign_flip_test(differences[key], np.random.default_rng(seed)) for key in tested}
    together = holm([*raw.values(), *further]).tolist()
    adjusted = dict(zip(tested, together[: len(tested)], strict=True))
    return tuple(
        Verdict(
            environment=key[0],
            variant=key[1],
            reference=references[key[1]],
            reference_title=titles[references[key[1]]] or references[key[1]],
            pairs=len(pairs),
            difference=float(pairs.mean()) if len(pairs) else math.nan,
            p_value=raw.get(key, math.nan),
            adjusted=adjusted.get(key, math.nan),
            comparisons=len(together),
            further=len(further),
            outcome=_outcome(key[1] == control, pairs, adjusted.get(key)),
        )
        for key, pairs in differences.items()
    )


def return_text(value: float) -> str:
    """A return for people: three significant digits or whole numbers, thousands separated."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= 99.95:
        return f"{value:,.0f}".replace("-", "−")
    decimals = 1 if abs(value) >= 9.995 else 2 if abs(value) >= 0.9995 else 3
    text = f"{value:.{decimals}f}"
    if value != 0 and float(text) == 0:
        text = f"{value:.2g}"
    return text.replace("-", "−")


def _outcome(is_control: bool, pairs: np.ndarray, adjusted: float | None) -> Outcome:
    if is_control:
        return "control"
    if adjusted is None:
        return "untested"
    if adjusted > ALPHA:
        return "none"
    return "better" if pairs.mean() > 0 else "worse"


def holm_text(adjusted: float, comparisons: int) -> str:
    """An adjusted p-value with the size of its family."""
    return f"{p_text(adjusted)}, Holm over {comparisons}"


def p_text(p_value: float) -> str:
    """Two digits, or more where two would put p on the wrong side of the level."""
    if p_value < 0.001:
        return "p < 0.001"
    for digits in (2, 3, 4, 6, 9):
        text = f"{p_value:.{digits}g}"
        if (float(text) <= ALPHA) == (p_value <= ALPHA):
            break
    return f"p = {text}"
