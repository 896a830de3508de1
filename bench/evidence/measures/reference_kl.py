"""How far tuned policies have gone from their reference, in KL, and the gold reward they earn.

Only runs on token environments have these: their updates report the KL to a reference policy.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from bench.evidence.measures.late_updates import late_means


def has_reference(updates: pd.DataFrame) -> bool:
    """Whether any run reports its KL to a reference."""
    return bool(updates["reference_kl"].notna().any())


def scores_with_kl(
    runs: pd.DataFrame, episodes: pd.DataFrame, updates: pd.DataFrame, scores: pd.DataFrame
) -> pd.DataFrame:
    """Add to each run's score its KL and its gold reward in the last tenth of its steps.

    Args:
        runs, episodes, updates: the store's view of an ablation.
        scores: the frame of `scores.score_runs` for these runs.

    Returns:
        The rows of `scores` whose run reports `reference_kl`, with the further columns divergence:
        KL(policy ‖ reference) of a whole answer [nats]; gold [reward], NaN if not reported; and
        penalised: score − reference_penalty · divergence, what was maximised [reward].
    """
    unique_runs = runs.drop_duplicates("run").set_index("run")
    means = late_means(runs, per_answer(updates, episodes), ("divergence", "gold_reward"))
    rows = scores.merge(
        means.rename(columns={"gold_reward": "gold"}), left_on="run", right_index=True
    )
    penalties = [
        float(json.loads(unique_runs.loc[run, "hyperparameters"])["reference_penalty"])
        for run in rows["run"]
    ]
    rows["penalised"] = rows["score"] - np.array(penalties) * rows["divergence"]
    return rows


def per_answer(updates: pd.DataFrame, episodes: pd.DataFrame) -> pd.DataFrame:
    """The updates with the column divergence: KL(policy ‖ reference) of a whole answer [nats]."""
    length = episodes.drop_duplicates("run").set_index("run")["length"]
    lengths = updates["run"].astype(object).map(length.rename(index=str)).astype("float64")
    kl = updates["reference_kl"].astype("float64")
    gold = updates["gold_reward"].astype("float64")
    return updates.assign(
        run=updates["run"].astype(object), divergence=kl * lengths, gold_reward=gold
    )
