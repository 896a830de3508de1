"""What a policy writes, as words."""

from __future__ import annotations

import numpy as np

from algorithms.sequences.hyperparameters import SequenceHyperparameters
from algorithms.sequences.learner import SequenceLearner
from algorithms.sequences.policy_gradients import POLICY_GRADIENT
from bench.errors import unknown
from bench.train.sequence.reference import pretrained
from bench.train.sequence.sampling import write
from bench.train.sequence.tasks import TASKS, find_task


def answers(
    environment: str, policy: np.ndarray | None = None, count: int = 5, seed: int = 0
) -> list[str]:
    """Prompts with an answer to each, the same every time.

    Args:
        environment: the id of a token environment.
        policy: float32 [P], the array "policy" of a run's file; None: the reference.
        count: how many.
        seed: of prompts and answers.

    Raises:
        InputError: no such token environment.
    """
    task = find_task(environment)
    if task is None:
        raise unknown("token environment", environment, TASKS)
    parameters = pretrained(task) if policy is None else policy
    h = SequenceHyperparameters(prompts=count, samples=1)
    learner = SequenceLearner(POLICY_GRADIENT, h, [seed], task.network, parameters)
    return [task.words(tokens) for tokens in write(learner, task)[0].tolist()]
