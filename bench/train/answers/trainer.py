"""Train one group of seeds on a token environment, from the reference to the budget's end.

A step is a token that the policy writes, an episode an answer, its return the task's own reward.
What `bench.train.trainer` says of seeds, budgets and results holds here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from algorithms.answers.algorithm import SequenceAlgorithm
from algorithms.answers.learner import AnswerLearner
from bench.errors import InputError
from bench.plan.lookup import load_algorithm
from bench.train import loop
from bench.train.answers.reference import reference_of
from bench.train.answers.sampling import AnswerCollector
from bench.train.answers.tasks import known_task
from bench.train.results import Observer, RunResult, Task
from bench.train.trainer import validate


def train(task: Task, seeds: Sequence[int], observers: Sequence[Observer] = ()) -> list[RunResult]:
    """Train `seeds` together; each as if it were alone, bit for bit on one CPU.

    Args:
        observers: called after every batch.

    Raises:
        InputError: no such token environment, an algorithm that doesn't write answers, or
            hyperparameters out of range.
    """
    token_task = known_task(task.environment)
    algorithm = load_algorithm(task.algorithm)
    if not isinstance(algorithm, SequenceAlgorithm):
        raise InputError(f"algorithm {task.algorithm!r} writes no answers")
    values: dict[str, Any] = dict(task.hyperparameters)
    hyperparameters = algorithm.hyperparameters(**values)
    validate(hyperparameters)
    learner = AnswerLearner(
        hyperparameters, seeds, token_task.network, reference_of(token_task), task.device
    )
    algorithm.start(learner)
    update = partial(algorithm.update, learner)
    collector = AnswerCollector(learner, token_task, task.environment)
    return loop.train(update, learner, collector, task, observers)
