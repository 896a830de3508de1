"""Results of the experiment as a store would hold them: made up, with answers that are known.

Every run's curve rises from what the untrained policy earns to a height of its cell and its seed,
and ends in a plateau over the last half of its steps on which the noise cancels: the score of a
run is `score(environment, variant, seed)`, exactly.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ablations.spec import Ablation
from bench.kinds import EPISODES
from bench.plan.lookup import load_ablation
from bench.store import Store

NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)

UNTRAINED = {
    "Ant-v5": -50.0,
    "HalfCheetah-v5": -300.0,
    "Hopper-v5": 20.0,
    "InvertedDoublePendulum-v5": 60.0,
    "InvertedPendulum-v5": 6.0,
    "Reacher-v5": -60.0,
    "Swimmer-v5": 1.0,
    "Walker2d-v5": 3.0,
}
REACHED = {
    "HalfCheetah-v5": (1200.0, 900.0, -280.0, 2600.0, 700.0, -50.0),
    "Hopper-v5": (700.0, 1000.0, 500.0, 2300.0, 2100.0, 1900.0),
    "InvertedDoublePendulum-v5": (7000.0, 6500.0, 110.0, 8300.0, 7400.0, 190.0),
    "InvertedPendulum-v5": (990.0, 960.0, 600.0, 1000.0, 980.0, 880.0),
    "Reacher-v5": (-25.0, -26.0, -50.0, -6.0, -12.0, -55.0),
    "Swimmer-v5": (30.0, 36.0, 10.0, 108.0, 62.0, 118.0),
    "Walker2d-v5": (780.0, 700.0, 720.0, 3100.0, 1250.0, 1000.0),
}
"""Environment -> the score of seed 0, by variant in the ablation's order."""

Score = Callable[[str, str, int], float]

_COPIED = (
    *("environment", "environment_order", "variant", "variant_title", "variant_order", "budget"),
)


def score(environment: str, variant: str, seed: int) -> float:
    """The score of a run of the experiment: 5% of what was learned more or less from seed to seed.

    HalfCheetah's PPO ends in one of two modes.
    """
    index = VARIANTS.index(variant)
    reached, start = REACHED[environment][index], UNTRAINED[environment]
    if (environment, variant) == ("HalfCheetah-v5", "clipped_ppo") and seed % 2:
        return reached + 1700.0
    return reached + 0.05 * (reached - start) * ((seed * 7 + index * 3) % 5 - 2)


def untrained_score(environment: str, variant: str, seed: int) -> float:
    """The score of a run of the ablation `untrained`; its mean over ten seeds is `UNTRAINED`."""
    start = UNTRAINED[environment]
    return start + 0.01 * abs(start) * (seed - 4.5) - (100.0 if variant != "untrained" else 0.0)


@dataclass(frozen=True, kw_only=True)
class SyntheticRuns:
    """How the runs of an ablation are made up.

    Attributes:
        score: what a run's score is.
        seeds: of every cell, or by (environment, variant) where they differ.
        missing: cells without runs, by (environment, variant).
        episodes: of a run; even.
    """

    score: Score = score
    seeds: int | Mapping[tuple[str, str], int] = 5
    missing: Collection[tuple[str, str]] = ()
    episodes: int = 40

    def count(self, environment: str, variant: str) -> int:
        if (environment, variant) in self.missing:
            return 0
        if isinstance(self.seeds, int):
            return self.seeds
        return self.seeds.get((environment, variant), 5)


def write(folder: Path, name: str, recipe: SyntheticRuns | None = None) -> Path:
    """Write the plan and the runs of an ablation of the suite into a store."""
    ablation, recipe = load_ablation(name), recipe or SyntheticRuns()
    store = Store(folder)
    store.write_plan(plan_rows(ablation))
    for index, row in enumerate(plan_rows(ablation)):
        for seed in range(recipe.count(str(row["environment"]), str(row["variant"]))):
            _write_run(store, row, index, seed, recipe)
    return folder


def plan_frame(name: str) -> pd.DataFrame:
    """The plan of an ablation of the suite, as the store hands it over."""
    return pd.DataFrame(plan_rows(load_ablation(name))).assign(compared_with=None)


