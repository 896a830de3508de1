"""Letters: two variants share one just where they are not told apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.evidence.letters import Letters, compact_letters, letters, section
from bench.evidence.measures.normalised import Scale
from bench.evidence.statistics.claimable import ALPHA
from bench.evidence.statistics.coverage import coverage_text
from bench.evidence.statistics.significance import holm, sign_flip_test
from bench.kinds import EPISODES, EVALUATIONS

NAMES = ("a", "b", "c", "d", "e")
SCALES = {"Hopper-v5": Scale(zero=0.0, one=100.0), "Ant-v5": Scale(zero=0.0, one=1_000.0)}


def plan_and_scores(
    heights: dict[str, float], *, seeds: int = 10, environments: tuple[str, ...] = tuple(SCALES)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A plan and scores: a variant's height on the scale, and noise of a tenth."""
    generator = np.random.default_rng(0)
    rows = [
        {
            "environment": environment,
            "environment_order": place,
            "variant": variant,
            "variant_title": variant.upper(),
            "variant_order": order,
            "seed": seed,
            "budget": 1_000,
            "kind": EPISODES,
            "back_end": "envpool",
            "score": SCALES[environment].one * (height + 0.1 * generator.standard_normal()),
        }
        for place, environment in enumerate(environments)
        for order, (variant, height) in enumerate(heights.items())
        for seed in range(seeds)
    ]
    scores = pd.DataFrame(rows)
    return scores.drop_duplicates(["environment", "variant"]), scores


def letters_of(heights: dict[str, float], **options: object) -> Letters:
    lettering = letters(*plan_and_scores(heights, **options), lambda: SCALES)  # type: ignore[arg-type]
    assert lettering is not None
    return lettering


@given(st.sets(st.sampled_from(list(combinations("abcdef", 2)))), st.permutations("abcdef"))
@settings(max_examples=200, deadline=None)
def test_a_shared_letter_means_not_told_apart(
    apart: set[tuple[str, str]], order: list[str]
) -> None:
    shared = compact_letters(order, sorted(apart))
    for first, second in combinations("abcdef", 2):
        assert bool(set(shared[first]) & set(shared[second])) == ((first, second) not in apart)
    assert "a" in shared[order[0]]
    # No letter that another one makes superfluous.
    groups = [{name for name in order if letter in shared[name]} for letter in "abcdefghij"]
    assert not any(group < other for group in filter(None, groups) for other in groups)


def test_clear_groups_have_letters_of_their_own() -> None:
    lettering = letters_of({"a": 0.1, "b": 0.11, "c": 0.9, "d": 0.5, "e": 0.51})
    assert {row.variant: text for row, text in lettering.rows} == {
        "c": "a",
        "d": "b",
        "e": "b",
        "a": "c",
        "b": "c",
    }
    assert next(row.variant for row, _ in lettering.rows) == "c"
    assert (lettering.comparisons, lettering.environments) == (10, ("Hopper-v5", "Ant-v5"))
    text = section(lettering).markdown()
    assert "Holm-adjusted over 10 comparisons, a family of its own" in text
    assert "share a letter can't be told apart" in text and "| C | 10 | 0.9" in text
    share = coverage_text(10, "aggregate mean", 2)
    assert f"Measured coverage, for normal data on 2 environments: {share} at n = 10." in text


def test_pairs_are_tested_on_the_normalised_scale_and_adjusted_together() -> None:
    plan, scores = plan_and_scores({"a": 0.4, "b": 0.45, "c": 0.5, "d": 0.55, "e": 0.6})
    lettering = letters(plan, scores, lambda: SCALES)
    assert lettering is not None
    wide = scores.pivot(index=["environment", "seed"], columns="variant", values="score")
    wide = wide.div(wide.index.get_level_values(0).map(lambda name: SCALES[name].one), axis=0)
    pairs = list(combinations(NAMES, 2))
    p_values = [sign_flip_test(wide[a] - wide[b], np.random.default_rng(0)) for a, b in pairs]
    shared = {row.variant: set(text) for row, text in lettering.rows}
    outcomes = {p <= ALPHA for p in holm(p_values)}
    assert outcomes == {True, False}
    for (first, second), p_value in zip(pairs, holm(p_values), strict=True):
        assert bool(shared[first] & shared[second]) == (p_value > ALPHA)


