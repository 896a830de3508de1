"""What a token environment is, and which there are."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from algorithms.answers.transformer import Transformer
from bench.train.answers import reviews
from bench.train.environments.protocol import Float64Array, Int64Array

Draw = Callable[[np.random.Generator, int], Int64Array]
"""(generator, count) -> int64 [count, tokens]."""
Judge = Callable[[Int64Array], Float64Array]
"""Prompts with their answers, int64 [count, prompt + answer] -> [count]."""


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """How the reference learns the texts, by maximum likelihood of the answers' tokens.

    Attributes:
        steps: of Adam; texts: of each step, freshly drawn.
        learning_rate: at the first step, falling linearly to 0.
        seed: of initial weights and texts.
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
        prompt, answer: tokens of each.
        prompts: draws prompts [count, prompt].
        texts: draws prompts with answers of the language [count, prompt + answer].
        reward: judges whole answers: what is trained on.
        gold: what the reward stands for, if that can be told apart; only reported.
        width, layers, heads: of the network.
        pretraining: of the reference.
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
        """Tokens [any number] as text."""
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
    )
}


def find_task(environment_id: str) -> SequenceTask | None:
    """The token environment of this id, None where it is something else.

    Of "module:Id-v0" the module is imported first, which puts its own into `TASKS`.
    """
    module, _, name = environment_id.rpartition(":")
    if module:
        # What is wrong with a module, `environments.describe` says: it imports it, too.
        with suppress(Exception):
            importlib.import_module(module)
    return TASKS.get(name)
