"""`SequenceAlgorithm`: a rung of the ladder on whole answers."""

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

    Every batch holds `hyperparameters.answers` whole answers of one length. Their rewards include
    the penalty for leaving the reference, unless `reference_penalty_form` puts it in the loss.
    """
