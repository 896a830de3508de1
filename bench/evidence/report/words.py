"""What happened and why, in sentences that claim no more than verdicts and diagnostics show."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.evidence.findings import Findings
from bench.evidence.measures.cells import range_text
from bench.evidence.rivals import Improvement
from bench.evidence.statistics.claimable import FEWEST_PAIRS, pairs_needed
from bench.evidence.verdicts import Verdict, p_text, return_text
from bench.formatting import count


def conclusion(findings: Findings, titles: Mapping[str, str]) -> str:
    """Return the sentence on what may be claimed.

    Args:
        findings: the page's.
        titles: variant -> what tables call it.
    """
    golden = [
        replace(verdict, environment=f"the gold reward of {verdict.environment}")
        for verdict in findings.golden
    ]
    judged = [verdict for verdict in (*findings.verdicts, *golden) if verdict.outcome != "control"]
    if not judged:
        return "There is one variant only: nothing is compared, and nothing is claimed."
    tested = [verdict for verdict in judged if verdict.outcome != "untested"]
    obstacles = list(dict.fromkeys(verdict.unlike for verdict in judged if verdict.unlike))
    if not tested and obstacles:
        return f"No difference is claimed: {'; '.join(obstacles)}."
    if not tested:
        most = max(verdict.pairs for verdict in judged)
        return (
            f"No difference is claimed: there are at most {most} pairs of common seeds, and a "
            f"claim needs {FEWEST_PAIRS} or more."
        )
    parts = _over_all(findings.over_all)
    for page in (findings.verdicts, golden):  # in other units: a claim on both is two clauses
        parts += _claims([v for v in page if v.outcome not in ("control", "untested")], titles)
    pairs = range_text(verdict.pairs for verdict in tested)
    parts += _no_claims(tested)
    parts += _no_claims_over_all(findings.over_all)
    if untested := len(judged) - len(tested):
        why = "; ".join(obstacles) or f"fewer than {FEWEST_PAIRS} pairs"
        parts.append(f"{count(untested, 'comparison')} could not be tested ({why})")
    text = "; ".join(parts)
    family = tested[0].comparisons
    return f"{text[0].upper()}{text[1:]} (n = {pairs} pairs of seeds each; Holm over {family})."


def told_apart(findings: Findings, titles: Mapping[str, str]) -> str:
    """Return a sentence on what the letters add over several environments; empty without any.

    It is about the pairs that the page compares, and left out where the page has tests of its own
    over all environments.

    Args:
        findings, titles: as for `conclusion`.
    """
    display = findings.letters
    if display is None or len(display.environments) < 2 or findings.over_all:
        return ""
    means = {row.variant: row.mean for row, _ in display.rows}
    texts = {row.variant: set(text) for row, text in display.rows}
    pairs = dict.fromkeys(
        (verdict.variant, verdict.reference)
        for verdict in findings.verdicts
        if verdict.outcome != "control" and {verdict.variant, verdict.reference} <= texts.keys()
    )
    apart = [pair for pair in pairs if not texts[pair[0]] & texts[pair[1]]]
    clauses = [
        f"“{titles[variant]}” ends {'above' if means[variant] > means[reference] else 'below'} "
        f"“{titles[reference]}”"
        for variant, reference in apart
    ]
    rest = f"of the other {len(pairs) - len(apart)}" if apart else f"of {len(pairs)}"
    if len(apart) < len(pairs):
        clauses.append(f"nothing is claimed {rest}")
    return (
        f"Over {len(display.environments)} environments together, {_listed(clauses)} (letters; "
        f"Holm over {display.comparisons:,} pairs of variants, another family)."
    )


def _over_all(rows: Sequence[Improvement]) -> list[str]:
    """Who is better over several environments together, each claim with its size."""
    claimed: dict[tuple[int, str, str], list[Improvement]] = {}
    for row in rows:
        if row.verdict.outcome in ("better", "worse"):
            verb = "beats" if row.verdict.outcome == "worse" else "falls short of"
            claimed.setdefault((len(row.environments), row.first_title, verb), []).append(row)
    return [
        f"over {number} environments, on the normalised scale, “{first}” {verb} "
        + _listed(
            [
                f"“{improvement.rival_title}” by {abs(improvement.verdict.difference):.2f} "
                f"({p_text(improvement.verdict.adjusted)})"
                for improvement in improvements
            ]
        )
        for (number, first, verb), improvements in claimed.items()
    ]


def _no_claims_over_all(rows: Sequence[Improvement]) -> list[str]:
    """Over several environments together, whom the control can't be told from."""
    inconclusive: dict[int, list[str]] = {}
    for row in rows:
        if row.verdict.outcome == "none":
            inconclusive.setdefault(len(row.environments), []).append(f"“{row.rival_title}”")
    return [
        f"over {number} environments nothing is claimed of {_listed(names)}"
        for number, names in inconclusive.items()
    ]


