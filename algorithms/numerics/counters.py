"""Random numbers by address: a function of whole numbers, without a generator or its state.

A number follows from its address alone (a seed, a slot, a count of steps), on a CPU as on a GPU, so
that a CUDA graph can draw numbers and a checkpoint needs no generator's state.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# SplitMix64 (Steele, Lea & Flood 2014): the increment, and the two factors of its mixing function,
# as the signed numbers that torch has; products wrap around in both alike.
_INCREMENT = 0x9E3779B97F4A7C15 - 2**64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64


def address(*parts: Tensor | int, device: torch.device | str = "cpu") -> Tensor:
    """One int64 key of whole numbers that broadcast together; their order matters."""
    key = torch.zeros((), dtype=torch.int64, device=device)
    for part in parts:
        key = _mixed((key ^ part) + _INCREMENT)
    return key


def uniform(key: Tensor, count: int) -> Tensor:
    """Numbers in [0, 1): float64 [..., count] of keys [...]."""
    index = torch.arange(1, count + 1, device=key.device)
    bits = _mixed(_mixed(key.unsqueeze(-1) + index * _INCREMENT))
    return _shifted(bits, 11).double() * 2.0**-53


def normal(key: Tensor, count: int) -> Tensor:
    """Standard normal numbers: float64 [..., count] of keys [...] (Box & Muller 1958)."""
    uniforms = uniform(key, 2 * count)
    radius = torch.sqrt(-2 * torch.log1p(-uniforms[..., :count]))
    return radius * torch.cos(2 * math.pi * uniforms[..., count:])


def _mixed(key: Tensor) -> Tensor:
    key = (key ^ _shifted(key, 30)) * _FIRST
    key = (key ^ _shifted(key, 27)) * _SECOND
    return key ^ _shifted(key, 31)


def _shifted(key: Tensor, places: int) -> Tensor:
    """Shifted right with zeros coming in; torch's own shift brings in the sign."""
    return (key >> places) & ((1 << (64 - places)) - 1)
