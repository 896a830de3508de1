"""Ten seeds of every algorithm at the sizes of HalfCheetah, and batches that were really played."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from algorithms.actor_critic import ActorCritic
from algorithms.batch import Batch
from algorithms.spaces import Continuous
from bench.plan.lookup import load_algorithm
from bench.train.environments import make
from bench.train.environments.protocol import Environments
from bench.train.rollout import Rollout

ENVIRONMENT = "HalfCheetah-v5"
SEEDS = tuple(range(10))
OBSERVATIONS = 17
ACTIONS = Continuous(size=6, low=(-1.0,) * 6, high=(1.0,) * 6)
COLLECTORS = {"steps": "clipped_ppo", "trajectories": "vanilla_policy_gradient"}


def learner_of(name: str, **changes: Any) -> ActorCritic[Any]:
    """`changes` are hyperparameters; the others have their defaults."""
    algorithm = load_algorithm(name)
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
        batch, _ = Rollout(load_algorithm(name), learner, environments).collect()
    return batch
