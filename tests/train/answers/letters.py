"""A token environment of a user's own: after `a` or `b` come as many letters, mostly the same."""

from __future__ import annotations

import numpy as np

from bench.train.answers.tasks import TASKS, Pretraining, SequenceTask

LETTERS = ("a", "b", "c")
ANSWER = 5
FOLLOWS = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]])
"""How likely a letter follows another."""


def prompts(generator: np.random.Generator, count: int) -> np.ndarray:
    return generator.integers(2, size=(count, 1))


def texts(generator: np.random.Generator, count: int) -> np.ndarray:
    columns = [prompts(generator, count)[:, 0]]
    for _ in range(ANSWER):
        chance = FOLLOWS[columns[-1]].cumsum(1)
        columns.append((generator.random((count, 1)) > chance).sum(1).clip(max=2))
    return np.stack(columns, axis=1)


def reward(sequences: np.ndarray) -> np.ndarray:
    """How often `c` was written."""
    return (sequences[:, 1:] == 2).sum(axis=1).astype(float)


def gold(sequences: np.ndarray) -> np.ndarray:
    """Whether it was."""
    return (sequences[:, 1:] == 2).any(axis=1).astype(float)


TASKS["Letters-v0"] = SequenceTask(
    vocabulary=LETTERS,
    prompt=1,
    answer=ANSWER,
    prompts=prompts,
    texts=texts,
    reward=reward,
    gold=gold,
    width=8,
    layers=1,
    heads=2,
    pretraining=Pretraining(steps=150),
)
