"""A causal transformer for all seeds at once: parameters [R, P], weights as views of that buffer.

It takes the place of `algorithms.numerics.networks.Perceptron`: the observation of a tick is the
token read then, and earlier tokens are read through attention. Its rows are therefore whole
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

from algorithms.numerics.products import product
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
        layers, heads: number of blocks, and of attention heads in each.
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
        """Shapes of the embedding, the positions, each block's qkv, out, up, down, and the head."""
        width = self.width
        block = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]
        ends = [(self.vocabulary, width), (self.ticks, width), (width, self.vocabulary)]
        return [*ends[:2], *block * self.layers, ends[2]]

    @property
    def size(self) -> int:
        return sum(rows * columns for rows, columns in self.shapes)

    def initial(self, generator: np.random.Generator, initialization: str = "normal") -> np.ndarray:
        """Draw float32 [P] from N(0, 0.1²), each block's out and down scaled by 1/√(2·layers).

        Source: Radford et al. 2019, section 2.3 (the scaling); 0.1 replaces the 0.02 of the wider
        networks of Radford et al. 2018, section 4.1.
        `initialization` is ignored: there is no other.
        """
        residual_deviation = _INITIAL_DEVIATION / math.sqrt(2 * self.layers)
        block = [_INITIAL_DEVIATION, residual_deviation, _INITIAL_DEVIATION, residual_deviation]
        deviations = [*[_INITIAL_DEVIATION] * 2, *block * self.layers, _INITIAL_DEVIATION]
        matrices = [
            deviation * generator.standard_normal(rows * columns)
            for deviation, (rows, columns) in zip(deviations, self.shapes, strict=True)
        ]
        return np.concatenate(matrices).astype(np.float32)

    def weights(self, parameters: Tensor) -> list[Tensor]:
        """The matrices [R, rows, columns] of `shapes`, views of parameters [R, P]."""
        columns = parameters.split([rows * columns for rows, columns in self.shapes], dim=1)
        return [w.unflatten(1, shape) for w, shape in zip(columns, self.shapes, strict=True)]

    def __call__(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """Return logits [R, T·M, V] after each token of whole sequences, every network its own.

        Args:
            parameters: [R, P]; inputs: int64 [R, T·M, 1], M sequences in the order of time.
        """
        weights, tokens = self.weights(parameters), inputs.squeeze(2)
        positions = weights[1].repeat_interleave(tokens.shape[1] // self.ticks, dim=1)
        return self.through(weights, tokens, positions, lambda block, qkv: self._attend(qkv))

    def through(
        self, weights: list[Tensor], tokens: Tensor, positions: Tensor, attend: Attend
    ) -> Tensor:
        """Logits [R, B, V] of tokens [R, B] at positions [R, B or 1, D].

        Args:
            attend: (number of a block, its queries, keys and values [R, B, 3·D]) -> output of
                its heads [R, B, D].
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
        output = attention(query, key, value, causal=True)
        in_time = output.unflatten(0, (len(qkv), -1)).permute(0, 3, 1, 2, 4)
        joined: Tensor = in_time.reshape(*qkv.shape[:2], self.width)
        return joined


def attention(query: Tensor, key: Tensor, value: Tensor, *, causal: bool) -> Tensor:
    """softmax(query · keyᵀ / √D) · value [M, heads, Q, D], of keys and values [M, heads, K, D].

    Args:
        causal: whether a query sees the keys up to its own place only.

    Source: Vaswani et al. 2017, eq. 1.
    """
    queries, keys, values = (tensor.flatten(0, 1) for tensor in (query, key, value))
    scores = product(queries, keys.transpose(1, 2)) / math.sqrt(query.shape[3])
    if causal:
        unseen = torch.ones(scores.shape[1:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(unseen, -math.inf)
    return product(scores.softmax(2), values).view(query.shape)


def _norm(state: Tensor) -> Tensor:
    return functional.layer_norm(state, state.shape[-1:])


class Decoder:
    """R transformers that read M sequences each, tick by tick.

    Args:
        network: architecture of all R.
        parameters: their weights [R, P].
        sequences: M.
    """

    def __init__(self, network: Transformer, parameters: Tensor, sequences: int) -> None:
        self._network = network
        self._weights = [weight.detach() for weight in network.weights(parameters)]
        shape = (len(parameters) * sequences, network.heads, network.ticks)
        head = network.width // network.heads
        self._cache = [
            (parameters.new_empty(*shape, head), parameters.new_empty(*shape, head))
            for _ in range(network.layers)
        ]
        self._tick = 0

    @torch.no_grad()
    def read(self, tokens: Tensor) -> Tensor:
        """Read the next tick's tokens [R, M]; return logits [R, M, V] of the tokens after them."""
        position = self._weights[1][:, self._tick : self._tick + 1]
        logits = self._network.through(self._weights, tokens, position, self._attend)
        self._tick += 1
        return logits

    def _attend(self, block: int, qkv: Tensor) -> Tensor:
        query, key, value = self._network.split_heads(qkv, 1)
        keys, values = self._cache[block]
        keys[:, :, self._tick] = key.squeeze(2)
        values[:, :, self._tick] = value.squeeze(2)
        end = self._tick + 1
        output = attention(query, keys[:, :, :end], values[:, :, :end], causal=False)
        return output.reshape(*qkv.shape[:2], self._network.width)
