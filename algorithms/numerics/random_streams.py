"""Random streams addressed by (seed, purpose, index), so that common seeds are truly paired.

A stream is found by its address, not by what was drawn before it: the action noise of
update 7 is the same whatever the algorithm did in updates 0 to 6, and however many other
seeds train beside this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch

PURPOSES: Final = {"parameters": 0, "actions": 1, "minibatches": 2, "candidates": 3}


NOISE_BLOCK: Final = 64
"""Ticks of action noise that are drawn at once."""


def stream(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """The generator of one seed for one purpose at one index (an update, a slot)."""
    sequence = np.random.SeedSequence(seed, spawn_key=(PURPOSES[purpose], index))
    return np.random.Generator(np.random.Philox(sequence))


class Noise:
    """Action noise of one update, drawn in blocks along time.

    Args:
        seeds: the seeds of the group.
        update: index of the update that the rollout is for.
        shape: (N, K): slots and noise components.
        kind: "normal" for continuous actions, "gumbel" for discrete ones.
        block: ticks drawn at once.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        update: int,
        shape: tuple[int, int],
        kind: str,
        block: int = NOISE_BLOCK,
    ) -> None:
        self._generators = [stream(seed, "actions", update) for seed in seeds]
        self._shape = shape
        self._kind = kind
        self._block = block

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Yield the noise float32 [S, N, K] of one tick after the other, without end."""
        while True:
            yield from self.next_block()

    def next_block(self) -> torch.Tensor:
        """Draw the next block of noise, float32 [block, S, N, K]."""
        shape = (self._block, *self._shape)
        if self._kind == "normal":
            blocks = [
                generator.standard_normal(shape, dtype=np.float32) for generator in self._generators
            ]
        else:
            blocks = [
                generator.gumbel(size=shape).astype(np.float32) for generator in self._generators
            ]
        return torch.from_numpy(np.stack(blocks, axis=1))