def _claims(tested: Sequence[Verdict], titles: Mapping[str, str]) -> list[str]:
    """Who beats what, and by how much, a clause per group of environments; large groups first."""
    by_comparison: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in tested:
        if verdict.outcome != "none":
            comparison = (verdict.outcome, verdict.variant, verdict.reference)
            by_comparison.setdefault(comparison, []).append(verdict)
    by_place: dict[tuple[str, ...], dict[tuple[str, str], list[Verdict]]] = {}
    for (outcome, _, reference_name), verdicts in by_comparison.items():
        reference = f"“{titles.get(reference_name, reference_name)}”"
        if verdicts[0].reference_title == "control":
            reference = f"the control, {reference},"
        groups = by_place.setdefault(tuple(verdict.environment for verdict in verdicts), {})
        groups.setdefault((outcome, reference), []).extend(verdicts)
    sentences = []
    for environments, groups in sorted(by_place.items(), key=lambda item: -len(item[0])):
        clauses = [_claim(verdicts, key, titles) for key, verdicts in groups.items()]
        text = _listed(clauses, ", and ")
        sentences.append(f"on {_listed(environments)}, {text.replace(',,', ',')}")
    return sentences


def _claim(verdicts: Sequence[Verdict], key: tuple[str, str], titles: Mapping[str, str]) -> str:
    """Like "“a” and “b” beat the control, “c”, by 54.1 to 75.1 (p ≤ 0.039)"."""
    outcome, reference = key
    verbs = {"better": ("beats", "beat"), "worse": ("falls short of", "fall short of")}[outcome]
    names = [f"“{titles.get(verdict.variant, verdict.variant)}”" for verdict in verdicts]
    who = list(dict.fromkeys(names))
    sizes = sorted(abs(verdict.difference) for verdict in verdicts)
    size = " to ".join(dict.fromkeys((return_text(sizes[0]), return_text(sizes[-1]))))
    largest = p_text(max(verdict.adjusted for verdict in verdicts))
    p_value = largest if len(verdicts) == 1 else largest.replace("=", "≤")
    return f"{_listed(who)} {verbs[len(who) > 1]} {reference} by {size} ({p_value})"


def _no_claims(tested: Sequence[Verdict]) -> list[str]:
    """Where nothing is claimed, and whether anything could have been."""
    number = sum(verdict.outcome == "none" for verdict in tested)
    if not number:
        return []
    if number < len(tested):
        counted = "comparison is" if number == 1 else f"{number} comparisons are"
        return [f"the other {counted} inconclusive"]
    counted = "the one comparison is" if number == 1 else f"all {number} comparisons"
    where = " on single environments" if tested[0].further else ""
    text = f"{counted}{where}{'' if number == 1 else ' are'} inconclusive"
    needed = pairs_needed(tested[0].comparisons - tested[0].claimed)
    if min(verdict.pairs for verdict in tested) < needed:
        text += f": to claim a difference among so many takes {needed} pairs, whatever its size"
    return [text]


