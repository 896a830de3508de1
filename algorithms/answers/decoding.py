"""Reading sequences one token a tick: what was read is kept as keys and values."""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.answers.transformer import Transformer, attention


class Decoder:
    """R transformers that read M sequences each, tick by tick.

    Args:
        network: of all R.
        parameters: [R, P].
        sequences: M.
    """

    def __init__(self, network: Transformer, parameters: Tensor, sequences: int) -> None:
        self._network = network
        self._weights = [weight.detach() for weight in network.weights(parameters)]
        shape = (len(parameters) * sequences, network.heads, network.ticks)
        head = network.width // network.heads
        self._kept = [
            (parameters.new_empty(*shape, head), parameters.new_empty(*shape, head))
            for _ in range(network.layers)
        ]
        self._tick = 0

    @torch.no_grad()
    def read(self, tokens: Tensor) -> Tensor:
        """Logits [R, M, V] of what follows tokens [R, M], the next tick's of every sequence."""
        position = self._weights[1][:, self._tick : self._tick + 1]
        logits = self._network.through(self._weights, tokens, position, self._attend)
        self._tick += 1
        return logits

    def _attend(self, block: int, qkv: Tensor) -> Tensor:
        query, key, value = self._network.split_heads(qkv, 1)
        keys, values = self._kept[block]
        keys[:, :, self._tick] = key.squeeze(2)
        values[:, :, self._tick] = value.squeeze(2)
        end = self._tick + 1
        read = attention(query, keys[:, :, :end], values[:, :, :end], causal=False)
        return read.reshape(*qkv.shape[:2], self._network.width)
