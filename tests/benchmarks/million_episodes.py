"""A page of results with 10⁶ episodes: 5 variants, 2 environments, 10 seeds, 10⁴ episodes each."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.store import Store

ABLATION = "million"
VARIANTS = ("control", "first", "second", "third", "fourth")
ENVIRONMENTS = ("Hopper-v5", "HalfCheetah-v5")
SEEDS = range(10)
EPISODES_A_RUN = 10_000
STEPS_AN_EPISODE = 100
BUDGET = EPISODES_A_RUN * STEPS_AN_EPISODE
BATCH_STEPS = 2048
NUMBER = EPISODES_A_RUN * len(VARIANTS) * len(ENVIRONMENTS) * len(SEEDS)

_NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What `Store.write_run` takes."""

    row: Mapping[str, object]
    episodes: Mapping[str, np.ndarray]
    updates: Mapping[str, np.ndarray]


def runs() -> list[Run]:
    """Noisy curves that rise to a height of their variant and their seed."""
    return [
        _run(index, variant, environment, seed)
        for index, (variant, environment) in enumerate(_cells())
        for seed in SEEDS
    ]


def plan_rows() -> list[dict[str, object]]:
    return [
        {
            "ablation": ABLATION,
            "title": "A million episodes",
            "question": "How long does a page take?",
            "created": _NOON,
            "control": VARIANTS[0],
            "variant": variant,
            "variant_title": variant.title(),
            "variant_order": VARIANTS.index(variant),
            "environment": environment,
            "environment_order": ENVIRONMENTS.index(environment),
            "description": f"{index:016x}",
            "budget": BUDGET,
            "algorithm": "clipped_ppo",
            "differs": "{}",
            "metadata": "{}",
        }
        for index, (variant, environment) in enumerate(_cells())
    ]


def write(folder: Path, written: Iterable[Run], plan: list[dict[str, object]]) -> None:
    store = Store(folder)
    for run in written:
        store.write_run(run.row, run.episodes, run.updates, None)
    store.write_plan(plan)


def _cells() -> Iterator[tuple[str, str]]:
    return ((variant, environment) for variant in VARIANTS for environment in ENVIRONMENTS)


def _run(index: int, variant: str, environment: str, seed: int) -> Run:
    generator = np.random.default_rng([index, seed])
    height = 1000 + 300 * VARIANTS.index(variant) + 100 * generator.standard_normal()
    # Lengths that add up to the budget: the places of the ends, drawn and sorted.
    ends = np.sort(generator.choice(BUDGET - 1, EPISODES_A_RUN - 1, replace=False) + 1)
    step = np.append(ends, BUDGET)
    rise = 1 - np.exp(-3 * step / BUDGET)
    batch_ends = np.minimum(np.arange(BATCH_STEPS, BUDGET + BATCH_STEPS, BATCH_STEPS), BUDGET)
    number = len(batch_ends)
    row = {
        "run": f"{index * 1000 + seed:016x}",
        "description": f"{index:016x}",
        "algorithm": "clipped_ppo",
        "environment": environment,
        "seed": seed,
        "budget": BUDGET,
        "hyperparameters": "{}",
        "canonical": "{}",
        "back_end": "envpool",
        "device": "cpu",
        "evaluation": "training",
        "status": "finished",
        "steps": BUDGET,
        "episodes": EPISODES_A_RUN,
        "updates": number,
        "seconds": BUDGET / 1000,
        "group_size": len(SEEDS),
        "threads": 1,
        "started": _NOON,
        "digest": "0123456789abcdef",
        "versions": json.dumps({"torch": "2.13.0", "mujoco": "4.0.0"}),
        "machine": "{}",
    }
    return Run(
        row=row,
        episodes={
            "step": step,
            "return": height * rise + 50 * generator.standard_normal(EPISODES_A_RUN),
            "length": np.diff(step, prepend=0),
            "seconds": step / 1000,
        },
        updates={
            "update": np.arange(number),
            "step": batch_ends,
            "seconds": batch_ends / 1000,
            "entropy": 8 - batch_ends / BUDGET + 0.01 * generator.standard_normal(number),
            "kl_mean": 0.01 * generator.random(number),
        },
    )
