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
        """(outputs, inputs) of W₁, W₂, …, as torch.nn.Linear has them."""
        return list(zip(self.sizes[1:], self.sizes[:-1], strict=True))

    @property
    def splits(self) -> list[int]:
        """Columns of W₁, b₁, W₂, b₂, …"""
        return [size for o, i in self.shapes for size in (o * i, o)]

    @property
    def size(self) -> int:
        return sum(self.splits)

    def initial(self, generator: np.random.Generator, initialization: str) -> np.ndarray:
        """float32 [P], drawn from one seed's own generator."""
        columns = []
        for layer, (outputs, inputs) in enumerate(self.shapes):
            last = layer == len(self.shapes) - 1
            if initialization == "orthogonal":
                gain = self.head_gain if last else math.sqrt(2)
                weight = gain * _orthogonal(generator, outputs, inputs)
                bias = np.zeros(outputs)
            else:
                bound = 1 / math.sqrt(inputs)
                weight = generator.uniform(-bound, bound, (outputs, inputs))
                bias = generator.uniform(-bound, bound, outputs)
            columns += [weight.ravel(), bias]
        return np.concatenate(columns).astype(np.float32)

    def layers(self, parameters: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Weights [R, out, in] and biases [R, out], views of parameters [R, P]."""
        columns = parameters.split([*self.splits, parameters.shape[1] - self.size], dim=1)
        weights = (w.unflatten(1, o_i) for w, o_i in zip(columns[::2], self.shapes, strict=False))
        return list(zip(weights, columns[1::2], strict=True))

    @torch.no_grad()
    def __call__(self, parameters: Tensor, inputs: Tensor) -> Pass:
        """Go through R networks at once.

        Args:
            parameters: [R, P], the network's columns first, others behind them.
            inputs: [R, B, in].
        """
        *hidden, head = self.layers(parameters)
        activations = [inputs]
        for weight, bias in hidden:
            activations.append(_tanh_(_linear(activations[-1], weight, bias)))
        return Pass(
            outputs=_linear(activations[-1], *head),
            others=parameters[:, self.size :],
            weights=[weight for weight, _ in (*hidden, head)],
            activations=activations,
        )


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What came out of R networks, and what their gradient needs.

    The gradient is written out by hand: autograd's own would make the views of every layer again
    on the way back and add up their gradients in buffers of zeros, which costs as much as the
    products.

    Attributes:
        outputs: [R, B, out].
        others: [R, P - size], the columns that are not the network's.
        weights: [R, out, in] of each layer; activations: [R, B, in], its input.
    """

    outputs: Tensor
    others: Tensor
    weights: list[Tensor]
    activations: list[Tensor]

    def gradient(self, outputs: Tensor, others: Tensor) -> Tensor:
        """∂L/∂parameters [R, P], given ∂L/∂outputs [R, B, out] and ∂L/∂others [R, P - size]."""
        gradient, columns = outputs, [others]
        for layer in reversed(range(len(self.weights))):
            activation = self.activations[layer]
            columns[:0] = [_weight_gradient(gradient, activation), gradient.sum(1)]
            if layer:
                inner = _input_gradient(gradient, self.weights[layer])
                gradient = torch.ops.aten.tanh_backward(inner, activation)
        return torch.cat(columns, 1)


# A matrix product with one output column picks its kernel by S: other bits for a seed alone than
# in a group. The elementwise product and its sum do not.


def _linear(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """inputs [R, B, in] · weight [R, out, in]ᵀ + bias [R, out] -> [R, B, out]."""
    if weight.shape[1] == 1:
        return (inputs * weight).sum(2, keepdim=True) + bias.unsqueeze(1)
    if weight.shape[1] < 16:
        # With few rows instead of few columns, the product is twice as fast.
        return torch.baddbmm(bias.unsqueeze(2), weight, inputs.transpose(1, 2)).transpose(1, 2)
    return torch.baddbmm(bias.unsqueeze(1), inputs, weight.transpose(1, 2))


def _weight_gradient(gradient: Tensor, inputs: Tensor) -> Tensor:
    """gradient [R, B, out]ᵀ · inputs [R, B, in] -> [R, out·in]."""
    if gradient.shape[2] == 1:
        return (gradient * inputs).sum(1)
    return torch.bmm(gradient.transpose(1, 2), inputs).flatten(1)


def _input_gradient(gradient: Tensor, weight: Tensor) -> Tensor:
    """gradient [R, B, out] · weight [R, out, in] -> [R, B, in]."""
    return gradient * weight if weight.shape[1] == 1 else torch.bmm(gradient, weight)


def _tanh_(values: Tensor) -> Tensor:
    """tanh in place."""
    if values.device.type == "cpu":
        # numpy's is 6.6 times as fast as torch's here, for [10, 64, 64] float32 on one core of an
        # AMD EPYC (family 25, model 17), and as exact (6e-8).
        array = values.numpy()
        np.tanh(array, out=array)
        return values
    return values.tanh_()


def _orthogonal(generator: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A [rows, columns] matrix with orthonormal rows or columns (Saxe et al. 2014)."""
    normal = generator.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q *= np.sign(np.diag(r))
    return q if rows >= columns else q.T


def stack_initial(draws: Sequence[np.ndarray]) -> Tensor:
    """One float32 [S, P] buffer of the seeds' own draws."""
    return torch.from_numpy(np.stack(draws))
