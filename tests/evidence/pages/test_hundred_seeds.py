"""The page of a hundred seeds: every cell in every table, from the scores alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.evidence.measures.scores import score_runs
from bench.evidence.pages import hundred_seeds
from bench.evidence.pages.hundred_seeds import EFFECTS, SEEDS, real_coverages, sections
from bench.evidence.statistics.coverage import REAL_TABLE
from bench.store import PUBLISHED, load, planned_ablations
from tests.evidence.conftest import make_frames

VARIANTS = {"clip_0.2": 1000.0, "clip_0.3": 1400.0}


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    runs, episodes = make_frames(
        {"variant": variant, "seed": seed, "episodes": [(1000, generator.normal(centre, 100.0))]}
        for variant, centre in VARIANTS.items()
        for seed in range(60)
    )
    return score_runs(runs, episodes)


def plan(scores: pd.DataFrame) -> pd.DataFrame:
    return scores.drop_duplicates("variant").assign(control="clip_0.2")


def test_every_table_has_every_cell(scores: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hundred_seeds, "SEEDS", (3, 10))
    covered, claimed, needed, gate, modes = sections(plan(scores), scores, {"Hopper-v5": 0.0})
    assert len(covered.cells) == 2 * 3 and len(claimed.cells) == 2 * 5
    assert {row[0] for table in (covered, claimed, needed, gate, modes) for row in table.cells} == {
        "Hopper-v5"
    }
    shares = {
        (row[1], row[2]): [float(cell.split()[0]) for cell in row[3:]] for row in claimed.cells
    }
    itself, apart = "the clip_0.2 and itself", "the clip_0.2 and the clip_0.3"
    assert shares[itself, "Welch"][1] < 8 and shares[apart, "Welch"][1] > 99
    assert shares[apart, "sign-flip, pairs"][0] == 0  # three pairs can't
    assert len(needed.cells) == 2 and all(len(row) == 2 + len(EFFECTS) for row in needed.cells)
    assert needed.cells[0][-1] == "10"
    assert len(gate.cells) == 2 * 4
    assert all(int(row[2].split()[-1]) + int(row[3].split()[-1]) == 60 for row in modes.cells)


def test_few_known_seeds_say_nothing(scores: pd.DataFrame) -> None:
    few_scores = scores[scores["seed"] < 40]
    assert sections(plan(few_scores), few_scores, {}) == ()
    assert SEEDS == (3, 5, 10, 20)


def test_the_coverage_beside_intervals_is_the_page_s(
    scores: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hundred_seeds, "SEEDS", (3, 10))
    covered = sections(plan(scores), scores, {})[0]
    rows = list(real_coverages(scores))
    assert len(rows) == 2 * 2 * 2 and {row["known"] for row in rows} == {60}
    of_mean = [row for row in rows if row["statistic"] == "mean" and row["variant"] == "clip_0.3"]
    (cells,) = (row[4:] for row in covered.cells if "0.3" in row[1] and row[3] == "mean, bootstrap")
    assert [f"{100 * row['share']:.1f}" for row in of_mean] == [cell.split()[0] for cell in cells]


@pytest.mark.documents
def test_the_kept_coverage_is_that_of_the_published_returns() -> None:
    kept = pd.read_csv(REAL_TABLE)
    if "hundred_seeds" not in planned_ablations(PUBLISHED):
        assert kept.empty
        return
    view = load("hundred_seeds", PUBLISHED)
    rows = real_coverages(score_runs(view.runs, view.episodes, view.updates))
    pd.testing.assert_frame_equal(kept, pd.DataFrame(rows))