def _listed(claims: Sequence[str], before_last: str = " and ") -> str:
    return before_last.join(filter(None, (", ".join(claims[:-1]), claims[-1])))


def gained(verdicts: Sequence[Verdict]) -> str:
    """What a variant gained, one clause per outcome with its environments.

    Like "better on A (+837, p = 0.027); inconclusive on B (+331, p = 0.11)".

    Args:
        verdicts: one variant's verdicts, one per environment.
    """
    parts = []
    words = {"better": "better", "worse": "worse", "none": "inconclusive", "untested": "not tested"}
    for outcome, word in words.items():
        matches = [verdict for verdict in verdicts if verdict.outcome == outcome and verdict.pairs]
        if matches:
            environments = _listed(
                [f"{verdict.environment} ({_signed(verdict)})" for verdict in matches]
            )
            parts.append(f"{word} on {environments}")
    return "; ".join(parts) or "no pair of common seeds"


def _signed(verdict: Verdict) -> str:
    size = return_text(abs(verdict.difference))
    sign = "−" if verdict.difference < 0 else "+"
    above = sum(difference > 0 for difference in verdict.differences)
    seeds = f", above in {above} of {verdict.pairs} pairs"
    tested = f", {p_text(verdict.adjusted)}" if math.isfinite(verdict.adjusted) else seeds
    return f"{sign}{size}{tested}"


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """A diagnostic that a step is about, and what a change in it means.

    Attributes:
        column: its column in the store's `updates`.
        name: its name in words, with an article.
        more: what it means if the diagnostic is larger than in the step before; `less`: if smaller.
        first: whether it is read from a seed's first batch alone, where both variants still have
            the same policy; else from a typical update.
    """

    column: str
    name: str
    more: str
    less: str
    first: bool = False


_ALIKE = 1.1
"""Values whose ratio is within this factor count as alike."""


def reason(
    mechanism: Mechanism,
    values: Mapping[str, tuple[float, float]],
    before: str,
    after: str,
    *,
    unclear: Collection[str] = (),
) -> str:
    """Explain a step by a diagnostic: its values in both variants, and what they mean.

    Args:
        mechanism: the diagnostic.
        values: environment -> its value in the step before and in this one; finite.
        before: title of the step before.
        after: title of this step.
        unclear: environments on which the seeds can't tell the two values apart.

    Returns:
        A sentence; empty without values.
    """
    if not values:
        return ""
    changes = [
        f"{significant(old)} → {significant(new)} on {environment}"
        for environment, (old, new) in values.items()
    ]
    directions = {
        "alike" if environment in unclear else _direction(old, new)
        for environment, (old, new) in values.items()
    }
    reading = {"more": mechanism.more, "less": mechanism.less, "alike": "hardly another number"}
    if unclear:
        reading["alike"] = "the seeds can't tell the two apart"
    if len(directions) == 1:
        meaning = reading[directions.pop()]
    elif directions >= {"more", "less"}:
        meaning = "not the same direction in every environment, so it explains nothing by itself"
    else:
        meaning = "no clear change in some environments, so it explains little by itself"
    return f"From “{before}” to “{after}”, {mechanism.name} goes {_listed(changes)}: {meaning}."


def _direction(old: float, new: float) -> str:
    if abs(new - old) <= (_ALIKE - 1) * max(abs(old), abs(new)):
        return "alike"
    return "more" if new > old else "less"


def significant(value: float) -> str:
    """Three significant digits."""
    if not math.isfinite(value):
        return "–"
    if abs(value) < 1e-12:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    rounded = float(f"{value:.3g}")
    text = f"{rounded:,.0f}" if abs(rounded) >= 1_000 else f"{value:#.3g}".removesuffix(".")
    return text.replace("-", "−")
