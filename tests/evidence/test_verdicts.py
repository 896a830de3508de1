"""What is claimed, when, in which words, and how often wrongly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from bench.errors import InputError
from bench.evidence.statistics.claimable import ALPHA, pairs_needed
from bench.evidence.statistics.significance import holm, least_claimable, sign_flip_test
from bench.evidence.verdicts import Verdict, adjust, judge, judge_plan, p_text, return_text
from bench.kinds import EVALUATIONS, MEANS
from tests.evidence.score_frames import Draw, Scores, each_null, frame


def verdict(scores: Scores, variant: str, environment: str = "Hopper-v5") -> Verdict:
    (match,) = (
        v
        for v in judge(frame(scores), "control")
        if (v.environment, v.variant) == (environment, variant)
    )
    return match


CONTROL = np.linspace(900, 1100, 10)


def test_a_clear_difference_is_claimed_in_numbers_from_the_data() -> None:
    scores = {("Hopper-v5", "control"): CONTROL, ("Hopper-v5", "new"): CONTROL + 312}
    better = verdict(scores, "new")
    assert better.outcome == "better"
    assert better.pairs == 10
    assert better.difference == pytest.approx(312)
    assert better.p_value == better.adjusted == 2**-9
    assert better.sentence == "better than control by 312 (p = 0.002, Holm over 1)"
    worse = verdict({**scores, ("Hopper-v5", "new"): CONTROL - 0.25}, "new")
    assert worse.sentence == "worse than control by 0.250 (p = 0.002, Holm over 1)"
    assert verdict(scores, "control").sentence == "control"


def test_a_doubtful_difference_is_not_claimed() -> None:
    shift = np.array([5, -4, 3, -2, 6, -5, 1, -1, 2, -3.0])
    scores = {("Hopper-v5", "control"): CONTROL, ("Hopper-v5", "new"): CONTROL + shift}
    unclaimed = verdict(scores, "new")
    expected = sign_flip_test(shift, np.random.default_rng(0))
    assert unclaimed.outcome == "none"
    assert unclaimed.p_value == expected
    assert unclaimed.least == least_claimable(shift, ALPHA, np.random.default_rng(0))
    evidence = f"p = {expected:.2g}, Holm over 1; least claimable {unclaimed.least:.2f}"
    assert unclaimed.sentence == f"no difference can be claimed ({evidence})"


def test_a_reference_without_scores_there_is_missing_and_not_another_quantity() -> None:
    """Whatever the control is elsewhere, where it has no seed there are no pairs."""
    scores = frame(
        {("Walker2d-v5", "control"): CONTROL, ("Hopper-v5", "new"): CONTROL + 312}
    ).assign(budget=lambda rows: np.where(rows["variant"] == "control", 999_000, 100_000))
    new = next(v for v in judge(scores, "control") if v.variant == "new")
    assert (new.outcome, new.pairs, new.unlike) == ("untested", 0, "")


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (0.0009, "p < 0.001"),
        (0.001, "p = 0.001"),
        (0.05, "p = 0.05"),
        (0.0496, "p = 0.05"),
        (0.0504, "p = 0.0504"),
        (0.05004, "p = 0.05004"),
        (0.050000044, "p = 0.050000044"),
    ],
)
def test_a_p_value_stands_on_its_side_of_the_level(p_value: float, text: str) -> None:
    assert p_text(p_value) == text


def test_the_least_claimable_difference_is_where_the_claim_begins() -> None:
    """On the same spread, a hundredth more is claimed and a hundredth less is not, up and down.

    Also where others of the family are claimed, or aren't, all of them as they are.
    """
    shift = np.array([5, -4, 3, -2, 6, -5, 1, -1, 2, -3.0]) * np.linspace(1, 2, 10)
    centred = shift - shift.mean()
    claimed = {("Hopper-v5", name): CONTROL + 1e4 for name in "abc"}
    unclaimed = {("Hopper-v5", name): CONTROL + centred[::-1] for name in "de"}
    leasts = []
    for others in ({}, claimed, unclaimed, claimed | unclaimed):
        pair_scores = {("Hopper-v5", "control"): CONTROL, **others}

        def shifted(size: float, pair_scores: Scores = pair_scores) -> Verdict:
            new = {("Hopper-v5", "new"): CONTROL + centred + size}
            return verdict({**pair_scores, **new}, "new")

        least = shifted(0.0).least
        leasts.append(least)
        for factor in (1.01, 0.99):
            outcomes = {shifted(factor * least).outcome, shifted(-factor * least).outcome}
            assert ("none" in outcomes) == (factor < 1)
    # What is claimed already asks nothing of the others; what isn't, on the way to none at all.
    assert leasts[0] == leasts[1] < leasts[2] == leasts[3]


def test_where_no_difference_of_any_size_could_be_claimed_that_is_said() -> None:
    shift = np.array([5, -4, 3, -2, 6, -5, 1, -1, 2, -3.0])
    variants = {("Hopper-v5", f"v{place:02}"): CONTROL + shift for place in range(26)}
    unclaimed = verdict({("Hopper-v5", "control"): CONTROL, **variants}, "v00")
    assert math.isinf(unclaimed.least)
    assert unclaimed.sentence.endswith("Holm over 26; none claimable at n = 10)")


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"budget": 999_000}, "no claim: 999,000 steps, control has 100,000"),
        ({"kind": EVALUATIONS}, "no claim: evaluations, control has training episodes"),
        ({"kind": MEANS}, "no claim: means of training episodes, control has training episodes"),
        ({"back_end": "warp"}, "no claim: stepped by warp, control by envpool"),
    ],
)
def test_what_is_not_alike_is_not_compared(columns: dict[str, object], reason: str) -> None:
    control = frame({("Hopper-v5", "control"): CONTROL, ("Hopper-v5", "new"): CONTROL + 300})
    other = frame({("Hopper-v5", "other"): CONTROL + 1879}).assign(**columns)
    verdicts = {v.variant: v for v in judge(pd.concat([control, other]), "control")}
    assert (verdicts["other"].outcome, verdicts["other"].sentence) == ("untested", reason)
    assert math.isnan(verdicts["other"].difference) and not len(verdicts["other"].differences)
    # It is none of the family either.
    assert verdicts["new"].sentence == "better than control by 300 (p = 0.002, Holm over 1)"


def test_what_is_not_compared_is_noted() -> None:
    other = frame({("Hopper-v5", "first"): CONTROL}).assign(budget=999_000)
    scores = pd.concat([frame({("Hopper-v5", "control"): CONTROL}), other])
    _, notes = judge_plan(plan("control", {"control": None, "first": None}), scores)
    assert notes == ("Not compared: the first on Hopper-v5 (999,000 steps, control has 100,000).",)


def test_imported_training_episodes_of_a_like_budget_are_compared() -> None:
    control = frame({("Hopper-v5", "control"): CONTROL})
    other = frame({("Hopper-v5", "other"): CONTROL + 300})
    other = other.assign(back_end="imported", budget=99_400)
    verdicts = judge(pd.concat([control, other]), "control")
    assert [v.outcome for v in verdicts] == ["control", "better"]


def test_below_ten_pairs_nothing_is_claimed_however_large_the_difference() -> None:
    scores = {
        ("Hopper-v5", "control"): CONTROL,
        ("Hopper-v5", "new"): CONTROL[:5] + 1e6,
        ("Hopper-v5", "nine"): [*(CONTROL[:9] + 1e6), math.nan],
    }
    few = verdict(scores, "new")
    assert few.outcome == "untested" and math.isnan(few.p_value)
    assert few.sentence == "no claim: n = 5 < 10"
    assert verdict(scores, "nine").sentence == "no claim: n = 9 < 10"


def test_pairs_are_of_common_seeds() -> None:
    # Seeds 0 to 9 against 5 to 14: five pairs, and of equal seeds.
    control = frame({("Hopper-v5", "control"): np.arange(10.0) ** 2})
    new = frame({("Hopper-v5", "new"): (np.arange(5.0, 15.0)) ** 2 + 7})
    new["seed"] += 5
    verdicts = judge(pd.concat([control, new]).sample(frac=1, random_state=0), "control")
    (paired,) = (v for v in verdicts if v.variant == "new")
    assert paired.pairs == 5
    assert paired.difference == 7


def test_p_is_adjusted_over_all_tested_comparisons_of_the_page() -> None:
    generator = np.random.default_rng(0)
    scores: dict[tuple[str, str], np.ndarray] = {}
    for environment in ("Hopper-v5", "Ant-v5"):
        scores[environment, "control"] = CONTROL
        for rank, variant in enumerate(("a", "b", "c")):
            scores[environment, variant] = CONTROL + 40 * rank + 60 * generator.normal(size=10)
    scores["Ant-v5", "c"] = scores["Ant-v5", "c"][:4]
    tested = [v for v in judge(frame(scores), "control") if not math.isnan(v.p_value)]
    assert len(tested) == 5
    assert {v.comparisons for v in tested} == {5}
    expected = holm([v.p_value for v in tested])
    np.testing.assert_array_equal([v.adjusted for v in tested], expected)
    assert max(v.adjusted - v.p_value for v in tested) > 0


def test_what_is_tested_besides_is_counted_in_the_family_and_apart() -> None:
    scores = {("Hopper-v5", "control"): CONTROL, ("Hopper-v5", "a"): CONTROL + 40}
    page_verdicts = judge(frame(scores), "control")
    (further,) = (verdict for verdict in page_verdicts if verdict.variant == "a")
    for verdicts in adjust(page_verdicts, [further, replace(further, p_value=math.nan), further]):
        assert {(v.comparisons, v.further) for v in verdicts} == {(3, 2)}


def test_an_environment_without_the_control_allows_no_claim() -> None:
    scores = {
        ("Hopper-v5", "control"): CONTROL,
        ("Hopper-v5", "new"): CONTROL,
        ("Ant-v5", "new"): CONTROL,
    }
    assert verdict(scores, "new", "Ant-v5").sentence == "no claim: n = 0 < 10"
    assert verdict(scores, "new").outcome == "none"


def test_an_unknown_control_names_the_nearest() -> None:
    with pytest.raises(InputError, match="'controll'.*'control'"):
        judge(frame({("Hopper-v5", "control"): CONTROL}), "controll")


RUNGS = {
    ("Hopper-v5", "control"): CONTROL,
    ("Hopper-v5", "first"): CONTROL + 300,
    ("Hopper-v5", "second"): CONTROL + 100,
    ("Hopper-v5", "third"): CONTROL + 100,
}


def plan(control: str, references: Mapping[str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {"control": control, "variant": list(references), "compared_with": references.values()}
    )


def test_a_variant_is_compared_with_the_one_it_names() -> None:
    scores = frame(RUNGS)
    verdicts = {
        v.variant: v for v in judge(scores, "control", {"second": "first", "third": "second"})
    }
    assert {name: v.reference for name, v in verdicts.items()} == {
        "control": "control",
        "first": "control",
        "second": "first",
        "third": "second",
    }
    assert verdicts["control"].outcome == "control"
    assert verdicts["first"].sentence == "better than control by 300 (p = 0.0059, Holm over 3)"
    assert verdicts["second"].sentence == "worse than the first by 200 (p = 0.0059, Holm over 3)"
    evidence = "p = 1, Holm over 3; least claimable 0.000"
    assert (
        verdicts["third"].sentence == f"no difference from the second can be claimed ({evidence})"
    )
    assert verdicts["third"].difference == 0
    assert {v.comparisons for v in verdicts.values()} == {3}
    untitled = judge(scores.assign(variant_title=""), "control", {"second": "first"})
    assert untitled[2].sentence.startswith("worse than first by 200")


def test_what_takes_the_control_s_place_is_compared_with_nothing() -> None:
    first = judge(frame(RUNGS), "first", {"first": "second"})[1]
    assert (first.variant, first.reference, first.outcome) == ("first", "first", "control")


def test_an_unknown_reference_names_the_nearest() -> None:
    with pytest.raises(InputError, match="reference variant 'frist'.*'first'"):
        judge(frame(RUNGS), "control", {"second": "frist"})


def test_a_plan_s_references_judge_its_page() -> None:
    page_plan = plan(
        "control", {"control": None, "first": None, "second": "first", "third": "second"}
    )
    verdicts, notes = judge_plan(page_plan, frame(RUNGS))
    assert verdicts == judge(frame(RUNGS), "control", {"second": "first", "third": "second"})
    assert notes == ()


def test_a_reference_without_results_is_replaced_and_told_of() -> None:
    page_plan = plan(
        "control", {"control": None, "first": None, "second": "first", "third": "second"}
    )
    scores = frame(RUNGS)
    verdicts, notes = judge_plan(page_plan, scores[scores["variant"] != "first"])
    assert [(v.variant, v.reference) for v in verdicts[1:]] == [
        ("second", "control"),
        ("third", "second"),
    ]
    assert notes == ("first has no results here; second is compared with control.",)
    verdicts, notes = judge_plan(page_plan, scores[scores["variant"].isin(["second", "third"])])
    assert [(v.variant, v.reference) for v in verdicts] == [
        ("second", "second"),
        ("third", "second"),
    ]
    assert notes == ("The control control has no results here; compared with second.",)


def test_a_plan_for_several_environments_tells_of_a_replacement_once() -> None:
    page_plan = plan("control", {"control": None, "second": "first"})
    _, notes = judge_plan(
        pd.concat([page_plan, page_plan]), frame(RUNGS).query("variant != 'first'")
    )
    assert len(notes) == 1


def sentence(p_value: float, difference: float = 1.0) -> str:
    return Verdict(
        environment="Hopper-v5",
        variant="new",
        reference="control",
        reference_title="control",
        pairs=10,
        difference=difference,
        p_value=p_value,
        adjusted=p_value,
        comparisons=1,
        outcome="better" if p_value <= ALPHA else "none",
    ).sentence


def test_the_printed_p_never_contradicts_the_claim() -> None:
    assert "p < 0.001" in sentence(0.0002)
    assert "p = 0.012" in sentence(0.01172)
    assert "p = 0.4," in sentence(0.4)
    assert "better" in sentence(0.0499) and "p = 0.05," in sentence(0.0499)
    assert "no difference" in sentence(0.0501) and "p = 0.0501" in sentence(0.0501)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1,234"),
        (-99.96, "−100"),
        (99.94, "99.9"),
        (-4.0, "−4.00"),
        (0.9995, "1.00"),
        (0.25, "0.250"),
        (0.00012, "0.00012"),
        (0.0, "0.000"),
        (math.nan, "–"),
    ],
)
def test_returns_are_written_for_people(value: float, text: str) -> None:
    assert return_text(value) == text


def test_how_many_pairs_a_page_needs() -> None:
    assert pairs_needed(1) == pairs_needed(25) == 10
    assert pairs_needed(26) == 11
    for comparisons in range(1, 2_000):
        needed = pairs_needed(comparisons)
        assert comparisons * 2.0 ** (1 - needed) <= 0.05  # Holm's first step, of the smallest p
        assert needed == 10 or comparisons * 2.0 ** (2 - needed) > 0.05
    scores = {("Hopper-v5", "control"): CONTROL} | {
        ("Hopper-v5", f"v{place:02}"): CONTROL + 1e6 for place in range(26)
    }
    assert verdict(scores, "v00").outcome == "none"
    del scores["Hopper-v5", "v25"]
    assert verdict(scores, "v00").outcome == "better"


@each_null
def test_a_null_page_makes_a_claim_in_no_more_than_the_stated_share(draw: Draw) -> None:
    """400 pages of two environments and three variants without any difference, ten seeds."""
    generator = np.random.default_rng(0)
    pages = 400
    cells = [(env, variant) for env in "xy" for variant in ("control", "a", "b", "c")]
    wrong = 0
    for values in draw(generator, (pages, len(cells), 10)):
        page = frame(dict(zip(cells, values, strict=True)))
        wrong += any(v.outcome in ("better", "worse") for v in judge(page, "control"))
    # The chance of more than this is 1 in 1000 if the true share is the stated one.
    assert wrong <= scipy.stats.binom.ppf(0.999, pages, ALPHA)


@each_null
def test_a_single_null_comparison_is_claimed_at_the_rate_of_the_exact_test(draw: Draw) -> None:
    generator = np.random.default_rng(1)
    data_sets = 4000
    pairs = draw(generator, (data_sets, 2, 10))
    p_values = [sign_flip_test(first - second, generator) for first, second in pairs]
    wrong = sum(p_value <= ALPHA for p_value in p_values)
    # With 10 pairs the largest p that does not exceed 0.05 is 50/1024.
    low, high = scipy.stats.binom.interval(0.999, data_sets, 50 / 1024)
    assert low <= wrong <= high


def test_a_planted_difference_is_claimed_in_its_direction() -> None:
    generator = np.random.default_rng(0)
    claimed = 0
    for values in generator.normal(1000, 300, (100, 3, 10)):
        page = frame(
            {
                ("x", "control"): values[0],
                ("x", "up"): values[1] + 900,
                ("x", "down"): values[2] - 900,
            }
        )
        outcomes = {v.variant: v.outcome for v in judge(page, "control")}
        assert outcomes["up"] != "worse" and outcomes["down"] != "better"
        claimed += (outcomes["up"] == "better") + (outcomes["down"] == "worse")
    assert claimed >= 195
