"""`AnswerLearner`: the seeds of a group, each starting from a copy of one reference network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from algorithms.answers.hyperparameters import SequenceHyperparameters
from algorithms.answers.transformer import Transformer
from algorithms.learner import Learner
from algorithms.numerics.random_streams import Noise
from algorithms.policies import CategoricalPolicy

H_co = TypeVar("H_co", bound=SequenceHyperparameters, covariant=True)


class AnswerLearner(Learner[H_co]):
    """A `Learner` whose policy is a causal network over tokens, initialised as its reference.

    Args:
        seeds: the S seeds; network: of policy and reference; reference: frozen float32 [P].

    Attributes:
        reference: the frozen weights, repeated for every seed, float32 [S, P].
    """

    def __init__(
        self,
        hyperparameters: H_co,
        seeds: Sequence[int],
        network: Transformer,
        reference: np.ndarray,
        device: str = "cpu",
    ) -> None:
        self.network = network
        self.reference = torch.tensor(reference, device=device).expand(len(seeds), -1)
        policy = CategoricalPolicy(network)
        super().__init__(hyperparameters, seeds, policy, self.reference.clone())

    def reference_statistics(self, observations: Tensor) -> Tensor:
        """φ of the reference [S, T·N, V] at the tokens of whole sequences [S, T·N, 1]."""
        with torch.no_grad():
            return self.policy.statistics(self.reference, observations)

    def noise(self) -> Noise:
        """Return the coming update's sampling noise; one block holds all ticks of an answer."""
        shape = (self.hyperparameters.answers, self.policy.noise_size)
        return Noise(self.seeds, self.updates, shape, self.policy.noise_kind, self.network.ticks)
