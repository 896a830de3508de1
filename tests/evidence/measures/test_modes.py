"""The table of modes says what the runs say that it names, and warns by environment."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bench.evidence.measures.modes import find_modes, known_modes, mode_warnings
from bench.evidence.measures.scores import score_runs
from bench.store import PUBLISHED, load

published = cache(load)


@pytest.mark.parametrize("row", known_modes(), ids=lambda row: row.environment)
def test_a_row_is_of_the_published_runs(row) -> None:  # type: ignore[no-untyped-def]
    view = published(row.ablation, PUBLISHED)
    runs = view.runs[
        (view.runs["environment"] == row.environment) & (view.runs["variant"] == row.variant)
    ]
    values = np.sort(score_runs(runs, view.episodes, view.updates)["score"])
    measured = (values[0], values[row.lower - 1], values[row.lower], values[-1])
    stated = (row.lower_from, row.lower_to, row.upper_from, row.upper_to)
    assert len(values) == row.seeds and stated == pytest.approx(measured, rel=1e-3)


def test_halfcheetah_is_warned_of_and_an_unknown_environment_is_not() -> None:
    (warning,) = mode_warnings("HalfCheetah-v5", budget=1_000_000)
    observation = "8 of 10 seeds of slots, slots_1, ended at 1,114 to 1,745, 2 at 4,430 to 4,656"
    assert f"({observation} after 1,000,000 steps)" in warning
    assert "distributions differ" in warning and "34%" in warning
    assert mode_warnings("HalfCheetah-v5", budget=200_000) == [warning]
    assert mode_warnings("HalfCheetah-v5", budget=100_000) == []
    assert mode_warnings("Mine-v0", budget=1_000_000) == []
    (joint_warning,) = mode_warnings(
        "InvertedPendulum-v5", "HalfCheetah-v5", "Mine-v0", budget=1_000_000
    )
    assert (
        joint_warning.startswith("On HalfCheetah-v5, InvertedPendulum-v5 seeds")
        and "; InvertedPendulum-v5: 1 of 10" in joint_warning
    )


@pytest.mark.slow
def test_the_command_gives_the_table_again() -> None:
    assert tuple(find_modes(PUBLISHED)) == known_modes()