def scores_frame(
    name: str, recipe: SyntheticRuns | None = None, *, last_100: float = 1.0
) -> pd.DataFrame:
    """The frame of `scores.score_runs`, without a detour over episodes.

    The last 100 episodes are worth `last_100` more than the score.
    """
    recipe = recipe or SyntheticRuns()
    rows = [
        {
            **{key: row[key] for key in _COPIED},
            "seed": seed,
            "run": f"{row['description']}-{seed}",
            "status": "finished",
            "back_end": "envpool",
            "kind": EPISODES,
            "score": recipe.score(str(row["environment"]), str(row["variant"]), seed),
            "window_episodes": 4,
            "diverged": False,
            "excluded_episodes": 0,
        }
        for row in plan_rows(load_ablation(name))
        for seed in range(recipe.count(str(row["environment"]), str(row["variant"])))
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(last_100=frame["score"] + last_100)


def plan_rows(ablation: Ablation) -> list[dict[str, object]]:
    return [
        {
            "ablation": ablation.name,
            "title": ablation.title,
            "question": ablation.question,
            "created": NOON,
            "control": ablation.control,
            "variant": variant.name,
            "variant_title": variant.title,
            "variant_order": order,
            "environment": environment,
            "environment_order": index,
            "description": f"{ablation.name}-{index}-{order}",
            "budget": ablation.budget(environment),
            "algorithm": variant.algorithm,
            "differs": "{}",
            "metadata": json.dumps({"page": ablation.page}),
        }
        for index, environment in enumerate(ablation.environments)
        for order, variant in enumerate(ablation.variants)
    ]


def episode_returns(reached: float, start: float, number: int, seed: int) -> np.ndarray:
    """A saturating curve with noise; over any even part of its last half its mean is `reached`."""
    share = np.arange(1, number + 1) / number
    generator = np.random.default_rng([seed, number])
    noise = 0.15 * abs(reached - start) * generator.random(number)
    noise[1::2] = -noise[0::2]
    rise = np.where(share > 0.5, 1.0, 1 - np.exp(-6 * share))
    return start + (reached - start) * rise + noise * rise


def _write_run(
    store: Store, row: Mapping[str, object], index: int, seed: int, recipe: SyntheticRuns
) -> None:
    budget, environment = int(str(row["budget"])), str(row["environment"])
    ends = np.arange(1, recipe.episodes + 1) * budget // recipe.episodes
    reached = recipe.score(environment, str(row["variant"]), seed)
    # The last of the steps: two episodes at least, which the noise needs to cancel.
    returns = episode_returns(reached, UNTRAINED[environment], recipe.episodes, seed)
    numbers = np.arange(10)
    store.write_run(
        {
            "run": f"{row['ablation']}-{index}-{seed}",
            "description": row["description"],
            "algorithm": row["algorithm"],
            "environment": environment,
            "seed": seed,
            "budget": budget,
            "hyperparameters": "{}",
            "canonical": "{}",
            "back_end": "envpool",
            "device": "cpu",
            "evaluation": "training episodes: sampled actions, raw rewards",
            "status": "finished",
            "steps": budget,
            "episodes": recipe.episodes,
            "updates": len(numbers),
            "seconds": budget / 1000,
            "group_size": 10,
            "threads": 1,
            "started": NOON,
            "digest": f"{row['algorithm']}",
            "versions": json.dumps({"torch": "2.13.0", "mujoco": "4.0.0"}),
            "machine": "{}",
        },
        {
            "step": ends,
            "return": returns,
            "length": np.diff(ends, prepend=0),
            "seconds": ends / 1000,
        },
        {
            "update": numbers,
            "step": (numbers + 1) * budget // len(numbers),
            "seconds": (numbers + 1) * budget / 1000 / len(numbers),
        },
        None,
    )


def cells(name: str) -> Iterator[tuple[str, str]]:
    """(environment, variant) of an ablation of the suite, in the order of the page."""
    ablation = load_ablation(name)
    return (
        (environment, variant.name)
        for environment in ablation.environments
        for variant in ablation.variants
    )


VARIANTS = tuple(variant.name for variant in load_ablation("experiment").variants)
