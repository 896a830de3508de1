"""Our scores beside the published ones: every number of the tables by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.evidence.measures.normalised import variant_means
from bench.evidence.pages.figure_3.beside_figure_3 import (
    HEADER,
    beside_figure_3,
    gain_reached,
    section,
)
from bench.evidence.pages.figure_3.beside_sources import beside_sources, sections
from bench.evidence.report.chapter import _beside_paper
from bench.evidence.statistics.estimates import bootstrap_interval
from tests.experiment_results import (
    UNTRAINED,
    SyntheticRuns,
    plan_frame,
    score,
    scores_frame,
    untrained_score,
)

PLAN = plan_frame("experiment")
ZEROS = variant_means(
    scores_frame("untrained", SyntheticRuns(score=untrained_score, seeds=10)), "untrained"
)
MISSING = [("Hopper-v5", "cem"), ("Walker2d-v5", "trpo")]


def test_a_variant_of_one_environment_alone_has_dashes_in_the_report() -> None:
    plan = PLAN[(PLAN["variant"] != "cem") | (PLAN["environment"] == "Walker2d-v5")]
    table = _beside_paper(beside_figure_3(plan, scores_frame("experiment", SyntheticRuns()), ZEROS))
    assert {len(row) for row in table["rows"]} == {len(table["header"])} == {8}
    (row,) = (row for row in table["rows"] if row[0] == "CEM")
    assert row.count("–") == 6


def test_a_row_beside_figure_3_by_hand() -> None:
    scores = scores_frame("experiment", SyntheticRuns(seeds=5))
    rows = {(row.environment, row.variant): row for row in beside_figure_3(PLAN, scores, ZEROS)}
    assert len(rows) == 42
    row = rows["Hopper-v5", "clipped_ppo"]
    seed_scores = np.array([score("Hopper-v5", "clipped_ppo", seed) for seed in range(5)])
    assert row.mean == pytest.approx(seed_scores.mean())
    interval = bootstrap_interval(seed_scores, np.random.default_rng([0, 5]), "mean")
    assert (row.low, row.high) == interval
    assert (row.paper, row.accuracy) == (2142, 10)
    assert row.untrained == pytest.approx(UNTRAINED["Hopper-v5"]) == 20
    assert row.gain == pytest.approx((seed_scores.mean() - 20) / (2142 - 20))
    # Seeds 0–4 of this cell: 2300 plus 5% of 2280 times each of -2 … 2, whose mean is 0.
    assert row.cells == (
        *("Hopper-v5", "PPO (Clip)", "5", "2,300"),
        *(f"{row.low:,.0f} to {row.high:,.0f}", "2,142 ± 10", "20.0", "107%"),
    )


@pytest.mark.parametrize(
    ("ours", "paper", "untrained", "accuracy", "gain"),
    [
        (1060.0, 2060.0, 60.0, 10.0, 0.5),
        (-10.0, -20.0, -60.0, 0.4, 1.25),
        (-100.0, 500.0, 0.0, 10.0, -0.2),
        (500.0, -100.0, 0.0, 10.0, math.nan),  # the paper's is below the untrained policy's
        (500.0, 5.0, 0.0, 10.0, math.nan),  # or not above by more than can be read
        (500.0, math.nan, 0.0, 10.0, math.nan),
        (500.0, 100.0, math.nan, 10.0, math.nan),
    ],
)
def test_the_gain_reached(
    ours: float, paper: float, untrained: float, accuracy: float, gain: float
) -> None:
    reached = gain_reached(ours, paper, untrained, accuracy)
    assert reached == pytest.approx(gain, nan_ok=True)


def test_what_is_missing_has_a_row_with_dashes() -> None:
    rows = {
        (row.environment, row.variant): row.cells
        for row in beside_figure_3(
            PLAN, scores_frame("experiment", SyntheticRuns(missing=MISSING)), ZEROS
        )
    }
    assert rows["Hopper-v5", "cem"][2:] == ("0", "–", "–", "486 ± 10", "20.0", "–")
    hidden = rows["InvertedDoublePendulum-v5", "adaptive_policy_gradient"]
    assert hidden[5:] == ("–", "60.0", "–")
    single = beside_figure_3(PLAN, scores_frame("experiment", SyntheticRuns(seeds=1)), {})
    assert single[0].cells[2:5] == ("1", "1,050", "–") and single[0].cells[6:] == ("–", "–")


def test_the_notes_state_source_accuracy_and_choices() -> None:
    scores = scores_frame("experiment", SyntheticRuns(seeds={("Hopper-v5", "cem"): 10}))
    text = section(beside_figure_3(PLAN, scores, ZEROS)).markdown()
    assert "| " + " | ".join(HEADER) + " |" in text
    for part in (
        "arXiv 1707.06347, Figure 3, digitised; its number of seeds is not stated",
        "Its environments are v1",
        "84% at n = 5, 90% at n = 10",
        "The paper's own untrained policy is not known; ours stands in for both.",
    ):
        assert part in text


def test_ratios_to_every_source_by_hand() -> None:
    entries = beside_sources(
        PLAN, scores_frame("experiment", SyntheticRuns(seeds=5), last_100=50.0)
    )
    by_source = {
        (
            entry.variant,
            entry.environment,
            entry.source.source.split()[0],
            entry.source.algorithm,
        ): entry
        for entry in entries
        if "static table" not in entry.source.source
    }
    baselines = by_source["clipped_ppo", "Hopper-v5", "openai/baselines", "PPO"]
    assert (baselines.theirs, baselines.ours) == (2316.2, pytest.approx(2300))
    assert baselines.ratio == pytest.approx(2300 / 2316.2)
    assert baselines.text == "2,316 (×0.99)"
    # A source of the last 100 episodes is compared with ours, here 50 above the score.
    cleanrl = by_source["clipped_ppo", "Hopper-v5", "CleanRL", "PPO"]
    assert (cleanrl.theirs, cleanrl.ours) == (2382.9, pytest.approx(2350))
    trpo = by_source["trpo", "Swimmer-v5", "openai/baselines", "TRPO"]
    assert (trpo.theirs, trpo.ours) == (95.0, pytest.approx(118))
    # Of negative returns the smaller is the better: no ratio.
    reacher = by_source["clipped_ppo", "Reacher-v5", "openai/baselines", "PPO"]
    assert math.isnan(reacher.ratio) and reacher.text == "−6.71"
    assert {entry.variant for entry in entries} == {"clipped_ppo", "trpo", "a2c"}
    assert {entry.source.algorithm for entry in entries} == {"PPO", "TRPO", "A2C"}


def test_the_sources_tables_name_version_seeds_and_metric() -> None:
    scores = scores_frame("experiment", SyntheticRuns(missing=MISSING))
    remarks, ppo, trpo, a2c = sections(PLAN, scores, beside_sources(PLAN, scores))
    assert [part.heading for part in (ppo, trpo, a2c)] == [
        "#### PPO (Clip)",
        "#### TRPO",
        "#### A2C",
    ]
    assert "the maximum over evaluations is above the last 100" in remarks.markdown()
    assert "Walker2d has another foot friction" in remarks.markdown()
    score_row, last_row, *source_rows = ppo.cells
    assert score_row[:4] == ("**this suite**", "v5", "5", "mean of the last 10% of a seed's steps")
    assert last_row[3] == "mean of the last 100 training episodes"
    assert len(source_rows) == 8 and {len(cells) for cells in ppo.cells} == {4 + 7}
    tianshou = next(cells for cells in source_rows if cells[0].startswith("Tianshou"))
    assert tianshou[1:4] == (
        "v3 (v2 for Reacher and the pendulums)",
        "10",
        "maximum over evaluations up to 1M",
    )
    # Missing: ours a dash, theirs without a ratio.
    walker_column = ppo.header.index("Walker2d")
    assert trpo.cells[0][walker_column] == "–" and trpo.cells[2][walker_column] == "2,343"


def test_without_anything_to_compare_there_is_no_section() -> None:
    plan = PLAN[PLAN["variant"] == "cem"]
    assert (
        sections(plan, scores_frame("experiment"), beside_sources(plan, scores_frame("experiment")))
        == ()
    )
