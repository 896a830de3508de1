"""n is fixed by the plan: seeds beyond it make a view of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bench
from bench.evidence.findings import findings
from bench.evidence.measures.planned_seeds import on_planned_seeds
from bench.store import View, load
from tests.evidence.report.made_results import SyntheticAblation, write


def view(folder: Path, seeds: int, planned: list[int] | None) -> View:
    """Results of so many seeds, and what the plan says of them."""
    loaded = load(
        "made", write(folder, SyntheticAblation(seeds=seeds, environments=("Hopper-v5",)))
    )
    if planned is not None:
        texts = [json.dumps({**json.loads(t), "seeds": planned}) for t in loaded.plan["metadata"]]
        loaded.plan["metadata"] = texts
    return loaded


def test_added_seeds_are_left_out_and_told(tmp_path: Path) -> None:
    loaded = view(tmp_path, 16, list(range(10)))
    page_findings = findings(loaded)
    assert {verdict.pairs for verdict in page_findings.verdicts} == {10}
    assert set(page_findings.scores["seed"]) == set(range(10))
    (note,) = page_findings.notes
    assert note.startswith("Seeds 10-15 are beyond the plan's 0-9 and not counted")
    assert "11% instead of 5%" in note
    ten = findings(view(tmp_path / "ten", 10, list(range(10))))
    assert [v.sentence for v in ten.verdicts] == [v.sentence for v in page_findings.verdicts]


def test_the_extended_view_is_another_one_and_says_so(tmp_path: Path) -> None:
    loaded = view(tmp_path, 16, list(range(10)))
    frame = bench.compare(loaded, extended=True)
    assert set(frame["n"]) == {16} and set(frame["pairs"]) == {16}
    assert frame.attrs["notes"][0].startswith("Extended n: seeds 10-15 are beyond the plan's 0")
    assert set(bench.compare(loaded)["n"]) == {10}


@pytest.mark.parametrize("planned", [None, list(range(5)), list(range(16))])
def test_a_plan_that_fixes_no_n_or_this_one_counts_all(
    tmp_path: Path, planned: list[int] | None
) -> None:
    loaded = view(tmp_path, 16, planned)
    reduced, notes = on_planned_seeds(loaded)
    assert reduced is loaded and notes == ()


def test_what_is_left_out_is_left_out_of_every_frame(tmp_path: Path) -> None:
    loaded = view(tmp_path, 12, list(range(10)))
    reduced, _ = on_planned_seeds(loaded)
    for frame in (reduced.runs, reduced.episodes, reduced.updates):
        assert set(frame["seed"]) == set(range(10))
        assert list(frame.index) == list(range(len(frame)))
    extended, label = on_planned_seeds(loaded, extended=True)
    assert extended is loaded and len(label) == 1
