"""A causal transformer for all seeds at once: parameters [R, P], weights as views of that buffer.

It stands where `algorithms.numerics.networks.Perceptron` does: the observation of a tick is the
token read at it, and what came before it is read through attention. Its rows are therefore whole
sequences, all ticks of all sequences in the order of time, as `algorithms.batch.flatten` lays them
out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from algorithms.answers.products import product
from algorithms.policy_gradient import TIME_BLOCK

Attend = Callable[[int, Tensor], Tensor]

_INITIAL_DEVIATION = 0.1


@dataclass(frozen=True, kw_only=True)
class Transformer:
    """A decoder-only transformer, as a layout of P columns and a pure function of them.

    Blocks of x + attention(norm(x)) and x + MLP(norm(x)) with a ReLU (Vaswani et al. 2017, with
    the norm before each part as Radford et al. 2019), learned positions, and no bias or gain
    anywhere: layer norms are bare (Groeneveld et al. 2024, arXiv 2402.00838).

    Args:
        vocabulary: V, number of tokens.
        ticks: T, tokens that it reads of every sequence.
        width: D, numbers in the state of a tick; a multiple of `heads`.
        layers, heads: blocks, and attention heads of each.
    """

    vocabulary: int
    ticks: int
    width: int
    layers: int
    heads: int

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of {self.heads} heads")
        if not 1 <= self.ticks <= TIME_BLOCK:
            # `trajectory_gradients` goes through a batch in blocks of that many ticks.
            raise ValueError(f"ticks must be 1 to {TIME_BLOCK}, not {self.ticks}")

    @property
    def sizes(self) -> tuple[int, int]:
        """(inputs, outputs) of a tick: the token it reads, the logits of the next one."""
        return 1, self.vocabulary

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Of embedding, positions, each block's qkv, out, up, down, and the head."""
        width = self.width
        block = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]
        ends = [(self.vocabulary, width), (self.ticks, width), (width, self.vocabulary)]
        return [*ends[:2], *block * self.layers, ends[2]]

    @property
    def size(self) -> int:
        return sum(rows * columns for rows, columns in self.shapes)

    def initial(self, generator: np.random.Generator, initialization: str = "normal") -> np.ndarray:
        """float32 [P]: N(0, 0.1²), by 1/√(2·layers) less where a block ends in the state.

        Source: Radford et al. 2019, section 2.3 (what is less where a block ends); 0.1 stands for
        the 0.02 of the wider networks of Radford et al. 2018, section 4.1.
        There is no other `initialization`.
        """
        small = _INITIAL_DEVIATION / math.sqrt(2 * self.layers)
        block = [_INITIAL_DEVIATION, small, _INITIAL_DEVIATION, small]
        deviations = [*[_INITIAL_DEVIATION] * 2, *block * self.layers, _INITIAL_DEVIATION]
        drawn = [
            deviation * generator.standard_normal(rows * columns)
            for deviation, (rows, columns) in zip(deviations, self.shapes, strict=True)
        ]
        return np.concatenate(drawn).astype(np.float32)

    def weights(self, parameters: Tensor) -> list[Tensor]:
        """The matrices [R, rows, columns] of `shapes`, views of parameters [R, P]."""
        columns = parameters.split([rows * columns for rows, columns in self.shapes], dim=1)
        return [w.unflatten(1, shape) for w, shape in zip(columns, self.shapes, strict=True)]

    def __call__(self, parameters: Tensor, inputs: Tensor) -> Pass:
        """Go through R networks with the tokens of whole sequences, each with its own.

        Args:
            parameters: [R, P]; inputs: int64 [R, T·M, 1], M sequences in the order of time.
        """
        leaves = [weight.detach() for weight in self.weights(parameters)]
        if torch.is_grad_enabled():
            leaves = [leaf.requires_grad_() for leaf in leaves]
        return Pass(leaves=leaves, outputs=self.logits(leaves, inputs.squeeze(2)))

    def logits(self, weights: list[Tensor], tokens: Tensor) -> Tensor:
        """[R, T·M, V] of tokens [R, T·M], differentiable in the weights."""
        positions = weights[1].repeat_interleave(tokens.shape[1] // self.ticks, dim=1)
        return self.through(weights, tokens, positions, lambda block, qkv: self._attend(qkv))

    def through(
        self, weights: list[Tensor], tokens: Tensor, positions: Tensor, attend: Attend
    ) -> Tensor:
        """Logits [R, B, V] of tokens [R, B] at positions [R, B or 1, D].

        Args:
            attend: from a block's number and its queries, keys and values [R, B, 3·D] to what
                its heads have read [R, B, D].
        """
        state = product(functional.one_hot(tokens, self.vocabulary).float(), weights[0])
        state = state + positions
        for block in range(self.layers):
            qkv, out, up, down = weights[2 + 4 * block : 6 + 4 * block]
            state = state + product(attend(block, product(_norm(state), qkv)), out)
            state = state + product(product(_norm(state), up).relu(), down)
        return product(_norm(state), weights[-1])

    def split_heads(self, qkv: Tensor, ticks: int) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values [R·M, heads, ticks, D/heads] of [R, ticks·M, 3·D]."""
        parts = qkv.view(len(qkv), ticks, -1, 3, self.heads, self.width // self.heads)
        query, key, value = parts.permute(3, 0, 2, 4, 1, 5).flatten(1, 2).unbind()
        return query, key, value

    def _attend(self, qkv: Tensor) -> Tensor:
        query, key, value = self.split_heads(qkv, self.ticks)
        read = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        in_time = read.unflatten(0, (len(qkv), -1)).permute(0, 3, 1, 2, 4)
        joined: Tensor = in_time.reshape(*qkv.shape[:2], self.width)
        return joined


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What came out of R transformers, and what their gradient needs.

    Attributes:
        leaves: the weights, cut off from the buffer: views of one buffer would each have their
            gradient added up in a buffer of zeros.
        outputs: logits [R, B, V].
    """

    leaves: list[Tensor]
    outputs: Tensor

    @property
    def others(self) -> Tensor:
        """[R, 0]: every column is the network's."""
        return self.outputs.new_zeros(len(self.outputs), 0)

    def gradient(self, outputs: Tensor, others: Tensor) -> Tensor:
        """∂L/∂parameters [R, P], given ∂L/∂outputs [R, B, V]."""
        return self._joined(torch.autograd.grad(self.outputs, self.leaves, outputs))

    def gradient_of(self, loss: Tensor) -> Tensor:
        """∂L_r/∂parameters [R, P] of losses [R], each of its own network."""
        return self._joined(torch.autograd.grad(loss.sum(), self.leaves))

    @staticmethod
    def _joined(gradients: tuple[Tensor, ...]) -> Tensor:
        return torch.cat([gradient.flatten(1) for gradient in gradients], dim=1)


def _norm(state: Tensor) -> Tensor:
    return functional.layer_norm(state, state.shape[-1:])
