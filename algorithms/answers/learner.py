"""The seeds of a group as one learner of answers: copies of one reference that drift apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor

from algorithms.answers.hyperparameters import SequenceHyperparameters
from algorithms.answers.transformer import Transformer
from algorithms.learner import Learner
from algorithms.numerics.networks import Perceptron
from algorithms.numerics.optimizers import Adam
from algorithms.numerics.random_streams import Noise
from algorithms.policies import CategoricalPolicy


class Starting(Protocol):
    """What a learner of answers asks of its `algorithms.answers.algorithm.SequenceAlgorithm`."""

    @property
    def start(self) -> Callable[[SequenceLearner], None]: ...


class SequenceLearner(Learner):
    """A `Learner` whose policy is a causal network over tokens, begun at its reference.

    Args:
        algorithm: a rung on whole answers.
        hyperparameters: of it.
        seeds: S.
        network: of reference and policy.
        reference: float32 [P], frozen.
        device: where the networks are.

    Attributes:
        reference: float32 [S, P], the same for every seed.
    """

    def __init__(
        self,
        algorithm: Starting,
        hyperparameters: SequenceHyperparameters,
        seeds: Sequence[int],
        network: Transformer,
        reference: np.ndarray,
        device: str = "cpu",
    ) -> None:
        # Not the constructor above: no layer sizes, no critic, nothing that is normalised.
        self.hyperparameters = hyperparameters  # type: ignore[assignment]
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

    def noise(self) -> Noise:
        """Noise of the answers for the coming update, a block all ticks of an answer."""
        h = self.hyperparameters
        assert isinstance(h, SequenceHyperparameters)
        shape = (h.answers, self.policy.noise_size)
        return Noise(self.seeds, self.updates, shape, self.policy.noise_kind, self.network.ticks)

    def saved(self, s: int) -> dict[str, np.ndarray]:
        """The parameters of seed number `s`, copied."""
        return {"policy": self.parameters[s].cpu().numpy().copy()}
