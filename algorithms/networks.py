"""Networks of all seeds at once: parameters [S, P], layers as views of that one buffer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Perceptron:
    """A tanh multilayer perceptron, as a layout of P columns and a pure function of them.

    Args:
        sizes: (inputs, *hidden, outputs).
        head_gain: gain of the last layer's orthogonal initialisation.
    """

    sizes: tuple[int, ...]
    head_gain: float

    @property
    def shapes(self) -> list[tuple[int, int]]:
        return list(zip(self.sizes[:-1], self.sizes[1:], strict=True))

    @property
    def splits(self) -> list[int]:
        """Columns of W₁, b₁, W₂, b₂, …"""
        return [size for i, o in self.shapes for size in (i * o, o)]

    @property
    def size(self) -> int:
        return sum(self.splits)

    def initial(self, generator: np.random.Generator, initialization: str) -> np.ndarray:
        """float32 [P], drawn from one seed's own generator."""
        columns = []
        for layer, (inputs, outputs) in enumerate(self.shapes):
            last = layer == len(self.shapes) - 1
            if initialization == "orthogonal":
                gain = self.head_gain if last else math.sqrt(2)
                weight = gain * _orthogonal(generator, inputs, outputs)
                bias = np.zeros(outputs)
            else:
                bound = 1 / math.sqrt(inputs)
                weight = generator.uniform(-bound, bound, (inputs, outputs))
                bias = generator.uniform(-bound, bound, outputs)
            columns += [weight.ravel(), bias]
        return np.concatenate(columns).astype(np.float32)

    def __call__(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """Outputs [S, B, out] of inputs [S, B, in] under parameters [S, P]."""
        columns = parameters.split(self.splits, dim=1)
        hidden = inputs
        for layer, shape in enumerate(self.shapes):
            if layer:
                hidden = torch.tanh(hidden)
            weight = columns[2 * layer].unflatten(1, shape)
            hidden = _linear(hidden, weight, columns[2 * layer + 1])
        return hidden


def _linear(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """[S, B, in] · [S, in, out] + [S, out] -> [S, B, out]."""
    if weight.shape[2] == 1:
        # A matrix product with one output column picks its kernel by S: other bits for a
        # seed alone than in a group. The elementwise product does not.
        return (inputs * weight.transpose(1, 2)).sum(2, keepdim=True) + bias.unsqueeze(1)
    return torch.baddbmm(bias.unsqueeze(1), inputs, weight)


def _orthogonal(generator: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A [rows, columns] matrix with orthonormal rows or columns (Saxe et al. 2014)."""
    normal = generator.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q *= np.sign(np.diag(r))
    return q if rows >= columns else q.T


def stack_initial(draws: Sequence[np.ndarray]) -> Tensor:
    """One float32 [S, P] buffer of the seeds' own draws."""
    return torch.from_numpy(np.stack(draws))
