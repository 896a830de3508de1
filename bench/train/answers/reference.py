"""The reference: a network that has learned a task's texts by maximum likelihood.

The weights that pre-training ends with depend on the processor and the number of threads, because
these decide how sums are rounded. A task whose results are compared across machines therefore comes
with a file of weights.
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
    """Return the weights of a task's reference, float32 [P], from its file or else by training.

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
    """Train the reference of a token environment and write its weights to a new file in `folder`.

    Returns:
        The file's path, for the task's `reference`.

    Raises:
        InputError: no such token environment, or it can't be trained on.
        OSError: the file can't be written.
    """
    name = environment_id.rpartition(":")[2].lower()
    return weights.write(pretrained(known_task(environment_id)), folder, name)


def pretrained(task: SequenceTask) -> np.ndarray:
    """Train a task's reference and return its weights, float32 [P].

    Their bits depend on the task, the processor model and the number of threads.
    """
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
