"""The reference: a network that has learned a task's texts by maximum likelihood.

Pre-training rounds as the processor does, and 600 steps later its weights are others. So a task
whose results are compared across machines comes with its reference's weights.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from algorithms.numerics.optimizers import Adam
from bench.train.answers import weights
from bench.train.answers.tasks import SequenceTask, drawn, known_task
from bench.train.environments.protocol import Int64Array

_EPSILON = 1e-8


@cache
def reference_of(task: SequenceTask) -> np.ndarray:
    """Return a task's reference, float32 [P]: read from its file, or trained here if it has none.

    Raises:
        InputError: as `weights.read` does.
    """
    if task.reference is None:
        parameters = pretrained(task)
    else:
        parameters = weights.read(task.reference, task.network.size)
    # The cache returns the same array to every caller.
    parameters.flags.writeable = False
    return parameters


def write_reference(environment_id: str, folder: Path) -> Path:
    """Train a token environment's reference and write it, to be the task's `reference`.

    Returns:
        The path of the new file in `folder`; its name holds the checksum of the weights.
    """
    name = environment_id.rpartition(":")[2].lower()
    return weights.write(pretrained(known_task(environment_id)), folder, name)


def pretrained(task: SequenceTask) -> np.ndarray:
    """Train a reference, float32 [P]; its bits depend on the task, processor model and threads."""
    h, network = task.pretraining, task.network
    generator = np.random.default_rng(h.seed)
    parameters = torch.from_numpy(network.initial(generator)).unsqueeze(0)
    optimizer, active = Adam(parameters, _EPSILON), torch.ones(1, dtype=torch.bool)
    for step in range(h.steps):
        texts = drawn(task, "texts", generator, h.texts)
        theta = parameters.detach().requires_grad_()
        with torch.enable_grad():
            loss = cross_entropy(task, network(theta, in_time(texts[:, :-1])), texts)
        (gradient,) = torch.autograd.grad(loss.sum(), theta)
        rate = torch.full((1,), h.learning_rate * (1 - step / h.steps), dtype=torch.float64)
        optimizer.step(slice(None), 0, gradient, rate, active)
    trained: np.ndarray = parameters.squeeze(0).numpy()
    return trained


def cross_entropy(task: SequenceTask, logits: Tensor, texts: Int64Array) -> Tensor:
    """−log p of an answer's token [nats], the mean over texts [M, prompt + answer]: [1].

    Args:
        task: gives the lengths of prompt and answer.
        logits: the network's outputs at `in_time(texts[:, :-1])`.
        texts: int64.
    """
    begin = (task.prompt - 1) * len(texts)
    targets = in_time(texts[:, 1:])[0, begin:, 0]
    return functional.cross_entropy(logits[0, begin:], targets).unsqueeze(0)


def in_time(sequences: Int64Array) -> Tensor:
    """Arrange sequences [M, T] in the order of time, as a network reads them: int64 [1, T·M, 1]."""
    return torch.from_numpy(np.ascontiguousarray(sequences.T)).reshape(1, -1, 1)
