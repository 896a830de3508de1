"""Networks of all seeds at once: parameters [S, P], layers as views of that one buffer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import torch
from torch import Tensor

from algorithms.numerics.kernels.perceptron import RELU, TANH, Network
from algorithms.numerics.products import product

ACTIVATIONS: Final = {"tanh": TANH, "relu": RELU}


@dataclass(frozen=True)
class Perceptron:
    """A multilayer perceptron, as a layout of P columns and a pure function of them.

    Args:
        sizes: (inputs, *hidden, outputs).
        head_gain: gain of the last layer's orthogonal initialisation.
        activation: the hidden layers' activation, a key of `ACTIVATIONS`.
    """

    sizes: tuple[int, ...]
    head_gain: float
    activation: str = "tanh"

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of W₁, W₂, …"""
        return list(zip(self.sizes[:-1], self.sizes[1:], strict=True))

    @property
    def splits(self) -> list[int]:
        """Numbers of columns of W₁, b₁, W₂, b₂, …"""
        return [size for i, o in self.shapes for size in (i * o, o)]

    @property
    def size(self) -> int:
        return sum(self.splits)

    def initial(self, generator: np.random.Generator, initialization: str) -> np.ndarray:
        """Draw initial parameters float32 [P] from one seed's own generator."""
        columns = []
        for layer, (inputs, outputs) in enumerate(self.shapes):
            is_last = layer == len(self.shapes) - 1
            if initialization == "orthogonal":
                gain = self.head_gain if is_last else math.sqrt(2)
                weight = gain * _orthogonal(generator, outputs, inputs)
                bias = np.zeros(outputs)
            else:
                bound = 1 / math.sqrt(inputs)
                weight = generator.uniform(-bound, bound, (outputs, inputs))
                bias = generator.uniform(-bound, bound, outputs)
            columns += [weight.T.ravel(), bias]
        return np.concatenate(columns).astype(np.float32)

    def layers(self, parameters: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Weights [R, in, out] and biases [R, out], views of parameters [R, P]."""
        columns = parameters.split(self.splits, dim=1)
        weights = (w.unflatten(1, i_o) for w, i_o in zip(columns[::2], self.shapes, strict=True))
        return list(zip(weights, columns[1::2], strict=True))

    def __call__(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """Return outputs [R, B, out]: each of R networks [R, P] on its own inputs [R, B, in].

        They are differentiable any number of times in the parameters.
        """
        activate = torch.tanh if self.activation == "tanh" else torch.relu
        *hidden, (head_weight, head_bias) = self.layers(parameters)
        for weight, bias in hidden:
            inputs = activate(product(inputs, weight) + bias.unsqueeze(1))
        return product(inputs, head_weight) + head_bias.unsqueeze(1)

    @cached_property
    def for_kernels(self) -> Network:
        """The network as `algorithms.numerics.kernels` takes it."""
        return Network(np.array(self.sizes), ACTIVATIONS[self.activation])


def _orthogonal(generator: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A [rows, columns] matrix with orthonormal rows or columns (Saxe et al. 2014)."""
    normal = generator.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q *= np.sign(np.diag(r))
    return q if rows >= columns else q.T
