"""Rewards beside gold rewards and KL: by run, on the page, and what may be claimed of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tuned import BATCHES, plan_of, tuned

from bench.evidence.findings import judge_with_gold
from bench.evidence.measures.reference_kl import has_reference, scores_with_kl
from bench.evidence.measures.scores import score_runs
from bench.evidence.pages.reference_kl import section


def kl_scores(frames: tuple[pd.DataFrame, ...]) -> pd.DataFrame:
    return scores_with_kl(*frames, score_runs(*frames))


def test_the_last_tenth_of_a_run_counts() -> None:
    late = np.where(np.arange(BATCHES) >= 18, 1.0, 0.0)
    frames = tuned(
        {("a", 3): {"reward": 100 - 90 * late, "gold": 5 + 2 * late, "kl": 50 - 20 * late}}
    )
    (row,) = kl_scores(frames).to_dict("records")
    assert (row["seed"], row["score"], row["gold"]) == (3, 10.0, 7.0)
    assert row["divergence"] == pytest.approx(30)


def test_what_was_maximised_has_the_run_s_own_penalty() -> None:
    frames = tuned(
        {
            ("free", 0): {"reward": 9, "kl": 20},
            ("held", 0): {"reward": 5, "kl": 20, "penalty": 0.1},
        }
    )
    assert kl_scores(frames)["penalised"].tolist() == pytest.approx([9, 3])


def test_a_run_that_two_variants_share_counts_for_both() -> None:
    runs, episodes, updates = tuned({("a", 0): {"reward": 1, "gold": 2, "kl": 3}})
    copies = [frame.assign(variant="b") for frame in (runs, episodes, updates)]
    copies[0]["variant_order"] = 1
    frames = tuple(
        pd.concat([original, duplicate], ignore_index=True)
        for original, duplicate in zip((runs, episodes, updates), copies, strict=True)
    )
    scores = kl_scores(frames)
    assert scores["variant"].tolist() == ["a", "b"]
    assert scores["divergence"].tolist() == pytest.approx([3, 3])


def test_a_seed_that_diverged_keeps_what_it_had() -> None:
    runs, episodes, updates = tuned(
        {("a", 0): {"reward": 1, "kl": np.arange(20.0), "status": "diverged", "diverged_at": 800}}
    )
    updates = updates[updates["step"] <= 700]
    assert kl_scores((runs, episodes, updates))["divergence"].tolist() == pytest.approx([6])


def test_runs_without_a_reference_are_left_out() -> None:
    frames = tuned({("a", 0): {"reward": 1, "kl": 2}, ("b", 0): {"reward": 1}})
    assert has_reference(frames[2])
    assert kl_scores(frames)["variant"].tolist() == ["a"]
    assert not has_reference(tuned({("b", 0): {"reward": 1}})[2])


def hacked_frames(seeds: int = 10) -> tuple[pd.DataFrame, ...]:
    """`hacked` earns more than `held` and is worth less, in every pair of seeds."""
    return tuned(
        {
            (variant, seed): {
                "reward": reward + seed / 10,
                "gold": gold + seed / 10,
                "kl": kl + seed,
                "penalty": penalty,
            }
            for variant, reward, gold, kl, penalty in (
                ("held", 8.0, 7.0, 7.0, 0.3),
                ("hacked", 30.0, 0.0, 250.0, 0.0),
                ("alike", 8.0, 7.0, 7.0, 0.3),
            )
            for seed in range(seeds)
        }
    )


def test_claims_on_gold_rewards_are_adjusted_with_those_on_rewards() -> None:
    frames = hacked_frames()
    scores = score_runs(*frames)
    rewards, golden, notes = judge_with_gold(plan_of(frames[0], "held"), scores, kl_scores(frames))
    assert [verdict.outcome for verdict in rewards] == ["control", "better", "none"]
    assert [verdict.outcome for verdict in golden] == ["control", "worse", "none"]
    assert {verdict.comparisons for verdict in (*rewards, *golden)} == {4}
    assert golden[1].difference == pytest.approx(-7) and rewards[1].difference == pytest.approx(22)
    # Ten pairs of one sign, four comparisons.
    assert rewards[1].adjusted == pytest.approx(4 * 2**-9)
    assert {verdict.environment for verdict in rewards} == {"Reviews-v0"} and notes == ()


def test_the_table_has_rewards_costs_and_claims() -> None:
    frames = hacked_frames()
    scores = kl_scores(frames)
    _, golden, _ = judge_with_gold(plan_of(frames[0], "held"), score_runs(*frames), scores)
    table = section("Reviews-v0", scores, golden)
    assert len(table.header) == len(table.alignment) == len(table.cells[0]) == 9
    held, hacked, _ = table.cells
    assert held[:4] == ("the held", "10", "8.45", "7.45") and held[5] == "11.5"
    assert held[7] == "5.00"  # 8.45 − 0.3 · 11.5
    assert hacked[:4] == ("the hacked", "10", "30.4", "0.450") and hacked[5] == "254"
    assert hacked[-1].startswith("worse than control by 7.00")
    assert "Claims: on the gold reward" in table.notes[-1]
    coverages = "Measured coverage of the intervals, for normal data: 93% at n = 10."
    assert coverages in table.notes


def test_without_gold_the_table_says_nothing_of_it() -> None:
    frames = tuned({("a", seed): {"reward": 1, "kl": 2} for seed in range(3)})
    scores = kl_scores(frames)
    rewards, golden, _ = judge_with_gold(plan_of(frames[0], "a"), score_runs(*frames), scores)
    assert len(rewards) == 1 and golden == ()
    table = section("Reviews-v0", scores)
    assert len(table.header) == len(table.alignment) == len(table.cells[0]) == 6
    assert not any("old" in text for text in (*table.header, *table.notes))


def test_one_seed_has_no_interval() -> None:
    table = section("Reviews-v0", kl_scores(tuned({("a", 0): {"reward": 1, "kl": 2}})))
    assert table.cells[0][4] == "–"
