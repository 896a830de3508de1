"""Claims are decidable: what they name exists, and they say where they are from."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from ablations.claims import CLAIMS, answers, clip, code_level, rivals
from ablations.claims.claim import Claim, Comparison, Expected
from ablations.spec import Ablation
from bench.evidence.published import figure_3, table_1
from bench.plan.lookup import load_ablation
from bench.store.schema import UPDATES

ROOT = Path(__file__).parents[2]
SOURCE = re.compile(
    r"[A-Z]\w+ ((et al\.|& [A-Z]\w+) )?20\d\d, "
    r"(arXiv \d{4}\.\d{5}|joschu\.net/blog/kl-approx\.html)"
)
every_claim = pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)


def test_no_two_have_one_name() -> None:
    assert len(CLAIMS) == sum(len(topic.CLAIMS) for topic in (answers, clip, code_level, rivals))


@every_claim
def test_a_claim_says_where_it_is_from(claim: Claim) -> None:
    for source in claim.source.split("; "):
        assert SOURCE.match(source), source
    assert claim.claim.endswith(".")


@every_claim
def test_runs_or_a_test_decide_it(claim: Claim) -> None:
    if claim.decided_by:
        path, name = claim.decided_by.split("::")
        assert f"\ndef {name}(" in (ROOT / path).read_text()
    assert bool(claim.decided_by) != bool(claim.ablation)
    assert bool(claim.ablation) == bool(claim.comparisons)
    assert bool(claim.ablation) == bool(claim.differs)


def comparisons() -> list[tuple[Ablation, Comparison]]:
    return [
        (load_ablation(claim.ablation), comparison)
        for claim in CLAIMS.values()
        for comparison in claim.comparisons
    ]


@pytest.mark.parametrize(("ablation", "comparison"), comparisons())
def test_a_comparison_is_of_what_there_is(ablation: Ablation, comparison: Comparison) -> None:
    names = {variant.name for variant in ablation.variants}
    assert {comparison.variant, comparison.reference} <= names
    assert comparison.variant != comparison.reference
    assert set(comparison.environments) <= set(ablation.environments)
    assert comparison.measure in {"score", *UPDATES.names}
    assert comparison.margin >= 0
    assert comparison.margin > 0 or not comparison.expected.startswith("no")
    assert len(ablation.seeds) >= 10


@pytest.mark.parametrize(
    ("expected", "interval"),
    [
        ("better", (0.2, math.inf)),
        ("worse", (-math.inf, -0.2)),
        ("not worse", (-0.2, math.inf)),
        ("no difference", (-0.2, 0.2)),
    ],
)
def test_where_a_difference_lies_by_a_claim(
    expected: Expected, interval: tuple[float, float]
) -> None:
    comparison = Comparison(variant="a", reference="b", expected=expected, margin=0.2)
    assert comparison.claimed == interval


def test_numbers_of_the_ppo_paper_are_those_that_are_kept_beside_our_results() -> None:
    printed = CLAIMS["table_1_order"].numbers
    assert {variant: float(score) for variant, score in printed.items()} == table_1.average_scores()
    ends: dict[str, dict[str, float]] = {}
    for end in figure_3.curve_ends().itertuples():
        ends.setdefault(end.algorithm, {})[end.environment] = end.last_10_percent
    ppo = ends[figure_3.LEGEND["clipped_ppo"]]
    for rival, ahead in rivals.AHEAD.items():
        scores = {
            name: value
            for name, value in ends[figure_3.LEGEND[rival]].items()
            if not math.isnan(value)
        }
        assert (
            ahead == f"{sum(ppo[name] > value for name, value in scores.items())} of {len(scores)}"
        )