def test_the_mean_is_the_one_that_is_tested_each_environment_weighing_alike() -> None:
    """Also where one has four times as many seeds: its scores don't count for more."""
    plan, scores = plan_and_scores(dict.fromkeys(NAMES, 0.1), seeds=40)
    hopper = scores["environment"] == "Hopper-v5"
    scores.loc[hopper, "score"] += 80.0
    scores = scores[~hopper | (scores["seed"] < 10)]
    lettering = letters(plan, scores, lambda: SCALES)
    assert lettering is not None
    means = scores.groupby(["variant", "environment"])["score"].mean().unstack() / {
        name: scale.one for name, scale in SCALES.items()
    }
    for row, frame_mean in zip(lettering.rows, lettering.frame()["mean"], strict=True):
        assert row[0].mean == frame_mean == pytest.approx(means.loc[row[0].variant].mean())
        assert 0.4 < row[0].low < row[0].mean < row[0].high < 0.6 and row[0].seeds == (10, 40)


def test_where_n_can_not_separate_the_least_n_is_told() -> None:
    heights = {f"v{place}": float(place) for place in range(12)}
    lettering = letters_of(heights, environments=("Hopper-v5",))
    assert {text for _, text in lettering.rows} == {"a"}
    text = section(lettering).markdown()
    assert "From 10 pairs of seeds on each environment no two of 12 variants can be told" in text
    assert "12 are needed" in text and "| mean return |" in text
    assert f"for normal data: {coverage_text(10, 'mean')} at n = 10." in text
    assert (
        len({text for _, text in letters_of(heights, environments=("Hopper-v5",), seeds=12).rows})
        > 1
    )
    few = letters_of({name: float(place) for place, name in enumerate(NAMES)}, seeds=5)
    assert few.comparisons == 0 and "10 are needed" in section(few).markdown()


def test_one_environment_needs_no_scale() -> None:
    def no_scales() -> dict[str, Scale]:
        raise AssertionError("no scale is asked for")

    heights = dict(zip(NAMES, (1.0, 2.0, 3.0, 4.0, 5.0), strict=True))
    lettering = letters(*plan_and_scores(heights, environments=("Hopper-v5",)), no_scales)
    assert lettering is not None and lettering.rows[0][0].mean == pytest.approx(500, abs=10)


def test_few_variants_and_variants_that_are_not_alike_have_no_display() -> None:
    plan, scores = plan_and_scores(dict.fromkeys(NAMES[:4], 0.5))
    assert letters(plan, scores, lambda: SCALES) is None
    plan, scores = plan_and_scores(dict.fromkeys(NAMES, 0.5))
    unlike = (scores["environment"] == "Ant-v5") & (scores["variant"] == "b")
    scores.loc[unlike, "kind"] = EVALUATIONS
    lettering = letters(plan, scores, lambda: SCALES)
    assert lettering is not None and lettering.environments == ("Hopper-v5",)
    assert letters(plan, scores[scores["environment"] == "Ant-v5"], lambda: SCALES) is None


def test_a_variant_of_one_environment_alone_has_no_letter() -> None:
    plan, scores = plan_and_scores(dict.fromkeys([*NAMES, "imported"], 0.5))
    here = (scores["variant"] != "imported") | (scores["environment"] == "Ant-v5")
    lettering = letters(plan[here.loc[plan.index]], scores[here], lambda: SCALES)
    assert lettering is not None and lettering.environments == tuple(SCALES)
    assert sorted(row.variant for row, _ in lettering.rows) == list(NAMES)


def test_the_frame_has_a_row_a_variant() -> None:
    frame = letters_of(dict(zip(NAMES, (0.1, 0.2, 0.3, 0.4, 0.9), strict=True))).frame()
    assert frame["variant"].tolist() == ["e", "d", "c", "b", "a"]
    assert set(frame["comparisons"]) == {10} and frame["letters"].iloc[0] == "a"
