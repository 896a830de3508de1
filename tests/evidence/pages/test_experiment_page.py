"""The aggregates, and the whole page of the experiment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from bench.evidence.findings import findings_on_scores
from bench.evidence.measures.anchors import anchors
from bench.evidence.measures.normalised import Scale
from bench.evidence.pages.figure_3.aggregates import HEADER, aggregates, section
from bench.evidence.pages.figure_3.page import experiment_page
from bench.evidence.statistics.estimates import stratified_bootstrap_interval
from tests.experiment_results import (
    REACHED,
    UNTRAINED,
    VARIANTS,
    SyntheticRuns,
    plan_frame,
    score,
    scores_frame,
    untrained_score,
)

PLAN = plan_frame("experiment")
SCALES = {name: Scale(zero=UNTRAINED[name], one=REACHED[name][3]) for name in REACHED}
ZEROS = scores_frame("untrained", SyntheticRuns(score=untrained_score, seeds=10))


def page(
    scores: pd.DataFrame,
    untrained: pd.DataFrame | None,
    notes: Sequence[str] = (),
    plan: pd.DataFrame = PLAN,
) -> str:
    page_anchors = anchors(untrained, None)
    page_findings = findings_on_scores(plan, scores, lambda: page_anchors)
    return experiment_page(plan, page_findings, page_anchors, notes=notes)


def test_an_aggregate_by_hand() -> None:
    rows = aggregates(PLAN, scores_frame("experiment", SyntheticRuns(seeds=4)), SCALES)
    assert [row.variant for row in rows] == list(VARIANTS)
    a2c = rows[0]
    strata = [
        np.array([(score(e, "a2c", s) - SCALES[e].zero) for s in range(4)])
        / (SCALES[e].one - SCALES[e].zero)
        for e in REACHED
    ]
    assert a2c.mean == pytest.approx(np.mean(strata))
    middle = np.sort(np.concatenate(strata))[7:21]  # 28 scores, a quarter from each end dropped
    assert a2c.iqm == pytest.approx(middle.mean())
    assert (a2c.mean_low, a2c.mean_high) == pytest.approx(
        stratified_bootstrap_interval(strata, np.random.default_rng(0), "mean")
    )
    assert (a2c.iqm_low, a2c.iqm_high) == pytest.approx(
        stratified_bootstrap_interval(strata, np.random.default_rng(0), "iqm")
    )
    assert a2c.cells[:4] == ("A2C", "7", "4", f"{a2c.mean:.2f}")
    assert len(a2c.cells) == len(HEADER)


def test_only_environments_that_every_algorithm_has_are_aggregated() -> None:
    missing = [("Hopper-v5", "cem"), *((name, "trpo") for name in REACHED)]
    scores = scores_frame("experiment", SyntheticRuns(missing=missing))
    few_scales = {name: scale for name, scale in SCALES.items() if name != "Swimmer-v5"}
    rows = aggregates(PLAN, scores, few_scales)
    assert [row.variant for row in rows] == [name for name in VARIANTS if name != "trpo"]
    assert {len(row.environments) for row in rows} == {5}
    text = section(PLAN, rows, "PPO (Clip)").markdown()
    assert "there is no scale: Hopper-v5, Swimmer-v5." in text
    assert "weighs more" not in text
    unequal = aggregates(
        PLAN, scores_frame("experiment", SyntheticRuns(seeds={("Ant", "x"): 1})), few_scales
    )
    assert unequal[0].seeds == (5, 5)
    more = SyntheticRuns(seeds={("Hopper-v5", "a2c"): 8})
    text = section(
        PLAN, aggregates(PLAN, scores_frame("experiment", more), few_scales), "x"
    ).markdown()
    assert "An environment with more seeds weighs more." in text


def test_without_a_scale_the_page_says_how_to_get_one() -> None:
    rows = aggregates(PLAN, scores_frame("experiment"), {})
    assert rows == ()
    assert "`python -m bench run --ablation untrained`" in section(PLAN, rows, "x").markdown()


def test_ppo_s_mean_is_one_and_the_untrained_policy_s_nought() -> None:
    text = page(scores_frame("experiment", SyntheticRuns(seeds=5)), ZEROS)
    (ppo,) = (row for row in text.splitlines() if row.startswith("| PPO (Clip) | 7 | 5 | "))
    assert ppo.split(" | ")[3] == "1.00"

    def unlearned(environment: str, variant: str, seed: int) -> float:
        if variant == "cem":
            return untrained_score(environment, "untrained", seed)
        return score(environment, variant, seed)

    text = page(scores_frame("experiment", SyntheticRuns(score=unlearned, seeds=5)), ZEROS)
    (cem,) = (row for row in text.splitlines() if row.startswith("| CEM | 7 | 5 | "))
    assert cem.split(" | ")[3] == "0.00"


def test_the_page_has_all_parts_in_order() -> None:
    text = page(scores_frame("experiment"), ZEROS, notes=["A note."])
    lines = text.splitlines()
    assert lines[0] == "## The Experiment" and lines[2].startswith("How does clipped PPO compare")
    assert [line for line in lines if line.startswith("#")][1:] == [
        "### Beside Figure 3 of the PPO paper",
        "### Beside other published returns at 1M steps",
        "#### PPO (Clip)",
        "#### TRPO",
        "#### A2C",
        "### Does PPO (Clip) beat its rivals?",
        "### Which can be told apart, over 7 environments",
        "### Over all environments",
    ]
    assert lines[-1] == "* A note."
    assert "Not there yet" not in text and "do not compare" not in text


def test_the_page_stands_with_next_to_nothing() -> None:
    present = ("Hopper-v5", "a2c")
    missing = [(e, v) for e in REACHED for v in VARIANTS if (e, v) != present]
    text = page(
        scores_frame("experiment", SyntheticRuns(seeds=1, missing=missing)),
        None,
        plan=PLAN.assign(budget=100_000),
    )
    assert "There are no runs of PPO (Clip) beside those of a rival." in text
    assert "* Not there yet: " in text
    assert (
        "* These runs have 100,000 steps, those published 1,000,000: they do not compare." in text
    )


def test_trouble_is_named_on_the_page() -> None:
    scores = scores_frame("experiment")
    scores.loc[0, "diverged"] = True
    scores.loc[1, ["status", "score", "last_100"]] = ["failed", np.nan, np.nan]
    text = page(scores, ZEROS)
    assert "* Diverged seeds (counted with their last value): A2C on HalfCheetah-v5: 1." in text
    assert "* Failed runs (not counted): A2C on HalfCheetah-v5: 1." in text
