"""The tables say what the scores say."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from bench.evidence.caveats import run_caveats
from bench.evidence.measures.scores import score_runs
from bench.evidence.statistics.coverage import COVERAGE
from bench.evidence.statistics.estimates import bootstrap_interval
from bench.evidence.tables import ALIGNMENT, HEADER, Table, make_tables
from bench.evidence.verdicts import judge
from tests.evidence.conftest import Build


def tables(runs: pd.DataFrame, episodes: pd.DataFrame, control: str) -> tuple[Table, ...]:
    scores = score_runs(runs, episodes)
    return make_tables(scores, judge(scores, control))


def test_a_row_is_computed_from_its_scores(learning: Build) -> None:
    runs, episodes = learning(["Hopper-v5", "Ant-v5"], ["control", "new"])
    result_tables = tables(runs, episodes, "control")
    assert [table.environment for table in result_tables] == ["Hopper-v5", "Ant-v5"]
    scores = score_runs(runs, episodes)
    for table in result_tables:
        assert [row.variant for row in table.rows] == ["control", "new"]
        for row in table.rows:
            cell_scores = scores[
                (scores["environment"] == table.environment) & (scores["variant"] == row.variant)
            ]
            values = cell_scores["score"].to_numpy()
            assert row.n == 10 and row.title == f"the {row.variant}"
            assert row.mean == pytest.approx(values.mean())
            assert row.iqm == pytest.approx(scipy.stats.trim_mean(values, 0.25))
            interval = bootstrap_interval(values, np.random.default_rng([0, 10]))
            assert (row.low, row.high) == interval
            assert row.low < row.iqm < row.high
            assert row.coverage == COVERAGE["iqm"][1][10]
            assert row.last_100 == pytest.approx(cell_scores["last_100"].mean())
        assert table.rows[1].verdict.outcome == "better"


def test_text_and_markdown_hold_the_numbers(frames: Build) -> None:
    runs, episodes = frames(
        [
            {"variant": name, "variant_title": title, "seed": seed, "episodes": [(950, value)]}
            for name, title, base in (("control", "A | B", 1000), ("new", "", 1400))
            for seed, value in enumerate(base + 10 * np.arange(10.0))
        ]
    )
    (table,) = tables(runs, episodes, "control")
    assert table.cells[0][:4] == ("A | B", "10", "1,045", "1,045")
    assert table.cells[0][-3:] == ("1,045", "0", "control")
    assert table.cells[1][0] == "new"  # without a title, the name
    assert table.cells[1][-1] == "better than control by 400 (p = 0.002, Holm over 1)"
    assert all(len(cells) == len(HEADER) == len(ALIGNMENT) for cells in table.cells)
    lines = table.section.markdown().splitlines()
    assert lines[0] == "### Hopper-v5"
    assert lines[2] == "| " + " | ".join(HEADER) + " |"
    assert lines[3] == "| --- | --: | --: | --: | :-: | --: | --: | --- |"
    assert lines[4].startswith("| A \\| B | 10 | 1,045 | ")
    assert {line.replace("\\|", "").count("|") for line in lines[2:6]} == {len(HEADER) + 1}


def test_the_last_100_episodes_have_a_column_of_their_own(frames: Build) -> None:
    """A hundred episodes of 7 after one of 1,000: only the window sees the first."""
    episodes = [(901, 1000.0), *((step, 7.0) for step in range(902, 1002))]
    (table,) = tables(*frames([{"variant": "control", "episodes": episodes}]), "control")
    place = HEADER.index("last 100")
    assert HEADER[place - 1] == "95% interval of IQM"
    assert table.cells[0][place] == "7.00"
    assert table.cells[0][2] == "16.8"
    assert any(
        "Last 100: mean return of a seed's last 100 episodes" in note for note in table.notes
    )


def test_the_frame_holds_plain_numbers(learning: Build) -> None:
    (table,) = tables(*learning(["Hopper-v5"], ["control", "new"]), "control")
    frame = table.frame()
    assert frame["n"].tolist() == [10, 10]
    assert frame["iqm"].tolist() == [row.iqm for row in table.rows]
    assert frame["compared_with"].tolist() == ["control", "control"]
    assert frame["claim"].tolist() == [row.verdict.sentence for row in table.rows]
    assert frame["adjusted_p_value"].isna().tolist() == [True, False]
    assert frame["environment"].tolist() == ["Hopper-v5"] * 2


def test_diverged_failed_and_empty_runs_are_shown_never_dropped_in_silence(frames: Build) -> None:
    finished = [{"seed": seed, "episodes": [(950, 10.0 * seed)]} for seed in range(3)]
    runs, episodes = frames(
        [
            *finished,
            {"seed": 3, "episodes": [(200, 30.0)], "status": "diverged", "diverged_at": 300},
            {"seed": 4, "episodes": [(200, 99.0)], "status": "failed"},
            {"seed": 5, "episodes": []},
            {"seed": 6, "episodes": [(950, 15.0), (960, math.nan)]},
        ]
    )
    (table,) = tables(runs, episodes, "control")
    (row,) = table.rows
    assert (row.n, row.diverged, row.failed, row.unscored, row.excluded) == (5, 1, 1, 1, 1)
    assert row.mean == 15
    notes = " ".join(table.notes)
    for caveat in (
        "Diverged seeds (counted with their last value): the control on Hopper-v5: 1.",
        "Failed runs (not counted): the control on Hopper-v5: 1.",
        "Seeds in which no episode ended (not counted): the control on Hopper-v5: 1.",
        "Episodes left out because their return is not finite: 1.",
    ):
        assert caveat in notes


def test_an_episode_that_is_lost_where_its_seed_diverged_is_the_seed_s_alone(frames: Build) -> None:
    """In the table, in its numbers and under a figure."""
    broken = {"seed": 1, "status": "diverged", "diverged_at": 300, "variant_title": ""}
    runs, episodes = frames(
        [
            {"seed": 0, "episodes": [(950, 5.0)], "variant_title": ""},
            {**broken, "episodes": [(200, 5.0), (300, math.nan)]},
        ]
    )
    (table,) = tables(runs, episodes, "control")
    caveats = ["Diverged seeds (counted with their last value): control on Hopper-v5: 1."]
    assert (table.rows[0].diverged, table.rows[0].excluded) == (1, 0)
    assert run_caveats(score_runs(runs, episodes)) == caveats
    assert [note for note in table.notes if "seeds (" in note or "Episodes" in note] == caveats


def test_one_seed_has_no_interval_and_no_score_no_numbers(frames: Build) -> None:
    runs, episodes = frames(
        [{"variant": "control", "episodes": [(950, 5.0)]}, {"variant": "b", "episodes": []}]
    )
    (table,) = tables(runs, episodes, "control")
    assert table.cells[0][1:5] == ("1", "5.00", "5.00", "–")
    assert table.cells[1][1:5] == ("0", "–", "–", "–")
    assert math.isnan(table.rows[0].low) and math.isnan(table.rows[0].coverage)
    assert "No difference is claimed below 10 pairs of common seeds." in table.notes


def test_notes_tell_coverage_and_comparisons(learning: Build) -> None:
    (table,) = tables(*learning(["Hopper-v5"], ["control", "a", "b"]), "control")
    notes = " ".join(table.notes)
    assert "93% at n = 10" in notes
    assert "Holm-adjusted over 2 comparisons" in notes
    assert "are needed" not in notes


def test_a_page_that_cannot_claim_anything_says_so(frames: Build) -> None:
    runs, episodes = frames(
        [
            {"variant": f"v{place}", "seed": seed, "episodes": [(950, 1e6 * place + seed)]}
            for place in range(27)
            for seed in range(10)
        ]
    )
    (table,) = tables(runs, episodes, "v0")
    assert "no difference of any size can be claimed from 10 pairs: 11 are needed" in " ".join(
        table.notes
    )
    assert {row.verdict.outcome for row in table.rows[1:]} == {"none"}


def test_where_ten_pairs_sufficed_none_are_said_to_be_needed(frames: Build) -> None:
    """Twelve pairs of two variants are claimed, which leaves fewer comparisons to adjust for."""
    runs, episodes = frames(
        [
            {
                "variant": f"v{place}",
                "seed": seed,
                "episodes": [(950, 1e6 * (place < 3) * place + (-1) ** seed * place)],
            }
            for place in range(28)
            for seed in range(12 if place < 3 else 10)
        ]
    )
    (table,) = tables(runs, episodes, "v0")
    assert sum(row.verdict.outcome == "better" for row in table.rows) == 2
    assert "are needed" not in " ".join(table.notes)


def test_an_interval_does_not_depend_on_the_neighbours(learning: Build) -> None:
    runs, episodes = learning(["Hopper-v5"], ["control", "a", "b"])
    (all_three,) = tables(runs, episodes, "control")
    (two,) = tables(runs[runs["variant"] != "a"], episodes, "control")
    assert (all_three.rows[2].low, all_three.rows[2].high) == (two.rows[1].low, two.rows[1].high)
