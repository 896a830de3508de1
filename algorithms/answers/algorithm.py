"""What a rung on whole answers is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from algorithms.algorithm import LearningAlgorithm
from algorithms.answers.hyperparameters import SequenceHyperparameters
from algorithms.answers.learner import AnswerLearner

H = TypeVar("H", bound=SequenceHyperparameters)


@dataclass(frozen=True, kw_only=True)
class SequenceAlgorithm(LearningAlgorithm[H, AnswerLearner[H]]):
    """One way to learn from batches of answers.

    Every batch holds `hyperparameters.answers` whole answers of one length, whose rewards hold the
    penalty for leaving the reference, unless its form says that the loss does.
    """
