"""The sentence of a page: what it claims, what it does not, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from bench.evidence.findings import Findings
from bench.evidence.measures.anchors import anchors
from bench.evidence.report.words import (
    Mechanism,
    conclusion,
    gained,
    reason,
    significant,
    told_apart,
)
from bench.evidence.results import Results
from bench.evidence.rivals import Improvement
from bench.evidence.statistics.claimable import ALPHA
from bench.evidence.verdicts import Verdict, adjust, judge
from bench.store import PUBLISHED, load
from tests.evidence.score_frames import Scores, frame

CONTROL = np.linspace(900, 1100, 10)
NO_CLAIM = np.array([5, -4, 3, -2, 6, -5, 1, -1, 2, -3.0])


def sentence_of(
    scores: Scores,
    compared_with: Mapping[str, str] | None = None,
    over_all: Sequence[Improvement] = (),
    golden: Sequence[Verdict] = (),
) -> str:
    page = frame(scores)
    titles = {name: f"the {name}" for name in page["variant"].unique()}
    further = [row.verdict for row in over_all]
    verdicts, _ = adjust(judge(page, "old", compared_with), further)
    findings = Findings(
        plan=page[:0],
        scores=page,
        verdicts=verdicts,
        golden=tuple(golden),
        rivals=tuple(over_all),
        notes=(),
        find_anchors=lambda: anchors(None, None),
    )
    return conclusion(findings, titles)


def row(rival: str, difference: float, adjusted: float) -> Improvement:
    return Improvement(
        environments=("A", "B"),
        over_all=True,
        first_title="new",
        rival_title=rival,
        seeds=(10, 10),
        probability=0.5,
        low=0.0,
        high=1.0,
        verdict=Verdict(
            environment="",
            variant=rival,
            reference="new",
            reference_title="new",
            pairs=10,
            difference=-difference,
            p_value=adjusted,
            adjusted=adjusted,
            outcome="untested"
            if math.isnan(adjusted)
            else "none"
            if adjusted > ALPHA
            else "worse"
            if difference > 0
            else "better",
            differences=-difference + NO_CLAIM,
        ),
    )


def test_the_gold_reward_has_clauses_of_its_own() -> None:
    proxy = {("Reviews", "old"): CONTROL, ("Reviews", "new"): CONTROL + 300 + NO_CLAIM}
    golden = judge(
        frame({("Reviews", "old"): CONTROL, ("Reviews", "new"): CONTROL - 7 + NO_CLAIM / 10}), "old"
    )
    sentence = sentence_of(proxy, golden=golden)
    assert sentence.startswith("On Reviews, “the new” beats the control, “the old”, by 300 (p")
    assert (
        "; on the gold reward of Reviews, “the new” falls short of the control, “the old”, by 6."
        in sentence
    )


def test_claims_of_one_environment_and_reference_stand_together() -> None:
    text = sentence_of(
        {
            ("A", "old"): CONTROL,
            ("A", "a"): CONTROL + 200,
            ("A", "b"): CONTROL + 300,
            ("A", "c"): CONTROL - 7,
            ("B", "old"): CONTROL,
            ("B", "a"): CONTROL + NO_CLAIM,
        }
    )
    assert text == (
        "On A, “the a” and “the b” beat the control, “the old”, by 200 to 300 (p ≤ 0.0078), and "
        "“the c” falls short of the control, “the old”, by 7.00 (p = 0.0078); the other comparison "
        "is inconclusive (n = 10 pairs of seeds each; Holm over 4)."
    )


def test_a_claim_on_several_environments_is_told_once() -> None:
    text = sentence_of(
        {
            ("A", "old"): CONTROL,
            ("A", "a"): CONTROL + 300,
            ("A", "b"): CONTROL + 40,
            ("B", "old"): CONTROL,
            ("B", "a"): CONTROL + 200,
            ("B", "b"): CONTROL - 30,
        }
    )
    assert text == (
        "On A and B, “the a” beats the control, “the old”, by 200 to 300 (p ≤ 0.0078); on A, “the "
        "b” beats the control, “the old”, by 40.0 (p = 0.0078); on B, “the b” falls short of the "
        "control, “the old”, by 30.0 (p = 0.0078) (n = 10 pairs of seeds each; Holm over 4)."
    )


def test_a_variant_is_told_beside_what_it_is_compared_with() -> None:
    scores = {("A", "old"): CONTROL, ("A", "a"): CONTROL + 9, ("A", "b"): CONTROL}
    text = sentence_of(scores, {"b": "a"})
    assert "“the b” falls short of “the a” by 9.00 (p = 0.0039)" in text


def test_without_a_claim_it_says_so() -> None:
    scores = {("A", "old"): CONTROL, ("A", "a"): CONTROL + NO_CLAIM}
    assert sentence_of(scores) == (
        "The one comparison is inconclusive (n = 10 pairs of seeds each; Holm over 1)."
    )


def test_too_few_pairs_are_the_reason_where_they_are() -> None:
    many = {("A", "old"): CONTROL} | {("A", f"v{i}"): CONTROL + 1e6 for i in range(26)}
    assert "All 26 comparisons are inconclusive: to claim a difference" in (
        text := sentence_of(many)
    )
    assert "among so many takes 11 pairs, whatever its size" in text
    few = {("A", "old"): CONTROL[:9], ("A", "a"): CONTROL[:9] + 1e6}
    assert sentence_of(few) == (
        "No difference is claimed: there are at most 9 pairs of common seeds, and a claim needs 10 "
        "or more."
    )
    mixed = {**many, ("A", "few"): CONTROL[:3]}
    assert "1 comparison could not be tested (fewer than 10 pairs)" in sentence_of(mixed)
    assert sentence_of({("A", "old"): CONTROL}).startswith("There is one variant only")


def test_claims_over_all_environments_come_first_and_only_if_they_hold() -> None:
    scores = {("A", "old"): CONTROL, ("A", "a"): CONTROL + NO_CLAIM}
    rows = [row("x", 0.4, 0.0001), row("y", -0.2, 0.03), row("z", 0.9, 0.06), row("w", 1, math.nan)]
    text = sentence_of(scores, over_all=rows)
    assert text.startswith(
        "Over 2 environments, on the normalised scale, “new” beats “x” by 0.40 (p < 0.001); over 2 "
        "environments, on the normalised scale, “new” falls short of “y” by 0.20 (p = 0.03); the "
    )
    assert "; over 2 environments nothing is claimed of “z” (" in text and "“w”" not in text


def test_a_difference_is_told_just_where_one_is_claimed() -> None:
    generator = np.random.default_rng(2)
    cells = [(environment, variant) for environment in "AB" for variant in ("old", "a", "b")]
    outcomes = set()
    for difference in (0, 0, 150, 1000) * 3:
        values = generator.normal(1000, 100, (len(cells), 10))
        scores = dict(zip(cells, values + np.array([0, difference, 0] * 2)[:, None], strict=True))
        verdicts, _ = adjust(judge(frame(scores), "old"), ())
        claimed = any(verdict.outcome in ("better", "worse") for verdict in verdicts)
        assert bool(re.search(" beats? | falls? short ", sentence_of(scores))) == claimed
        outcomes.add(claimed)
    assert outcomes == {True, False}


def test_what_was_gained_is_told_by_outcome() -> None:
    scores = {("A", "old"): CONTROL, ("A", "a"): CONTROL + 200}
    scores |= {("B", "old"): CONTROL, ("B", "a"): CONTROL + NO_CLAIM}
    scores |= {("C", "old"): CONTROL[:4], ("C", "a"): CONTROL[:4] - 7}
    verdicts = [
        verdict for verdict in adjust(judge(frame(scores), "old"), ())[0] if verdict.variant == "a"
    ]
    assert gained(verdicts) == (
        "better on A (+200, p = 0.0039); inconclusive on B (+0.200, p = 0.93); not tested on C "
        "(−7.00, above in 0 of 4 pairs)"
    )
    assert gained([]) == "no pair of common seeds"


MOVE = Mechanism(column="kl_mean", name="the KL", more="it moves more", less="it moves less")


@pytest.mark.parametrize(
    ("values", "phrase"),
    [
        ({"A": (1.0, 2.0), "B": (0.1, 0.3)}, "it moves more"),
        ({"A": (2.0, 1.0)}, "it moves less"),
        ({"A": (2.0, 2.01)}, "hardly another number"),
        ({"A": (1.0, 2.0), "B": (2.0, 1.0)}, "not the same direction in every environment"),
        ({"A": (-1.0, 1.0)}, "it moves more"),
    ],
)
def test_a_reason_says_what_the_numbers_do(
    values: dict[str, tuple[float, float]], phrase: str
) -> None:
    text = reason(MOVE, values, "before", "now")
    assert text.startswith("From “before” to “now”, the KL goes ")
    assert phrase in text
    for old, new in values.values():
        assert f"{significant(old)} → {significant(new)}" in text


def test_without_numbers_there_is_no_reason() -> None:
    assert reason(MOVE, {}, "before", "now") == ""


def test_letters_say_what_is_apart_over_the_environments() -> None:
    slots = Results(view=load("slots", PUBLISHED), source="")
    lettering = slots.findings.letters
    assert lettering is not None
    letters = {row.variant: set(text) for row, text in lettering.rows}
    apart = [name for name, text in letters.items() if not text & letters["slots_8"]]
    assert apart == ["slots_32"]
    assert told_apart(slots.findings, slots.titles) == (
        "Over 2 environments together, “32 slots” ends below “8 slots” and nothing is claimed of "
        "the other 5 (letters; Holm over 21 pairs of variants, another family)."
    )
    lone = Results(view=load("no_clip", PUBLISHED), source="")
    assert told_apart(lone.findings, lone.titles) == ""
