"""Ten seeds of every algorithm at the sizes of HalfCheetah, and batches that were really played."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from algorithms import ALGORITHMS
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch
from algorithms.learner import Learner
from algorithms.spaces import Continuous
from bench.train.environments import Environments, make
from bench.train.rollout import Rollout

ENVIRONMENT = "HalfCheetah-v5"
SEEDS = tuple(range(10))
OBSERVATIONS = 17
ACTIONS = Continuous(size=6, low=(-1.0,) * 6, high=(1.0,) * 6)
COLLECTORS = {"steps": "clipped_ppo", "trajectories": "vanilla_policy_gradient"}


def algorithm_of(name: str) -> Algorithm:
    module, attribute = ALGORITHMS[name].split(":")
    found: Algorithm = getattr(importlib.import_module(module), attribute)
    return found


def learner_of(name: str, **changes: Any) -> Learner:
    """`changes` are hyperparameters; the others have their defaults."""
    algorithm = algorithm_of(name)
    hyperparameters = algorithm.hyperparameters(**changes)
    return Learner(algorithm, hyperparameters, SEEDS, OBSERVATIONS, ACTIONS)


@contextmanager
def environments_of(slots: int) -> Iterator[Environments]:
    environments = make(ENVIRONMENT, SEEDS, slots)
    try:
        yield environments
    finally:
        environments.close()


@functools.cache
def played(collects: Literal["steps", "trajectories"]) -> Batch:
    """The first batch of every algorithm that collects in this way, at its default size.

    It serves them all: their seeds share initial policies, action noise and environments.
    """
    learner = learner_of(COLLECTORS[collects])
    with environments_of(learner.hyperparameters.slots) as environments:
        rollout = Rollout(learner, environments)
        if collects == "steps":
            return rollout.collect_steps()
        return rollout.collect_trajectories()
