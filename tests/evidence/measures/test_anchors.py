"""What normalised scores are measured by, as their store changes."""

from __future__ import annotations

from pathlib import Path

from bench.evidence.measures.anchors import anchors_for
from bench.evidence.measures.normalised import variant_means
from tests.experiment_results import SyntheticRuns, scores_frame, untrained_score, write


def test_anchors_are_those_of_the_store_as_it_is_now(tmp_path: Path) -> None:
    for seeds in (2, 3):
        write(tmp_path, "untrained", SyntheticRuns(score=untrained_score, seeds=seeds, episodes=20))
        anchors = anchors_for(tmp_path, lambda folder: f"in {folder.name}")
        expected = scores_frame(
            "untrained", SyntheticRuns(score=untrained_score, seeds=seeds, episodes=20)
        )
        assert anchors.untrained_means == variant_means(expected, "untrained")
        (environment, runs) = next(iter(anchors.runs.items()))
        assert runs["untrained"].count(":") == seeds, environment
        assert anchors.source == f"in {tmp_path.name}"
