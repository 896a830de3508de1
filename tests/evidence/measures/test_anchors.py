"""What normalised scores are measured by, as their store changes."""

from __future__ import annotations

from pathlib import Path

from bench.evidence.measures.anchors import anchors_for
from tests.experiment_results import SyntheticRuns, untrained_score, write


def test_anchors_are_those_of_the_store_as_it_is_now(tmp_path: Path) -> None:
    for seeds in (2, 3):
        write(tmp_path, "untrained", SyntheticRuns(score=untrained_score, seeds=seeds, episodes=20))
        anchors = anchors_for(tmp_path, lambda folder: f"in {folder.name}")
        assert {len(values) for values in anchors.untrained.values()} == {seeds}
        assert anchors.source == f"in {tmp_path.name}"
