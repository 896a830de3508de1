"""What a rung on whole answers is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from algorithms.answers.hyperparameters import SequenceHyperparameters
from algorithms.batch import Batch, Diagnostics

if TYPE_CHECKING:
    from algorithms.answers.learner import AnswerLearner

H = TypeVar("H", bound=SequenceHyperparameters)


@dataclass(frozen=True, kw_only=True)
class SequenceAlgorithm(Generic[H]):
    """One way to learn from batches of answers; the attributes are `batch.Algorithm`'s.

    Every batch holds `hyperparameters.answers` whole answers of one length, whose rewards hold the
    penalty for leaving the reference, unless its form says that the loss does.
    """

    name: str
    title: str
    equation: str
    hyperparameters: type[H]
    update: Callable[[AnswerLearner[H], Batch], Diagnostics]
    start: Callable[[AnswerLearner[H]], None] = lambda learner: None
