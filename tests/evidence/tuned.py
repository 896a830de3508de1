"""Frames of tuned policies, as the store hands them over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

ANSWER, BUDGET, BATCHES = 32, 2_000, 20

Descriptions = Mapping[tuple[str, int], Mapping[str, Any]]
"""(variant, seed) -> reward, gold and kl at each batch, as a number for all or as BATCHES numbers;
`penalty`; and anything else of a run."""


def tuned(descriptions: Descriptions, environment: str = "Reviews-v0") -> tuple[pd.DataFrame, ...]:
    """Runs, episodes and updates: two answers a batch, whose mean is the reward."""
    order = {
        variant: place for place, variant in enumerate(dict.fromkeys(v for v, _ in descriptions))
    }
    steps = (np.arange(BATCHES) + 1) * BUDGET // BATCHES
    runs, episodes, updates = [], [], []
    for place, ((variant, seed), description) in enumerate(descriptions.items()):
        columns = {"penalty": 0.0, "gold": np.nan, "kl": np.nan, **description}
        reward, gold, kl = (
            np.broadcast_to(np.asarray(columns.pop(name), float), BATCHES)
            for name in ("reward", "gold", "kl")
        )
        run = f"{place:016x}"
        identity = {"run": run, "variant": variant, "environment": environment, "seed": seed}
        runs.append(
            {
                **identity,
                "variant_title": f"the {variant}",
                "variant_order": order[variant],
                "environment_order": 0,
                "budget": BUDGET,
                "status": "finished",
                "diverged_at": None,
                "seconds": 2.0,
                "algorithm": "sequence_clipped_ppo",
                "back_end": "sequence",
                "evaluation": "training episodes: sampled actions, raw rewards",
                "digest": "0123456789abcdef",
                "adopted": None,
                "versions": json.dumps({"torch": "2.13.0"}),
                "hyperparameters": json.dumps({"reference_penalty": columns.pop("penalty")}),
                **columns,
            }
        )
        times = {"step": steps, "seconds": steps / 1000}
        for shift in (-1, 1):
            episodes.append(
                pd.DataFrame({**identity, **times, "return": reward + shift, "length": ANSWER})
            )
        diagnostics = {
            "update": np.arange(BATCHES),
            "reference_kl": kl / ANSWER,
            "gold_reward": gold,
        }
        updates.append(pd.DataFrame({**identity, **times, **diagnostics}))
    frame = pd.DataFrame(runs)
    frame["diverged_at"] = frame["diverged_at"].astype("Int64")
    return (
        frame,
        pd.concat(episodes, ignore_index=True),
        pd.concat(updates, ignore_index=True),
    )


def plan_of(runs: pd.DataFrame, control: str) -> pd.DataFrame:
    columns = ["variant", "variant_title", "variant_order", "environment", "environment_order"]
    plan = runs.drop_duplicates("variant")[columns].copy()
    return plan.assign(control=control, compared_with=None)
