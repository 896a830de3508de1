"""Small networks over tokens, learners of every rung, and batches made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from algorithms.answers.algorithm import SequenceAlgorithm
from algorithms.answers.learner import AnswerLearner
from algorithms.answers.transformer import Transformer
from algorithms.batch import Batch, flatten
from bench.plan.lookup import load_algorithm

PROMPT, ANSWER, VOCABULARY = 2, 3, 4
NETWORK = Transformer(vocabulary=VOCABULARY, ticks=PROMPT + ANSWER - 1, width=6, layers=2, heads=2)


def rung(name: str) -> SequenceAlgorithm[Any]:
    return cast("SequenceAlgorithm[Any]", load_algorithm(f"sequence_{name}"))


def drawn(seed: int, network: Transformer = NETWORK, scale: float = 5.0) -> np.ndarray:
    """Weights far enough from 0 that tokens differ."""
    return scale * network.initial(np.random.default_rng(seed))


def learner_of(
    name: str, seeds: Sequence[int] = (0, 1), network: Transformer = NETWORK, **changes: Any
) -> AnswerLearner[Any]:
    """`changes` are hyperparameters. The seeds have left the reference, each its own way."""
    chosen = rung(name)
    values = {"prompts": 2, "samples": 3, **changes}
    hyperparameters = chosen.hyperparameters(**values)
    learner = AnswerLearner(hyperparameters, seeds, network, drawn(99, network))
    offsets = np.stack([drawn(seed, network) for seed in seeds])
    learner.parameters.add_(torch.from_numpy(offsets), alpha=0.3)
    chosen.start(learner)
    return learner


def batch_of(learner: AnswerLearner[Any], sequences: Tensor, rewards: Tensor) -> Batch:
    """Given sequences [S, N, tokens] and rewards [S, answer, N], as of the learner's policy."""
    tokens = sequences.transpose(1, 2).contiguous()
    observations, actions = tokens[:, :-1].unsqueeze(3), tokens[:, 1:]
    with torch.no_grad():
        statistics = learner.policy.statistics(learner.parameters, flatten(observations))
    valid = torch.zeros_like(actions, dtype=torch.bool)
    valid[:, PROMPT - 1 :] = True
    terminated = torch.zeros_like(valid)
    terminated[:, -1] = True
    padded = torch.zeros(actions.shape)
    padded[:, PROMPT - 1 :] = rewards
    return Batch(
        observations=observations,
        next_observations=actions.unsqueeze(3),
        actions=actions,
        statistics=statistics.unflatten(1, actions.shape[1:]),
        rewards=padded,
        terminated=terminated,
        truncated=torch.zeros_like(valid),
        valid=valid,
    )


def random_batch(learner: AnswerLearner[Any], seed: int = 0) -> Batch:
    """Any answers, rewards at every token; what a seed gets doesn't depend on the others."""
    answers = learner.hyperparameters.answers  # type: ignore[attr-defined]
    parts = []
    for learner_seed in learner.seeds:
        generator = np.random.default_rng([seed, learner_seed])
        sequences = generator.integers(VOCABULARY, size=(answers, PROMPT + ANSWER))
        rewards = generator.normal(size=(ANSWER, answers)).astype(np.float32)
        parts.append((torch.from_numpy(sequences), torch.from_numpy(rewards)))
    sequences, rewards = (torch.stack(tensors) for tensors in zip(*parts, strict=True))
    return batch_of(learner, sequences, rewards)
