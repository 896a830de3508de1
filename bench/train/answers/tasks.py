"""Token environments: how one is declared, checked and looked up."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from algorithms.answers.transformer import Transformer
from algorithms.policy_gradient import TIME_BLOCK
from bench.errors import InputError, unknown
from bench.train.answers import reviews, weights
from bench.train.environments.protocol import BoolArray, Float64Array, Int64Array

Draw = Callable[[np.random.Generator, int], Int64Array]
"""(generator, count) -> int64 [count, tokens]."""
Judge = Callable[[Int64Array], Float64Array]
"""Prompts with their answers, int64 [count, prompt + answer] -> [count]."""


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """How the reference learns the texts, by maximum likelihood of the answers' tokens.

    Attributes:
        steps: number of Adam steps; texts: number of texts freshly drawn for each.
        learning_rate: step size of the first step, falling linearly to 0.
        seed: seed of initial weights and texts.
    """

    steps: int = 600
    texts: int = 32
    learning_rate: float = 1e-2
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class SequenceTask:
    """A language with prompts, a reward of whole answers, and the reference to begin from.

    Attributes:
        vocabulary: the tokens as words.
        prompt, answer: number of tokens of each.
        prompts: draws prompts [count, prompt].
        texts: draws prompts with answers of the language [count, prompt + answer].
        reward: judges whole answers; the policy is trained on it.
        gold: the reward that `reward` is a proxy for, if it can be computed; only reported.
        width, layers, heads: sizes of the network.
        pretraining: how the reference is trained.
        reference: file of the reference's weights, written by `reference.write_reference`, which
            `pretraining` then does not affect; None: every worker trains the reference, and its
            weights depend on the processor model and the number of threads.
    """

    vocabulary: tuple[str, ...]
    prompt: int
    answer: int
    prompts: Draw
    texts: Draw
    reward: Judge
    gold: Judge | None = None
    width: int = 32
    layers: int = 2
    heads: int = 2
    pretraining: Pretraining = Pretraining()
    reference: Path | None = None

    @property
    def network(self) -> Transformer:
        return Transformer(
            vocabulary=len(self.vocabulary),
            ticks=self.prompt + self.answer - 1,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
        )

    def words(self, tokens: Int64Array) -> str:
        """Return tokens [any number] as text."""
        return " ".join(self.vocabulary[token] for token in tokens)


TASKS: dict[str, SequenceTask] = {
    "Reviews-v0": SequenceTask(
        vocabulary=reviews.VOCABULARY,
        prompt=reviews.PROMPT,
        answer=reviews.ANSWER,
        prompts=reviews.prompts,
        texts=reviews.texts,
        reward=reviews.reward,
        gold=reviews.gold,
        reference=reviews.REFERENCE,
    )
}


def find_task(environment_id: str) -> SequenceTask | None:
    """Return the token environment of this id; None if the id is not one of a token environment.

    For "module:Id-v0" the module is imported first, which adds its own to `TASKS`.

    Raises:
        InputError: it can't be trained on; the message says what is wrong with it.
    """
    module, _, name = environment_id.rpartition(":")
    if module:
        # `environments.describe` imports the module too, and reports what is wrong with it.
        with suppress(Exception):
            importlib.import_module(module)
    task = TASKS.get(name)
    if task is not None:
        try:
            for problem in _problems(task):
                raise InputError(problem)
            _try_out(task)
        except Exception as error:  # whatever a user's own functions may raise
            kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
            raise InputError(f"token environment {environment_id!r}: {kind}{error}") from error
    return task


def known_task(environment_id: str) -> SequenceTask:
    """As `find_task`; raises InputError if there is no token environment of this id."""
    task = find_task(environment_id)
    if task is None:
        raise unknown("token environment", environment_id, TASKS)
    return task


def drawn(
    task: SequenceTask,
    role: Literal["prompts", "texts"],
    generator: np.random.Generator,
    count: int,
) -> Int64Array:
    """Draw with the task's own function, int64 [count, tokens].

    Raises:
        InputError: the result is no such array, or holds tokens that are not in the vocabulary.
    """
    shape = (count, task.prompt if role == "prompts" else task.prompt + task.answer)
    draw = getattr(task, role)
    tokens = draw(generator, count)
    kind, size = getattr(tokens, "dtype", type(tokens).__name__), getattr(tokens, "shape", "")
    if not isinstance(tokens, np.ndarray) or (kind, size) != (np.dtype(np.int64), shape):
        raise InputError(f"{role}: {_name(draw)} gave {kind} {size}; expected is int64 {shape}")
    if tokens.min() < 0 or tokens.max() >= len(task.vocabulary):
        outside = tokens[(tokens < 0) | (tokens >= len(task.vocabulary))][0]
        raise InputError(
            f"{role}: {_name(draw)} gave the token {outside}; the vocabulary's are 0 to "
            f"{len(task.vocabulary) - 1}"
        )
    return tokens


def judged(
    task: SequenceTask, role: Literal["reward", "gold"], sequences: Int64Array
) -> Float64Array:
    """Score every answer in [count, prompt + answer] by the task's own function: [count].

    Raises:
        InputError: the function does not return one number per answer.
    """
    judge = getattr(task, role)
    scores = np.asarray(judge(sequences), np.float64)
    if scores.shape != (len(sequences),):
        raise InputError(
            f"{role}: {_name(judge)} gave an array of shape {scores.shape} for "
            f"{len(sequences)} answers"
        )
    return scores


def finite(scores: Float64Array) -> BoolArray:
    """Whether scores are numbers that float32 holds, as learning needs: bool [any shape]."""
    with np.errstate(over="ignore"):
        return np.isfinite(scores.astype(np.float32))


def name_of_reward(task: SequenceTask, environment_id: str) -> str:
    """The reward's name in a message that it is not finite."""
    return f"the reward of {environment_id} ({_name(task.reward)})"


