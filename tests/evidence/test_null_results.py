"""Results without any difference in distribution, through store, load and findings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from bench.evidence.findings import findings
from bench.evidence.statistics.claimable import ALPHA
from bench.store import View, load
from tests.evidence.report.made_results import SyntheticAblation, write
from tests.evidence.score_frames import NULLS, Draw

VARIANTS, ENVIRONMENTS, SEEDS = 4, ("Hopper-v5", "Walker2d-v5"), 10
SHAPE = (len(ENVIRONMENTS), VARIANTS, SEEDS)


def exchangeable(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """The scores of a seed have its luck in common, heavy of tail."""
    environments, _, seeds = shape
    luck = generator.standard_t(3, (environments, 1, seeds))
    return 10 * luck + generator.standard_t(3, shape)


DRAWS: dict[str, Draw] = {"exchangeable": exchangeable, **NULLS}


def claims(view: View) -> bool:
    """Whether a difference is claimed anywhere."""
    return any(verdict.outcome in ("better", "worse") for verdict in findings(view).verdicts)


def with_scores(view: View, values: np.ndarray) -> View:
    """The view, every episode's return that of its run's score."""
    places = {name: place for place, name in enumerate(ENVIRONMENTS)}
    frame = view.episodes
    environment_index = frame["environment"].map(places).to_numpy(dtype=np.int64)
    returns = values[environment_index, frame["variant_order"], frame["seed"]]
    return replace(view, episodes=frame.assign(**{"return": returns}))


def base_view(folder: Path) -> View:
    """A view whose plan fixes the seeds."""
    titles = [f"variant {place}" for place in range(VARIANTS)]
    ablation = SyntheticAblation(seeds=SEEDS, variants=titles, environments=ENVIRONMENTS)
    view = load("made", write(folder, ablation))
    planned = [
        json.dumps({**json.loads(text), "seeds": list(range(SEEDS))})
        for text in view.plan["metadata"]
    ]
    return replace(view, plan=view.plan.assign(metadata=planned))


def false_claim_limit(data_sets: int) -> int:
    """The chance of more false claims is 1 in 1000 if the true share is the stated one."""
    return int(scipy.stats.binom.ppf(0.999, data_sets, ALPHA))


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_false_claims_keep_within_the_stated_share(draw: Draw, tmp_path: Path) -> None:
    """250 data sets of each kind, 1,000 in all."""
    view, generator = base_view(tmp_path), np.random.default_rng(0)
    claimed = [claims(with_scores(view, draw(generator, SHAPE))) for _ in range(250)]
    assert sum(claimed) <= false_claim_limit(250)
    assert any(claimed), "a test that never claims is none"


@pytest.mark.slow
def test_false_claims_through_the_store(tmp_path: Path) -> None:
    """Fifty data sets written and read again, each as one comparison of two variants."""
    generator = np.random.default_rng(1)
    wrong = 0
    for place in range(50):
        draw = list(DRAWS.values())[place % len(DRAWS)]
        values = draw(generator, SHAPE)[0, :2]
        ablation = SyntheticAblation(
            seeds=SEEDS,
            environments=ENVIRONMENTS[:1],
            score=lambda variant, seed, values=values: float(values[variant, seed]),  # type: ignore[misc]
        )
        view = load("made", write(tmp_path / str(place), ablation))
        scores = findings(view).scores
        assert scores["score"].tolist() == pytest.approx(values.ravel().tolist())
        wrong += claims(view)
    assert wrong <= false_claim_limit(50)


def test_what_differs_is_claimed_on_the_same_way(tmp_path: Path) -> None:
    """The slow tests' way from scores to claims does claim a difference that is there."""
    values = NULLS["normal"](np.random.default_rng(0), SHAPE)
    view = base_view(tmp_path)
    assert not claims(with_scores(view, np.broadcast_to(values[:, :1], SHAPE)))
    values[0, 1] = values[0, 0] + 5_000
    verdicts = findings(with_scores(view, values)).verdicts
    assert [verdict.variant for verdict in verdicts if verdict.outcome == "better"] == ["variant_1"]
    assert pd.notna(verdicts[1].adjusted)
