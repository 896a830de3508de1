"""Letters: two variants share one just where they are not told apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.evidence.letters import Letters, display, letters, section
from bench.evidence.measures.normalised import Scale
from bench.evidence.statistics.significance import ALPHA, holm, sign_flip_test
from bench.kinds import EPISODES, EVALUATIONS

NAMES = ("a", "b", "c", "d", "e")
SCALES = {"Hopper-v5": Scale(zero=0.0, one=100.0), "Ant-v5": Scale(zero=0.0, one=1_000.0)}


def made(
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


def found(heights: dict[str, float], **how: object) -> Letters:
    told = letters(*made(heights, **how), lambda: SCALES)  # type: ignore[arg-type]
    assert told is not None
    return told


@given(st.sets(st.sampled_from(list(combinations("abcdef", 2)))), st.permutations("abcdef"))
@settings(max_examples=200, deadline=None)
def test_a_shared_letter_means_not_told_apart(
    apart: set[tuple[str, str]], order: list[str]
) -> None:
    shared = display(order, sorted(apart))
    for one, other in combinations("abcdef", 2):
        assert bool(set(shared[one]) & set(shared[other])) == ((one, other) not in apart)
    assert "a" in shared[order[0]]
    # No letter that another one makes superfluous.
    groups = [{name for name in order if letter in shared[name]} for letter in "abcdefghij"]
    assert not any(one < other for one in filter(None, groups) for other in groups)


def test_clear_groups_have_letters_of_their_own() -> None:
    told = found({"a": 0.1, "b": 0.11, "c": 0.9, "d": 0.5, "e": 0.51})
    assert {row.variant: text for row, text in told.rows} == {
        "c": "a",
        "d": "b",
        "e": "b",
        "a": "c",
        "b": "c",
    }
    assert next(row.variant for row, _ in told.rows) == "c"
    assert (told.comparisons, told.environments) == (10, ("Hopper-v5", "Ant-v5"))
    text = section(told).markdown()
    assert "Holm-adjusted over 10 comparisons, a family of its own" in text
    assert "share a letter can't be told apart" in text and "| C | 10 | 0.9" in text


def test_pairs_are_tested_on_the_normalised_scale_and_adjusted_together() -> None:
    plan, scores = made({"a": 0.4, "b": 0.45, "c": 0.5, "d": 0.55, "e": 0.6})
    told = letters(plan, scores, lambda: SCALES)
    assert told is not None
    wide = scores.pivot(index=["environment", "seed"], columns="variant", values="score")
    wide = wide.div(wide.index.get_level_values(0).map(lambda name: SCALES[name].one), axis=0)
    both = list(combinations(NAMES, 2))
    raw = [sign_flip_test(wide[a] - wide[b], np.random.default_rng(0)) for a, b in both]
    shared = {row.variant: set(text) for row, text in told.rows}
    outcomes = {p <= ALPHA for p in holm(raw)}
    assert outcomes == {True, False}
    for (one, other), p_value in zip(both, holm(raw), strict=True):
        assert bool(shared[one] & shared[other]) == (p_value > ALPHA)


def test_where_n_can_not_separate_the_least_n_is_told() -> None:
    heights = {f"v{place}": float(place) for place in range(12)}
    told = found(heights, environments=("Hopper-v5",))
    assert {text for _, text in told.rows} == {"a"}
    text = section(told).markdown()
    assert "From 10 pairs of seeds on each environment no two of 12 variants can be told" in text
    assert "12 are needed" in text and "| mean return |" in text
    assert len({text for _, text in found(heights, environments=("Hopper-v5",), seeds=12).rows}) > 1
    few = found({name: float(place) for place, name in enumerate(NAMES)}, seeds=5)
    assert few.comparisons == 0 and "10 are needed" in section(few).markdown()


def test_one_environment_needs_no_scale() -> None:
    def none() -> dict[str, Scale]:
        raise AssertionError("no scale is asked for")

    heights = dict(zip(NAMES, (1.0, 2.0, 3.0, 4.0, 5.0), strict=True))
    told = letters(*made(heights, environments=("Hopper-v5",)), none)
    assert told is not None and told.rows[0][0].mean == pytest.approx(500, abs=10)


def test_few_variants_and_variants_that_are_not_alike_have_no_display() -> None:
    plan, scores = made(dict.fromkeys(NAMES[:4], 0.5))
    assert letters(plan, scores, lambda: SCALES) is None
    plan, scores = made(dict.fromkeys(NAMES, 0.5))
    odd = (scores["environment"] == "Ant-v5") & (scores["variant"] == "b")
    scores.loc[odd, "kind"] = EVALUATIONS
    told = letters(plan, scores, lambda: SCALES)
    assert told is not None and told.environments == ("Hopper-v5",)
    assert letters(plan, scores[scores["environment"] == "Ant-v5"], lambda: SCALES) is None


def test_the_frame_has_a_row_a_variant() -> None:
    frame = found(dict(zip(NAMES, (0.1, 0.2, 0.3, 0.4, 0.9), strict=True))).frame()
    assert frame["variant"].tolist() == ["e", "d", "c", "b", "a"]
    assert set(frame["comparisons"]) == {10} and frame["letters"].iloc[0] == "a"
