"""Let a saved policy write answers: as tokens, as words, and their rewards."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from algorithms.answers.hyperparameters import SequenceHyperparameters
from algorithms.answers.learner import AnswerLearner
from bench.errors import InputError
from bench.policies.evaluation import SEED, PlayedEpisodes
from bench.policies.saved_policy import check_arrays
from bench.train.answers.reference import in_time, reference_of
from bench.train.answers.sampling import write
from bench.train.answers.tasks import (
    finite,
    judged,
    known_task,
    name_of_reward,
)
from bench.train.environments.protocol import Int64Array


def write_answers(
    environment: str,
    policy: np.ndarray | None = None,
    count: int = 5,
    *,
    sampled: bool = True,
    seed: int = SEED,
) -> Int64Array:
    """Return prompts with an answer to each, int64 [count, prompt + answer]; the same every time.

    Args:
        environment: the id of a token environment.
        policy: float32 [P], the saved array "policy" of a run; None: the reference.
        count: number of answers.
        sampled: whether tokens are drawn from π_θ, as in training; else the likeliest ones.
        seed: seed of prompts and answers, by default far from those of training.

    Raises:
        InputError: no such token environment, or a policy of another network, or one with numbers
            that are not finite, which would only ever write the vocabulary's first word.
    """
    task = known_task(environment)
    parameters = reference_of(task) if policy is None else policy
    saved_parameters({"policy": parameters}, "the policy", environment)
    h = SequenceHyperparameters(prompts=count, samples=1)
    learner = AnswerLearner(h, [seed], task.network, parameters)
    noise = learner.noise().next_block()
    sequences = write(learner, task, noise if sampled else torch.zeros_like(noise))
    with torch.no_grad():
        log_probabilities = learner.policy.statistics(
            learner.parameters, in_time(sequences[0, :, :-1].numpy())
        )
    # Finite parameters may be so large that their products overflow.
    if not torch.isfinite(log_probabilities).all():
        raise InputError(
            f"the policy's numbers are not finite, as where training diverges: it writes nothing "
            f"in {environment}"
        )
    answers: Int64Array = sequences[0].numpy()
    return answers


def saved_parameters(arrays: Mapping[str, np.ndarray], policy: str, environment: str) -> np.ndarray:
    """Return a run's stored parameters, as `written` takes them, after checking them.

    Args:
        arrays: `bench.store.Store.policy` of the run.
        policy: the policy's name, for messages; environment: the id of a token environment.

    Raises:
        InputError: no such token environment, or the arrays are not those of its network
            (`check_arrays`).
    """
    size = known_task(environment).network.size
    check_arrays(arrays, {"policy": (np.float32, (size,))}, policy, environment)
    return arrays["policy"]


def as_words(environment: str, sequences: Int64Array) -> list[str]:
    """Return prompts with answers [count, prompt + answer] as words, a bar between the two."""
    task = known_task(environment)
    return [
        f"{task.words(row[: task.prompt])} | {task.words(row[task.prompt :])}" for row in sequences
    ]


def score_answers(environment: str, sequences: Int64Array) -> PlayedEpisodes:
    """Return the rewards of prompts with answers [count, prompt + answer].

    Raises:
        InputError: no such token environment, or a reward is not finite.
    """
    task = known_task(environment)
    rewards = judged(task, "reward", sequences)
    if not finite(rewards).all():
        raise InputError(f"{name_of_reward(task, environment)} is not finite")
    return PlayedEpisodes(returns=rewards, lengths=np.full(len(sequences), task.answer))
