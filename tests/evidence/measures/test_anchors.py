"""What normalised scores are measured by, as their store changes."""

from __future__ import annotations

from pathlib import Path

from bench.evidence.measures.anchors import anchors_for
from bench.evidence.measures.normalised import variant_means
from tests.experiment_results import SyntheticRuns, scores_frame, untrained_score, write


def test_anchors_are_those_of_the_store_as_it_is_now(tmp_path: Path) -> None:
    for seeds in (2, 3):
        recipe = SyntheticRuns(score=untrained_score, seeds=seeds, episodes=20)
        write(tmp_path, "untrained", recipe)
        anchors = anchors_for(tmp_path, lambda folder: f"in {folder.name}")
        expected = variant_means(scores_frame("untrained", recipe), "untrained")
        assert anchors.untrained_means == expected
        assert {runs["untrained"].count(":") for runs in anchors.runs.values()} == {seeds}
        assert anchors.source == f"in {tmp_path.name}"