def _problems(task: SequenceTask) -> Iterator[str]:
    """One line for each number of a task that is out of range."""
    words = task.vocabulary
    if not isinstance(words, tuple) or not all(isinstance(word, str) for word in words):
        yield "vocabulary must be a tuple of words"
    if len(words) < 2:
        yield f"vocabulary = {words!r}; allowed: two words or more, so that there is a choice"
    pretraining = task.pretraining
    numbers = {
        **{name: getattr(task, name) for name in ("prompt", "answer", "width", "layers", "heads")},
        "pretraining.steps": pretraining.steps,
        "pretraining.texts": pretraining.texts,
    }
    for name, value in numbers.items():
        if type(value) is not int or value < 1:
            reason = ", as the first word of an answer follows one" if name == "prompt" else ""
            yield f"{name} = {value!r}; allowed: whole numbers from 1 on{reason}"
    if task.prompt + task.answer > TIME_BLOCK + 1:
        yield (
            f"prompt + answer = {task.prompt + task.answer} tokens; allowed: at most "
            f"{TIME_BLOCK + 1} together"
        )
    if task.width % task.heads:
        yield f"width = {task.width}; allowed: multiples of heads = {task.heads}"
    if not (math.isfinite(pretraining.learning_rate) and pretraining.learning_rate >= 0):
        yield f"pretraining.learning_rate = {pretraining.learning_rate}; allowed: finite, 0 or more"


@cache
def _try_out(task: SequenceTask) -> None:
    """Draw prompts and texts once, judge the texts, and read the reference's file.

    Raises:
        InputError: the task's functions return values that can't be learned from, or the file is
            not one of the network's weights.
    """
    generator = np.random.default_rng(task.pretraining.seed)
    drawn(task, "prompts", generator, 1)
    texts = drawn(task, "texts", generator, task.pretraining.texts)
    if not finite(judged(task, "reward", texts)).all():
        raise InputError(f"reward: {_name(task.reward)} gave numbers that are not finite")
    if task.gold is not None:
        judged(task, "gold", texts)
    if task.reference is not None:
        weights.read(task.reference, task.network.size)


def _name(function: Callable[..., object]) -> str:
    """Return the qualified name of a task's function, for messages."""
    module = getattr(function, "__module__", None)
    return f"{module}.{getattr(function, '__qualname__', function)}"
