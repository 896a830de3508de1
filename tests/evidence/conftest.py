"""Frames as the store hands them over, made of short descriptions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

Frames = tuple[pd.DataFrame, pd.DataFrame]
Build = Callable[..., Frames]
VERSIONS = {"python": "3.11.7", "torch": "2.13.0", "mujoco": "4.0.0"}


def make_frames(descriptions: Iterable[dict[str, Any]]) -> Frames:
    """Runs and episodes from one dict a run: `episodes` as (step, return) pairs and any column."""
    variants: dict[str, int] = {}
    environments: dict[str, int] = {}
    rows, episodes = [], []
    for place, description in enumerate(descriptions):
        run = dict(description)
        steps = np.array([step for step, _ in run.get("episodes", ())], dtype=np.int64)
        returns = np.array([value for _, value in run.pop("episodes", ())], dtype=np.float64)
        seconds = np.asarray(run.pop("times", steps / 1000.0), dtype=np.float64)
        row = {
            "variant": "control",
            "environment": "Hopper-v5",
            "seed": 0,
            "budget": 1000,
            "status": "finished",
            "diverged_at": None,
            "algorithm": run.get("variant", "control"),
            "back_end": "envpool",
            "evaluation": "training episodes: sampled actions, raw rewards",
            "digest": "0123456789abcdef",
            "adopted": None,
            "versions": json.dumps(VERSIONS),
            "machine": json.dumps({"processor": "AMD EPYC", "model": "17", "cores": 2}),
            "run": f"{place:016x}",
            **run,
        }
        row.setdefault("seconds", row["budget"] / 1000.0)
        row.setdefault("variant_title", f"the {row['variant']}")
        row["variant_order"] = variants.setdefault(row["variant"], len(variants))
        row["environment_order"] = environments.setdefault(row["environment"], len(environments))
        rows.append(row)
        episodes.append(
            pd.DataFrame(
                {
                    "run": row["run"],
                    "step": steps,
                    "return": returns,
                    "length": np.full(len(steps), 10, dtype=np.int32),
                    "seconds": seconds,
                    "variant": row["variant"],
                    "environment": row["environment"],
                    "seed": row["seed"],
                }
            )
        )
    runs = pd.DataFrame(rows)
    runs["diverged_at"] = runs["diverged_at"].astype("Int64")
    return runs, pd.concat(episodes, ignore_index=True)


def make_learning(
    environments: Sequence[str],
    variants: Sequence[str],
    *,
    seeds: int = 10,
    budget: int = 100_000,
    episodes: int = 60,
    **columns: Any,
) -> Frames:
    """Rising noisy curves; later variants rise higher. `columns` go into every run."""
    generator = np.random.default_rng(1)
    descriptions = []
    for environment in environments:
        for height, variant in enumerate(variants, start=1):
            for seed in range(seeds):
                steps = np.sort(generator.integers(1, budget + 1, episodes))
                rise = 1 - np.exp(-3 * steps / budget)
                returns = 500 * height * rise + 40 * generator.standard_normal(episodes)
                descriptions.append(
                    {
                        "environment": environment,
                        "variant": variant,
                        "seed": seed,
                        "budget": budget,
                        "episodes": list(zip(steps.tolist(), returns.tolist(), strict=True)),
                        **columns,
                    }
                )
    return make_frames(descriptions)


@pytest.fixture(scope="session")
def frames() -> Build:
    return make_frames


@pytest.fixture(scope="session")
def learning() -> Build:
    return make_learning


def make_updates(runs: pd.DataFrame, batch_ends: dict[str, Sequence[int]]) -> pd.DataFrame:
    """Updates of some runs, by the steps at which their batches were complete; 1 ms a step."""
    rows = [
        {
            "run": run,
            "variant": variant,
            "update": place,
            "step": step,
            "seconds": step / 1000.0,
        }
        for run, variant in zip(runs["run"], runs["variant"], strict=True)
        for place, step in enumerate(batch_ends.get(run, ()))
    ]
    return pd.DataFrame(rows, columns=["run", "variant", "update", "step", "seconds"])


@pytest.fixture(scope="session")
def updates() -> Callable[[pd.DataFrame, dict[str, Sequence[int]]], pd.DataFrame]:
    return make_updates
