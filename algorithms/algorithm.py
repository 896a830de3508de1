"""`Algorithm`: a way to learn from batches, with its name, equation and hyperparameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from torch import Tensor

from algorithms.actor_critic import ActorCritic
from algorithms.batch import Batch, Diagnostics
from algorithms.compiled import Slope
from algorithms.hyperparameters import (
    CriticHyperparameters,
    Hyperparameters,
    OptimizerHyperparameters,
)
from algorithms.learner import Learner

H = TypeVar("H", bound=OptimizerHyperparameters)
L = TypeVar("L", bound=Learner[OptimizerHyperparameters])
A = TypeVar("A", bound=Hyperparameters)


@dataclass(frozen=True, kw_only=True)
class LearningAlgorithm(Generic[H, L]):
    """One way to learn from batches, of environment steps or of answers.

    Attributes:
        name: its name on the command line.
        title: its name in figures.
        equation: the objective to maximise, in Unicode.
        hyperparameters: a frozen dataclass made of `hyperparameter` fields.
        update: learns from one batch, in place, and returns its diagnostics.
        start: prepares what the algorithm remembers between updates.
    """

    name: str
    title: str
    equation: str
    hyperparameters: type[H]
    update: Callable[[L, Batch], Diagnostics]
    start: Callable[[L], None] = lambda learner: None


@dataclass(frozen=True, kw_only=True)
class Algorithm(LearningAlgorithm[A, ActorCritic[A]]):
    """One way to learn from an environment's steps.

    Attributes:
        collects: "trajectories": every slot plays one whole episode, then idles;
            "steps": `batch_steps` over all slots, episodes running on between batches.
        critic: whether a critic is trained, given the hyperparameters; by default, if they are
            `CriticHyperparameters`.
        act: replaces `ActorCritic.act` if actions are not samples of π_θ; same signature.
        slope: derivative of the objective, by which kernels train; None for an update without one.
        recordable: whether `act` branches on no tensor's value, so that a CUDA graph may hold it.
        recordable_update: whether a CUDA graph may hold `update`: it has no minibatches, doesn't
            count updates and branches on no value, so that every update launches the same kernels.
    """

    collects: Literal["trajectories", "steps"]
    critic: Callable[[A], bool] = lambda h: isinstance(h, CriticHyperparameters)
    act: Callable[[ActorCritic[A], Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    slope: Slope | None = None
    recordable: bool = False
    recordable_update: bool = False
