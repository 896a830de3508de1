"""P(PPO > rival) the right way round, and claims that are those of the verdicts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bench.evidence.measures.normalised import Scale
from bench.evidence.rivals import Improvement, improvements, section
from bench.evidence.statistics.improvement import improvement_interval, probability_of_improvement
from bench.evidence.statistics.significance import holm, sign_flip_test
from bench.evidence.verdicts import Verdict, judge, judge_plan
from tests.experiment_results import REACHED, UNTRAINED, SyntheticRuns, plan_frame, scores_frame

PLAN = plan_frame("experiment")
FIRST = "clipped_ppo"
SCALES = {name: Scale(zero=UNTRAINED[name], one=REACHED[name][3]) for name in REACHED}
MISSING = [(environment, "trpo") for environment in REACHED if environment != "Hopper-v5"]


def noisy(environment: str, variant: str, seed: int) -> float:
    """Scores in which neither side always wins."""
    place = list(dict.fromkeys(PLAN["variant"])).index(variant)
    generator = np.random.default_rng([list(REACHED).index(environment), place, seed])
    spread = REACHED[environment][3] - UNTRAINED[environment]
    return REACHED[environment][place] + 0.3 * spread * float(generator.standard_normal())


def rows_by_rival(
    scores: pd.DataFrame, scales: dict[str, Scale] | None = None
) -> dict[str, Improvement]:
    """By "rival", or "rival environment" of a row on one."""
    verdicts, _ = judge_plan(PLAN, scores)
    environment_scales = SCALES if scales is None else scales
    _, rows = improvements(PLAN, scores, FIRST, environment_scales, verdicts)
    return {
        row.verdict.variant + f" {row.environments[0]}" * (not row.over_all): row for row in rows
    }


def scores_of(scores: pd.DataFrame, environment: str, variant: str) -> np.ndarray:
    rows = scores[(scores["environment"] == environment) & (scores["variant"] == variant)]
    return rows["score"].to_numpy()


def test_ppo_is_first_and_its_rival_second() -> None:
    """On HalfCheetah every seed of PPO beats every one of CEM; on Swimmer TRPO is better."""
    rows = rows_by_rival(scores_frame("experiment", SyntheticRuns(seeds=3)))
    assert rows["cem HalfCheetah-v5"].probability == 1
    assert rows["cem HalfCheetah-v5"].verdict.difference < -2000
    swimmer = rows["trpo Swimmer-v5"]
    assert swimmer.probability < 0.5 and swimmer.verdict.difference > 0


def test_estimates_and_intervals_are_the_statistics_own() -> None:
    scores = scores_frame("experiment", SyntheticRuns(score=noisy, seeds=6))
    rows = rows_by_rival(scores)
    assert len(rows) == 5 * 8
    assert FIRST not in {row.verdict.variant for row in rows.values()}
    pairs = [(scores_of(scores, name, FIRST), scores_of(scores, name, "trpo")) for name in REACHED]
    probabilities = [probability_of_improvement([(ppo, rival)]) for ppo, rival in pairs]
    assert 0 < min(probabilities) < max(probabilities)
    for place, name in enumerate(REACHED):
        assert rows[f"trpo {name}"].probability == probabilities[place]
    row = rows["trpo"]
    assert row.probability == pytest.approx(np.mean(probabilities))
    assert (row.low, row.high) == improvement_interval(pairs, np.random.default_rng(0))
    assert row.low < row.probability < row.high
    assert row.environments == tuple(REACHED) and row.seeds == (6, 6) and row.verdict.pairs == 6


def test_below_ten_pairs_there_is_an_estimate_and_no_claim() -> None:
    rows = rows_by_rival(scores_frame("experiment", SyntheticRuns(score=noisy, seeds=9)))
    for row in rows.values():
        assert row.claim.startswith("no claim: n = ") and row.claim.endswith(" < 10")
        assert math.isfinite(row.probability) and math.isnan(row.verdict.p_value)
    text = section(tuple(rows.values()), "PPO (Clip)", 1_000_000).markdown()
    assert text.count("no claim: n = 9 < 10") == 40
    assert "Nothing is claimed below 10 pairs of common seeds." in text
    assert "Holm" not in text


def test_from_ten_pairs_on_the_tests_are_the_verdicts_adjusted_over_the_page() -> None:
    scores = scores_frame("experiment", SyntheticRuns(score=noisy, seeds=11))
    rows = rows_by_rival(scores)
    for verdict in judge(scores, FIRST):
        if verdict.outcome != "control":
            row = rows[f"{verdict.variant} {verdict.environment}"]
            assert row.verdict.p_value == verdict.p_value
            assert row.verdict.difference == pytest.approx(verdict.difference)
    normalised = [
        (scores_of(scores, name, FIRST) - scores_of(scores, name, "cem"))
        / (SCALES[name].one - SCALES[name].zero)
        for name in REACHED
    ]
    # As many pairs each: the mean over environments of their means is that of all pairs.
    assert rows["cem"].verdict.difference == pytest.approx(-np.mean(normalised))
    expected = sign_flip_test(np.concatenate(normalised), np.random.default_rng(0))
    assert rows["cem"].verdict.p_value == expected
    adjusted = holm([row.verdict.p_value for row in rows.values()])
    assert [row.verdict.adjusted for row in rows.values()] == adjusted.tolist()
    assert {row.verdict.comparisons for row in rows.values()} == {40}
    assert rows["cem"].claim.startswith("PPO (Clip) better by ")
    assert rows["cem"].claim.endswith(" normalised (p < 0.001, Holm over 40)")


def test_claims_name_the_better_one() -> None:
    def apart(environment: str, variant: str, seed: int) -> float:
        return {FIRST: 100.0, "cem": 10.0, "trpo": 250.0}.get(variant, 100.0) + 0.001 * seed

    scores = scores_frame("experiment", SyntheticRuns(score=apart, seeds=12))
    rows = rows_by_rival(scores, {name: Scale(zero=0.0, one=100.0) for name in REACHED})
    assert rows["cem Hopper-v5"].claim == "PPO (Clip) better by 90.0 (p = 0.019, Holm over 40)"
    assert rows["trpo Hopper-v5"].claim == "TRPO better by 150 (p = 0.019, Holm over 40)"
    assert rows["trpo"].claim == "TRPO better by 1.50 normalised (p < 0.001, Holm over 40)"
    assert rows["a2c Hopper-v5"].claim.startswith(
        "no difference can be claimed (p = 1, Holm over 40; least claimable "
    )
    assert rows["cem Hopper-v5"].cells[:5] == ("Hopper-v5", "CEM", "12", "1.00", "1.00 to 1.00")
    assert rows["trpo"].cells[:4] == ("mean over 7", "TRPO", "12", "0.00")
    text = section(tuple(rows.values()), "PPO (Clip)", 1_000_000).markdown()
    assert "not that the next one must" in text and "40 comparisons" in text
    assert "are needed" not in text


def test_ten_pairs_are_too_few_for_a_claim_among_so_many() -> None:
    rows = rows_by_rival(scores_frame("experiment", SyntheticRuns(seeds=10)))
    single = [row for row in rows.values() if not row.over_all]
    assert not any("better" in row.claim for row in single)
    assert "better" in rows["cem"].claim
    text = section(tuple(rows.values()), "PPO (Clip)", 1_000_000).markdown()
    assert (
        "With 40 comparisons, 5 of them claimed, no other difference of any size can be claimed "
        "from 10 pairs: 11 are needed." in text
    )


def test_missing_cells_and_seeds_leave_what_is_there() -> None:
    recipe = SyntheticRuns(
        seeds={("Hopper-v5", "cem"): 3, ("Swimmer-v5", "cem"): 1}, missing=MISSING
    )
    rows = rows_by_rival(scores_frame("experiment", recipe))
    assert (
        "trpo" not in rows and "trpo Hopper-v5" in rows
    )  # one environment is no mean over several
    assert rows["cem Hopper-v5"].seeds == (5, 3) and rows["cem Hopper-v5"].cells[2] == "5, 3"
    assert rows["cem Swimmer-v5"].cells[4] == "–"
    assert rows["cem"].seeds == (5, 1) and rows["cem"].verdict.pairs == 1
    assert list(rows)[:4] == ["a2c", "a2c_trust_region", "cem", "adaptive_policy_gradient"]


def test_without_ppo_there_is_nothing_to_compare() -> None:
    recipe = SyntheticRuns(missing=[(environment, FIRST) for environment in REACHED])
    scores = scores_frame("experiment", recipe)
    _, rows = improvements(PLAN, scores, FIRST, SCALES, judge_plan(PLAN, scores)[0])
    assert rows == ()
    assert "There are no runs of PPO (Clip)" in section(rows, "PPO (Clip)", 1_000_000).markdown()


def test_an_environment_without_a_scale_keeps_the_whole_from_being_tested() -> None:
    scales = {name: scale for name, scale in SCALES.items() if name != "Hopper-v5"}
    rows = rows_by_rival(scores_frame("experiment", SyntheticRuns(seeds=10)), scales)
    assert rows["cem"].claim == "no claim: an environment has no normalised scale"
    assert math.isnan(rows["cem"].verdict.adjusted) and rows["cem"].verdict.comparisons == 35
    assert math.isfinite(rows["cem"].probability)


def test_seeds_are_paired_by_number_not_by_place() -> None:
    scores = scores_frame("experiment", SyntheticRuns(score=noisy, seeds=12))
    remaining = scores[~((scores["variant"] == FIRST) & (scores["seed"] == 0))]
    row = rows_by_rival(remaining)["trpo Hopper-v5"]
    differences = (
        scores_of(scores, "Hopper-v5", FIRST)[1:] - scores_of(scores, "Hopper-v5", "trpo")[1:]
    )
    assert row.verdict.pairs == 11 and row.seeds == (11, 12)
    assert row.verdict.p_value == sign_flip_test(differences, np.random.default_rng(0))


def test_the_verdicts_come_back_in_the_family_of_all_tests() -> None:
    scores = scores_frame("experiment", SyntheticRuns(score=noisy, seeds=11))
    plan_verdicts, _ = judge_plan(PLAN, scores)
    verdicts, rows = improvements(PLAN, scores, FIRST, SCALES, plan_verdicts)
    assert {v.comparisons for v in plan_verdicts} == {35} and {v.comparisons for v in verdicts} == {
        40
    }
    single = {(row.environments[0], row.verdict.variant): row for row in rows if not row.over_all}
    for verdict in verdicts:
        if verdict.outcome != "control":
            row = single[verdict.environment, verdict.variant]
            assert row.verdict == verdict


def test_what_is_not_alike_is_in_no_mean() -> None:
    scores = scores_frame("experiment", SyntheticRuns(score=noisy, seeds=11))
    unlike = (scores["environment"] == "Hopper-v5") & (scores["variant"] == "cem")
    scores.loc[unlike, "budget"] = 20_000
    rows = rows_by_rival(scores)
    claim = "no claim: 20,000 steps, control has 1,000,000"
    assert rows["cem Hopper-v5"].claim == claim and rows["cem Hopper-v5"].cells[3:5] == ("–", "–")
    assert rows["cem"].environments == tuple(name for name in REACHED if name != "Hopper-v5")


def test_the_least_claimable_mean_over_environments_is_where_its_claim_begins() -> None:
    def shifted(size: float) -> Verdict:
        """TRPO's differences to PPO centred, then shifted on every environment alike."""
        scores = scores_frame("experiment", SyntheticRuns(score=noisy, seeds=12))
        for name in REACHED:
            on_environment = scores["environment"] == name
            is_trpo = on_environment & (scores["variant"] == "trpo")
            ppo = scores.loc[on_environment & (scores["variant"] == FIRST), "score"].to_numpy()
            differences = scores.loc[is_trpo, "score"].to_numpy() - ppo
            spread = SCALES[name].one - SCALES[name].zero
            scores.loc[is_trpo, "score"] = ppo + differences - differences.mean() - size * spread
        return rows_by_rival(scores)["trpo"].verdict

    least = shifted(0.0).least
    assert 0 < least < 1
    # Sampled, hence only nearly so.
    assert shifted(0.9 * least).adjusted > 0.05
    assert shifted(1.1 * least).adjusted <= 0.05
