"""A token environment that can't be trained on is refused in one line when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import letters
import numpy as np
import pytest
import torch

from algorithms.answers.learner import AnswerLearner
from bench.errors import InputError
from bench.plan.lookup import load_algorithm
from bench.train.answers.reference import reference_of
from bench.train.answers.sampling import sample_answers
from bench.train.answers.tasks import TASKS, Pretraining, find_task

WHOLE = TASKS["Letters-v0"]


def constant(value: Any, dtype: type = np.int64) -> Any:
    return lambda generator, count: np.full((count, 1), value, dtype)


def longer(generator: np.random.Generator, count: int) -> np.ndarray:
    return letters.texts(generator, count + 1)


@pytest.fixture
def register() -> Iterator[Any]:
    def put(**changes: Any) -> None:
        TASKS["Broken-v0"] = replace(WHOLE, **changes)

    yield put
    TASKS.pop("Broken-v0", None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prompt": 0}, "prompt = 0; allowed: whole numbers from 1 on, as the first word of"),
        ({"prompt": 1.0}, "prompt = 1.0; allowed: whole numbers from 1 on"),
        ({"answer": 0}, "answer = 0; allowed: whole numbers from 1 on"),
        ({"answer": 65}, "prompt + answer = 66 tokens; allowed: at most 65 together"),
        ({"heads": 3}, "width = 8; allowed: multiples of heads = 3"),
        ({"layers": 0}, "layers = 0; allowed"),
        ({"vocabulary": ("a",)}, "vocabulary = ('a',); allowed: two words or more"),
        ({"vocabulary": ["a", "b", "c"]}, "vocabulary must be a tuple of words"),
        ({"pretraining": Pretraining(texts=0)}, "pretraining.texts = 0; allowed"),
        (
            {"pretraining": Pretraining(learning_rate=np.nan)},
            "pretraining.learning_rate = nan; allowed: finite",
        ),
        (
            {"prompts": constant(0, np.int32)},
            "prompts: test_token_tasks.constant.<locals>.<lambda> gave int32 (1, 1); expected is "
            "int64 (1, 1)",
        ),
        ({"prompts": constant(3)}, "<lambda> gave the token 3; the vocabulary's are 0 to 2"),
        ({"prompts": constant(-1)}, "<lambda> gave the token -1; the vocabulary's are 0 to 2"),
        ({"prompts": lambda generator, count: [[0]] * count}, "<lambda> gave list"),
        (
            {"texts": longer},
            "texts: test_token_tasks.longer gave int64 (33, 6); expected is int64 (32, 6)",
        ),
        ({"reward": lambda s: [1.0]}, "gave an array of shape (1,) for 32 answers"),
        ({"reward": lambda s: np.where(s[:, 1] == 0, np.nan, 1.0)}, "numbers that are not finite"),
        ({"reward": lambda s: 1e39 * s[:, 1]}, "numbers that are not finite"),
        ({"reward": lambda s: 1 / 0}, "ZeroDivisionError: division by zero"),
        ({"gold": lambda s: s}, "gold: test_token_tasks.<lambda> gave an array of shape (32, 6)"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    changes: dict[str, Any], reason: str, register: Any
) -> None:
    register(**changes)
    with pytest.raises(InputError) as caught:
        find_task("Broken-v0")
    message = str(caught.value)
    assert message.startswith("token environment 'Broken-v0': ")
    assert reason in message and "\n" not in message
    # The others are there as ever.
    assert find_task("Letters-v0") is WHOLE


def test_a_task_without_fault_is_found(register: Any) -> None:
    register(answer=64, texts=lambda g, n: g.integers(3, size=(n, 65)))
    assert find_task("Broken-v0") is TASKS["Broken-v0"]


def test_what_only_sampling_shows_names_the_task_s_function() -> None:
    """Prompts that leave the vocabulary later on."""
    calls: list[int] = []

    def drifting(generator: np.random.Generator, count: int) -> np.ndarray:
        calls.append(count)
        return np.full((count, 1), len(calls), np.int64)

    task = replace(WHOLE, prompts=drifting)
    algorithm: Any = load_algorithm("sequence_policy_gradient")
    learner: AnswerLearner[Any] = AnswerLearner(
        algorithm.hyperparameters(prompts=2), [0], task.network, reference_of(WHOLE)
    )
    sample_answers(learner, task)
    with pytest.raises(InputError, match=r"prompts: .*drifting gave the token 3"):
        sample_answers(learner, task)


def test_a_batch_tells_whose_rewards_are_numbers() -> None:
    algorithm: Any = load_algorithm("sequence_policy_gradient")
    h = algorithm.hyperparameters(prompts=2, samples=2)
    learner: AnswerLearner[Any] = AnswerLearner(h, [0, 1, 2], WHOLE.network, reference_of(WHOLE))

    def reward(sequences: np.ndarray) -> np.ndarray:
        # One answer of the second seed; another of the third, which float32 does not hold.
        return np.array([0.0] * 5 + [np.nan] + [0.0] * 3 + [1e39, 0, 0])

    rewards = sample_answers(learner, replace(WHOLE, reward=reward)).batch.rewards
    assert torch.isfinite(rewards).all(2).all(1).tolist() == [True, False, False]
