"""Networks of all seeds at once: parameters [S, P], layers as views of that one buffer."""

from __future__ import annotations

import functools
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
        """(inputs, outputs) of W₁, W₂, …"""
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
        columns = parameters.split([*self.splits, parameters.shape[1] - self.size], dim=1)
        weights = (w.unflatten(1, i_o) for w, i_o in zip(columns[::2], self.shapes, strict=False))
        return list(zip(weights, columns[1::2], strict=True))

    def __call__(self, parameters: Tensor, inputs: Tensor) -> Pass:
        """Go through R networks at once: see `Networks`."""
        return Networks(self, parameters)(inputs)


class Networks:
    """R networks of one layout over one buffer: the layers are views of it, made once.

    Args:
        layout: of the network's columns.
        parameters: [R, P], the network's columns first, others behind them. Changed in place, they
            change the networks.
    """

    def __init__(self, layout: Perceptron, parameters: Tensor) -> None:
        self._layout = layout
        self._parameters = parameters
        self.layers = layout.layers(parameters)
        self.others = parameters[:, layout.size :]

    @functools.cached_property
    def gradients(self) -> tuple[Tensor, list[tuple[Tensor, Tensor]], Tensor]:
        """A buffer [R, P] for gradients, and its layers and other columns."""
        buffer = torch.empty_like(self._parameters, memory_format=torch.contiguous_format)
        return buffer, self._layout.layers(buffer), buffer[:, self._layout.size :]

    @torch.no_grad()
    @np.errstate(all="ignore")
    def __call__(self, inputs: Tensor) -> Pass:
        """Go through the networks with inputs [R, B, in], each network with its own."""
        *hidden, head = self.layers
        activations = [inputs]
        for weight, bias in hidden:
            activations.append(_tanh_(_linear(activations[-1], weight, bias)))
        return Pass(networks=self, activations=activations, outputs=_linear(activations[-1], *head))


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What came out of R networks, and what their gradient needs.

    The gradient is written out by hand: autograd's own would make the views of every layer again
    on the way back and add up their gradients in buffers of zeros, which costs as much as the
    products.

    Attributes:
        networks: what was gone through.
        activations: [R, B, in] of each layer, its input; outputs: [R, B, out].
    """

    networks: Networks
    activations: list[Tensor]
    outputs: Tensor

    @property
    def others(self) -> Tensor:
        """[R, P - size], the columns that are not the network's."""
        return self.networks.others

    @torch.no_grad()
    @np.errstate(all="ignore")
    def gradient(self, outputs: Tensor, others: Tensor) -> Tensor:
        """∂L/∂parameters, given ∂L/∂outputs [R, B, out] and ∂L/∂others [R, P - size].

        Returns:
            [R, P], the networks' own buffer: their next gradient overwrites it.
        """
        buffer, of_layers, of_others = self.networks.gradients
        of_others.copy_(others)
        gradient = outputs
        for layer in reversed(range(len(of_layers))):
            activation, (of_weight, of_bias) = self.activations[layer], of_layers[layer]
            _multiply(activation.transpose(1, 2), gradient, of_weight)
            of_bias.copy_(gradient.sum(1))
            if layer:
                gradient = _back(gradient, self.networks.layers[layer][0])
                torch.ops.aten.tanh_backward.grad_input(gradient, activation, grad_input=gradient)
        return buffer


def _linear(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """inputs [R, B, in] · weight [R, in, out] + bias [R, out] -> [R, B, out]."""
    outputs = inputs.new_empty(*inputs.shape[:2], weight.shape[2])
    return _multiply(inputs, weight, outputs).add_(bias.unsqueeze(1))


def _back(gradient: Tensor, weight: Tensor) -> Tensor:
    """gradient [R, B, out] · weightᵀ [R, in, out] -> [R, B, in]."""
    if weight.shape[2] == 1:
        # Ten times as fast as the product, which has nothing to add up.
        return gradient * weight.transpose(1, 2)
    return torch.bmm(gradient, weight.transpose(1, 2))


def _multiply(left: Tensor, right: Tensor, out: Tensor) -> Tensor:
    """left [R, i, j] · right [R, j, k] into out [R, i, k]."""
    if out.device.type == "cpu":
        # numpy's loop over R products is faster than torch's batch of them (up to 8 times where a
        # side is short), and no product knows of another: a seed has its bits in any group.
        np.matmul(left.numpy(), right.numpy(), out=out.numpy())
        return out
    return out.copy_(torch.bmm(left, right))


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
