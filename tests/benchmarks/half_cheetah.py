"""Ten seeds of every algorithm at the sizes of HalfCheetah, and batches that were really played."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from algorithms import ALGORITHMS
from algorithms.actor_critic import ActorCritic
from algorithms.algorithm import Algorithm
from algorithms.batch import Batch
from algorithms.spaces import Continuous
from bench.train.environments import make
from bench.train.environments.protocol import Environments
from bench.train.rollout import Rollout

ENVIRONMENT = "HalfCheetah-v5"
SEEDS = tuple(range(10))
OBSERVATIONS = 17
ACTIONS = Continuous(size=6, low=(-1.0,) * 6, high=(1.0,) * 6)
COLLECTORS = {"steps": "clipped_ppo", "trajectories": "vanilla_policy_gradient"}


def algorithm_of(name: str) -> Algorithm[Any]:
    module, attribute = ALGORITHMS[name].split(":")
    algorithm: Algorithm[Any] = getattr(importlib.import_module(module), attribute)
    return algorithm


def learner_of(name: str, **changes: Any) -> ActorCritic[Any]:
    """`changes` are hyperparameters; the others have their defaults."""
    algorithm = algorithm_of(name)
    h = algorithm.hyperparameters(**changes)
    learner = ActorCritic(h, SEEDS, OBSERVATIONS, ACTIONS, critic=algorithm.critic(h))
    algorithm.start(learner)
    return learner


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
    name = COLLECTORS[collects]
    learner = learner_of(name)
    with environments_of(learner.hyperparameters.slots) as environments:
        batch, _ = Rollout(algorithm_of(name), learner, environments).collect()
    return batch
