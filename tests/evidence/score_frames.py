"""Frames of scores by hand, and scores without any difference in distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from bench.kinds import EPISODES

Scores = Mapping[tuple[str, str], Sequence[float] | np.ndarray]
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def frame(scores: Scores) -> pd.DataFrame:
    """Scores by (environment, variant), seeds 0, 1, 2, …"""
    rows = [
        (environment, variant, f"the {variant}", seed, score)
        for (environment, variant), values in scores.items()
        for seed, score in enumerate(values)
    ]
    columns = ["environment", "variant", "variant_title", "seed", "score"]
    return pd.DataFrame(rows, columns=columns).assign(
        kind=EPISODES, budget=100_000, back_end="envpool"
    )


def bimodal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    high = generator.random(shape) < 0.3
    return np.where(high, 4500.0, 1500.0) + 200 * generator.normal(size=shape)


NULLS: dict[str, Draw] = {
    "normal": lambda generator, shape: generator.normal(1000, 300, shape),
    "skewed": lambda generator, shape: generator.lognormal(0, 1.5, shape),
    "bimodal": bimodal,
}
each_null = pytest.mark.parametrize("draw", NULLS.values(), ids=NULLS)
