"""Table 1 from our runs: the normalisation by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.evidence.pages.table_1 import section, surrogates
from bench.evidence.statistics.coverage import coverage_text
from tests.experiment_results import (
    UNTRAINED,
    SyntheticRuns,
    cells,
    plan_frame,
    scores_frame,
    untrained_score,
)

PLAN = plan_frame("surrogates")
NAMES = list(dict.fromkeys(variant for _, variant in cells("surrogates")))
ENVIRONMENTS = list(dict.fromkeys(environment for environment, _ in cells("surrogates")))
UNTRAINED_SCORES = scores_frame(
    "untrained", SyntheticRuns(score=untrained_score, seeds=10), last_100=0.0
)
PRESENT = ("no_clip", "clip_0.1", "clip_0.2", "fixed_kl_3")
ABSENT = [(e, v) for e in ENVIRONMENTS for v in NAMES if v not in PRESENT]


def earned(environment: str, variant: str, seed: int) -> float:
    """Above the untrained policy by 100 times −1, 2, 4 (5 on Swimmer) or 3, ± 10 over the seeds."""
    height = dict(zip(PRESENT, (-1.0, 2.0, 4.0, 3.0), strict=True))[variant]
    if (environment, variant) == ("Swimmer-v5", "clip_0.2"):
        height = 5.0
    return UNTRAINED[environment] + 100 * height + 10 * (seed - 1)


def runs_without(missing: list[tuple[str, str]]) -> SyntheticRuns:
    return SyntheticRuns(score=earned, seeds=3, missing=missing)


def test_averages_by_hand() -> None:
    # The score is 7 lower than the last 100 episodes, which are what counts.
    scores = scores_frame("surrogates", runs_without(ABSENT), last_100=0.0)
    scores["score"] -= 7
    rows = {row.variant: row for row in surrogates(PLAN, scores, UNTRAINED_SCORES)}
    assert list(rows) == NAMES
    # The best on each environment is clip_0.2: 400, on Swimmer 500.
    expected = {
        "no_clip": (6 * -0.25 + -0.2) / 7,
        "clip_0.1": (6 * 0.5 + 0.4) / 7,
        "clip_0.2": 1.0,
        "fixed_kl_3": (6 * 0.75 + 0.6) / 7,
    }
    for variant, average in expected.items():
        ours = rows[variant].ours
        assert ours is not None and ours.mean == pytest.approx(average)
        assert ours.mean_low < average < ours.mean_high
        assert ours.environments == tuple(ENVIRONMENTS) and ours.seeds == (3, 3)
        assert np.mean(list(rows[variant].means.values())) == pytest.approx(average)
    assert rows["fixed_kl_3"].means["Swimmer-v5"] == pytest.approx(0.6)
    assert rows["clip_0.3"].ours is None and rows["clip_0.3"].means == {}
    assert np.isnan(rows["clip_0.3"].other_averages).all()
    # The best run is 10 above its variant's mean, uniform actions earn 100 less than the untrained.
    for variant, height in (("no_clip", -100.0), ("clip_0.1", 200.0), ("fixed_kl_3", 300.0)):
        for lower, higher, average in zip(
            (0, 100, 100), (10, 0, 10), rows[variant].other_averages, strict=True
        ):
            by_hand = [(height + lower) / (best + higher + lower) for best in [400.0] * 6 + [500.0]]
            assert average == pytest.approx(np.mean(by_hand))
    assert [rows[name].paper for name in PRESENT] == [-0.39, 0.76, 0.82, 0.72]


def test_what_is_missing_is_left_out_of_the_average_and_named() -> None:
    missing = [*ABSENT, ("Hopper-v5", "clip_0.2"), *(("Reacher-v5", name) for name in PRESENT)]
    scores = scores_frame("surrogates", runs_without(missing), last_100=0.0)
    untrained_scores = UNTRAINED_SCORES[UNTRAINED_SCORES["environment"] != "Walker2d-v5"]
    rows = {row.variant: row for row in surrogates(PLAN, scores, untrained_scores)}
    common = [e for e in ENVIRONMENTS if e not in ("Hopper-v5", "Reacher-v5", "Walker2d-v5")]
    ours = rows["clip_0.1"].ours
    assert ours is not None and list(ours.environments) == common
    # Without clip_0.2 the best on Hopper is fixed_kl_3's 300.
    assert rows["clip_0.1"].means["Hopper-v5"] == pytest.approx(2 / 3)
    assert "Hopper-v5" not in rows["clip_0.2"].means
    text = section(PLAN, scores, tuple(rows.values())).markdown()
    assert f"every variant here has: {', '.join(common)}." in text
    assert "is above it: Reacher-v5, Walker2d-v5." in text
    assert "all of Reacher-v5" in text and "clipping, ε = 0.2 on Hopper-v5" in text
    assert "clipping, ε = 0.3 everywhere" in text


def test_the_table_stands_beside_the_paper_s() -> None:
    scores = scores_frame("surrogates", runs_without(ABSENT), last_100=0.0)
    made_section = section(PLAN, scores, surrogates(PLAN, scores, UNTRAINED_SCORES))
    assert list(made_section.header[:5]) == ["surrogate", "paper", "ours", "95% interval", "n each"]
    assert len(made_section.cells) == 11
    by_title = {cells[0]: cells[1:] for cells in made_section.cells}
    assert by_title["clipping, ε = 0.2"][:2] == ("0.82", "1.00")
    assert by_title["no clipping or penalty"][:2] == ("−0.39", "−0.24")
    assert by_title["fixed KL, β = 0.3"][:4] == ("0.62", "–", "–", "0")
    text = made_section.markdown()
    for part in (
        "Table 1; 7 environments (v1), 3 seeds each; exact",
        "untrained policy's mean",
        "best variant here on that environment",
        "last 100 episodes",
        "0 the mean of uniformly random actions",
        f"on 7 environments: {coverage_text(3, 'aggregate mean', 7)} at n = 3.",
    ):
        assert part in text


def test_without_the_untrained_policy_only_the_paper_s_values_stand() -> None:
    scores = scores_frame("surrogates", runs_without(ABSENT))
    rows = surrogates(PLAN, scores, None)
    assert all(row.ours is None and not row.means for row in rows)
    assert not any(math.isnan(row.paper) for row in rows)
    text = section(PLAN, scores, rows).markdown()
    assert "No scale, as the untrained policy or every variant is missing" in text
