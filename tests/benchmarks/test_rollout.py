"""The ticks of a rollout: 10 seeds x 8 slots of HalfCheetah, with the physics and without.

One round is 64 ticks, as many as share one block of noise; `extra_info` has their number. The
rollout runs on from round to round, as it does in training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from algorithms.numerics.random_streams import NOISE_BLOCK
from bench.plan.lookup import load_algorithm
from bench.train.environments.protocol import Step
from bench.train.rollout import Rollout
from tests.benchmarks.half_cheetah import (
    ACTIONS,
    OBSERVATIONS,
    SEEDS,
    environments_of,
    learner_of,
)

pytestmark = pytest.mark.benchmarks

SLOTS = 8
SHAPE = (len(SEEDS), NOISE_BLOCK, SLOTS)


class Standstill:
    """Environments in which nothing happens: every tick gives the same observations."""

    back_end = "none"
    observation_size = OBSERVATIONS
    action_space = ACTIONS
    time_limit = None

    def __init__(self) -> None:
        count = len(SEEDS) * SLOTS
        generator = np.random.default_rng(0)
        self._observations = generator.standard_normal((count, OBSERVATIONS), dtype=np.float32)
        self._step = Step(
            observations=self._observations,
            last_observations=self._observations,
            rewards=np.ones(count),
            terminated=np.zeros(count, np.bool_),
            truncated=np.zeros(count, np.bool_),
        )

    def reset(self, elapsed: np.ndarray | None = None) -> np.ndarray:
        return self._observations

    def step(self, actions: np.ndarray, active: np.ndarray) -> Step:
        return self._step

    def close(self) -> None:
        pass


def measure(benchmark: Any, environments: Any, rounds: int) -> None:
    learner = learner_of("clipped_ppo", slots=SLOTS, batch_steps=SLOTS * NOISE_BLOCK)
    rollout = Rollout(load_algorithm("clipped_ppo"), learner, environments)
    benchmark.extra_info["ticks"] = NOISE_BLOCK
    batch, _ = benchmark.pedantic(rollout.collect, rounds=rounds, warmup_rounds=1)
    assert batch.rewards.shape == SHAPE
    assert batch.observations.shape == (*SHAPE, OBSERVATIONS)
    assert batch.valid.all()
    assert torch.isfinite(batch.next_observations).all()


def test_64_ticks(benchmark: Any) -> None:
    with environments_of(SLOTS) as environments:
        measure(benchmark, environments, rounds=10)


def test_64_ticks_without_physics(benchmark: Any) -> None:
    measure(benchmark, Standstill(), rounds=30)
