"""What an algorithm is: an update of a learner by a batch, and what it needs for that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from torch import Tensor

from algorithms.batch import Batch, Diagnostics
from algorithms.hyperparameters import Hyperparameters
from algorithms.learner import Learner

Declared = TypeVar("Declared")
Learning = TypeVar("Learning")


@dataclass(frozen=True, kw_only=True)
class LearningAlgorithm(Generic[Declared, Learning]):
    """One way to learn from batches.

    Attributes:
        name: as on the command line.
        title: as in figures.
        equation: the objective to maximise, in Unicode.
        hyperparameters: a frozen dataclass made of `hyperparameter` fields.
        update: learns from one batch, in place, and returns its diagnostics.
        start: prepares what the algorithm remembers between updates.
    """

    name: str
    title: str
    equation: str
    hyperparameters: type[Declared]
    update: Callable[[Learning, Batch], Diagnostics]
    start: Callable[[Learning], None] = lambda learner: None


@dataclass(frozen=True, kw_only=True)
class Algorithm(LearningAlgorithm[Hyperparameters, Learner]):
    """One way to learn from steps in environments.

    Attributes:
        collects: "trajectories": every slot plays one whole episode, then idles;
            "steps": `batch_steps` over all slots, episodes running on between batches.
        critic: whether a critic is trained, given the hyperparameters.
        act: chooses actions where they are not samples of π_θ, as `Learner.act` does.
        recordable: whether `act` looks at no value, so that CUDA can record it as a graph.
    """

    collects: Literal["trajectories", "steps"]
    critic: Callable[[Hyperparameters], bool] = lambda hyperparameters: False
    act: Callable[[Learner, Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    recordable: bool = False
