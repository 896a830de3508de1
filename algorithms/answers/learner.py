"""The seeds of a group as one learner of answers: copies of one reference that drift apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from algorithms.answers.algorithm import SequenceAlgorithm
from algorithms.answers.hyperparameters import SequenceHyperparameters
from algorithms.answers.transformer import Transformer
from algorithms.learner import Learner
from algorithms.numerics.networks import Perceptron
from algorithms.numerics.optimizers import Adam
from algorithms.numerics.random_streams import Noise
from algorithms.policies import CategoricalPolicy

H_co = TypeVar("H_co", bound=SequenceHyperparameters, covariant=True)
"""A learner with more hyperparameters than a function reads is one that it can be given."""


class AnswerLearner(Learner, Generic[H_co]):
    """A `Learner` whose policy is a causal network over tokens, begun at its reference.

    Args:
        algorithm: a rung on whole answers.
        hyperparameters: of it.
        seeds: S.
        network: of reference and policy.
        reference: float32 [P], frozen.
        device: where the networks are.

    Attributes:
        hyperparameters: of the algorithm.
        reference: float32 [S, P], the same for every seed.
    """

    hyperparameters: H_co  # type: ignore[assignment]

    def __init__(
        self,
        algorithm: SequenceAlgorithm[H_co],
        hyperparameters: H_co,
        seeds: Sequence[int],
        network: Transformer,
        reference: np.ndarray,
        device: str = "cpu",
    ) -> None:
        # Not the constructor above: no layer sizes, no critic, nothing that is normalised.
        self.hyperparameters = hyperparameters
        self.seeds = tuple(seeds)
        self.device = device
        self.network = network
        # A categorical policy asks of its network what both kinds have.
        self.policy = CategoricalPolicy(cast(Perceptron, network))
        self.critic = None
        self.reference = torch.tensor(reference, device=device).expand(len(seeds), -1)
        self.parameters = self.reference.clone()
        self.policy_optimizer = Adam(self.parameters, hyperparameters.adam_epsilon)
        self.active = torch.ones(len(seeds), dtype=torch.bool, device=device)
        self.steps = torch.zeros(len(seeds), dtype=torch.int64, device=device)
        self.updates = 0
        self.memory: dict[str, Tensor] = {}
        algorithm.start(self)

    def reference_statistics(self, observations: Tensor) -> Tensor:
        """φ of the reference [S, T·N, V] at the tokens of whole sequences [S, T·N, 1]."""
        with torch.no_grad():
            return self.policy.statistics(self.reference, observations)

    def noise(self) -> Noise:
        """Noise of the answers for the coming update, a block all ticks of an answer."""
        shape = (self.hyperparameters.answers, self.policy.noise_size)
        return Noise(self.seeds, self.updates, shape, self.policy.noise_kind, self.network.ticks)
