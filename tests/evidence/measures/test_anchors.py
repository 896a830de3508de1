"""What normalised scores are measured by, as their store changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from bench.evidence.measures.anchors import anchors, anchors_for
from bench.evidence.measures.normalised import variant_means
from bench.evidence.results import Results
from bench.plan.lookup import load_ablation
from bench.store import PUBLISHED, Store, load
from tests.experiment_results import (
    SyntheticRuns,
    cells,
    plan_rows,
    scores_frame,
    untrained_score,
    write,
)


def test_anchors_are_those_of_the_store_as_it_is_now(tmp_path: Path) -> None:
    for seeds in (2, 3):
        recipe = SyntheticRuns(score=untrained_score, seeds=seeds, episodes=20)
        write(tmp_path, "untrained", recipe)
        found = anchors_for(tmp_path, lambda folder: f"in {folder.name}")
        expected = variant_means(scores_frame("untrained", recipe), "untrained")
        assert found.untrained_means == expected
        assert {runs["untrained"].count(":") for runs in found.runs.values()} == {seeds}
        # PPO's are the published ones, as the Experiment is not there.
        folders = {"untrained": f"in {tmp_path.name}", "clipped_ppo": "in published"}
        assert found.sources["Hopper-v5"] == folders
        assert found.ppo_means == anchors_for(PUBLISHED).ppo_means != {}


def test_what_a_folder_lacks_is_filled_by_environment(tmp_path: Path) -> None:
    write(tmp_path, "untrained", SyntheticRuns(score=untrained_score, seeds=2, episodes=20))
    others = [cell for cell in cells("experiment") if cell != ("Walker2d-v5", "clipped_ppo")]
    write(tmp_path, "experiment", SyntheticRuns(seeds=2, episodes=20, missing=others))
    found, published = anchors_for(tmp_path), anchors_for(PUBLISHED)
    assert found.ppo_means["Hopper-v5"] == published.ppo_means["Hopper-v5"]
    assert found.ppo_means["Walker2d-v5"] != published.ppo_means["Walker2d-v5"]
    assert found.sources["Walker2d-v5"]["clipped_ppo"] == str(tmp_path)
    assert found.ppo_budgets.keys() == published.ppo_budgets.keys()


def test_the_experiment_s_ppo_is_that_of_its_page(tmp_path: Path) -> None:
    """On the plan's ten seeds, also after more were trained, and at the budget that it has."""
    write(tmp_path, "untrained", SyntheticRuns(score=untrained_score, seeds=2, episodes=20))
    others = [cell for cell in cells("experiment") if cell != ("Hopper-v5", "clipped_ppo")]
    recipe = SyntheticRuns(score=lambda _, __, seed: 100.0 + 50 * (seed >= 10), episodes=20)
    write(tmp_path, "experiment", replace(recipe, seeds=12, missing=others))
    rows = plan_rows(load_ablation("experiment"))
    planned = {"seeds": [*range(10)]}
    Store(tmp_path).write_plan(
        [
            {**row, "metadata": json.dumps({**json.loads(str(row["metadata"])), **planned})}
            for row in rows
        ]
    )
    results = Results(view=load("experiment", tmp_path), source="")
    assert results.anchors.ppo_means["Hopper-v5"] == 100.0
    ((scores,),) = results.strata(["Hopper-v5"]).values()
    assert scores.mean() == 1
    assert "1 our PPO (Clip) at 1,000,000 steps in the Experiment;" in results.scale_text
    shorter = anchors(
        results.anchors.untrained_scores, scores_frame("experiment").assign(budget=100_000)
    )
    results = Results(view=results.view, source="", given_anchors=shorter)
    assert "1 our PPO (Clip) at 100,000 steps in the Experiment;" in results.scale_text
