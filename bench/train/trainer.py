"""Train one group of seeds of one description, from the first step to the budget's end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from algorithms.actor_critic import ActorCritic
from algorithms.hyperparameters import check
from bench.errors import InputError
from bench.plan.lookup import load_algorithm
from bench.train import loop
from bench.train.environments import make
from bench.train.results import Observer, RunResult, Task
from bench.train.rollout import Rollout


def train(task: Task, seeds: Sequence[int], observers: Sequence[Observer] = ()) -> list[RunResult]:
    """Train `seeds` together; each as if it were alone, bit for bit on one CPU.

    A seed stops with the first batch that takes it to the budget; the steps it took beyond
    are recorded as they are.

    Args:
        observers: called after every batch.

    Raises:
        InputError: an unknown algorithm or environment, or hyperparameters that contradict.
    """
    algorithm = load_algorithm(task.algorithm)
    values: dict[str, Any] = dict(task.hyperparameters)
    hyperparameters = algorithm.hyperparameters(**values)
    validate(hyperparameters)
    environments = make(
        task.environment,
        seeds,
        hyperparameters.slots,
        back_end=task.back_end,
        time_limit=task.time_limit,
    )
    try:
        learner = ActorCritic(
            hyperparameters,
            seeds,
            environments.observation_size,
            environments.action_space,
            critic=algorithm.critic(hyperparameters),
            device=task.device,
        )
        algorithm.start(learner)
        rollout = Rollout(algorithm, learner, environments)
        update = partial(algorithm.update, learner)
        return loop.train(update, learner, rollout, task, observers)
    finally:
        environments.close()


def validate(hyperparameters: object) -> None:
    """Raise InputError if values are out of range, or contradict one another.

    A β or step size that adapts to the KL may not have a target of 0: every update makes more KL
    than that, so it would be changed in one direction for ever.
    """
    try:
        check(hyperparameters)
    except ValueError as error:
        raise InputError(str(error)) from error
    h: Any = hyperparameters
    if getattr(h, "kl_target", None) == 0 and getattr(h, "adaptive", True):
        hint = ", or adaptive = false" if hasattr(h, "adaptive") else ""
        raise InputError(f"kl_target = 0 is a KL that no update makes. Allowed: more than 0{hint}")
    on_steps = hasattr(h, "batch_steps")
    if getattr(h, "staggered_start", False) and not on_steps:
        raise InputError(
            "staggered_start cuts first episodes short, and this algorithm learns from whole ones"
        )
    if on_steps and h.batch_steps % h.slots:
        raise InputError(
            f"batch_steps = {h.batch_steps} is not a multiple of slots = {h.slots}: "
            "every slot takes the same number of steps"
        )
