"""`algorithms.numerics.counters` as one kernel per call, where torch launches some hundred.

The numbers are the same: integers exactly, floats up to the last bits of float64, because logarithm
and cosine come from another library.
"""

# Warp's kernels are a language of their own.
# mypy: ignore-errors

from __future__ import annotations

import math

import torch
from torch import Tensor

from bench.train.environments.warp_launching import launch, warp

_INCREMENT = warp.constant(warp.uint64(0x9E3779B97F4A7C15))
_FIRST = warp.constant(warp.uint64(0xBF58476D1CE4E5B9))
_SECOND = warp.constant(warp.uint64(0x94D049BB133111EB))
_UNIT = warp.constant(warp.float64(2.0**-53))
_CIRCLE = warp.constant(warp.float64(2 * math.pi))


def address(domain: int, *parts: Tensor) -> Tensor:
    """As `counters.address`, for a number and three int64 tensors that broadcast together."""
    first, second, third = torch.broadcast_tensors(*parts)
    keys = torch.empty(third.shape, dtype=torch.int64, device=third.device)
    columns = [part.reshape(-1) for part in (first, second, third)]
    arguments = [warp.uint64(domain), *columns, keys.view(-1)]
    launch(_addresses, keys.numel(), arguments, keys.device)
    return keys


def normal(keys: Tensor, count: int) -> Tensor:
    """As `counters.normal`: float64 [..., count] of keys [...]."""
    out = torch.empty(*keys.shape, count, dtype=torch.float64, device=keys.device)
    arguments = [keys.reshape(-1), out.view(-1, count)]
    launch(_normals, (keys.numel(), count), arguments, keys.device)
    return out


@warp.func
def _mixed(key: warp.uint64) -> warp.uint64:
    once = (key ^ (key >> warp.uint64(30))) * _FIRST
    twice = (once ^ (once >> warp.uint64(27))) * _SECOND
    return twice ^ (twice >> warp.uint64(31))


@warp.func
def share(key: warp.uint64, place: int) -> warp.float64:
    """`counters.uniform`'s number in that place: [0, 1)."""
    bits = _mixed(_mixed(key + warp.uint64(place + 1) * _INCREMENT))
    return warp.float64(bits >> warp.uint64(11)) * _UNIT


@warp.func
def gaussian(key: warp.uint64, place: int, count: int) -> warp.float64:
    """`counters.normal`'s number in that place of `count`."""
    radius = warp.sqrt(warp.float64(-2.0) * warp.log(warp.float64(1.0) - share(key, place)))
    return radius * warp.cos(_CIRCLE * share(key, count + place))


@warp.func
def addressed(
    domain: warp.uint64, first: warp.int64, second: warp.int64, third: warp.int64
) -> warp.uint64:
    """`counters.address` of one slot."""
    key = _mixed(domain + _INCREMENT)
    key = _mixed((key ^ warp.uint64(first)) + _INCREMENT)
    key = _mixed((key ^ warp.uint64(second)) + _INCREMENT)
    return _mixed((key ^ warp.uint64(third)) + _INCREMENT)


@warp.kernel(enable_backward=False)
def _addresses(
    domain: warp.uint64,
    first: warp.array(dtype=warp.int64),
    second: warp.array(dtype=warp.int64),
    third: warp.array(dtype=warp.int64),
    keys: warp.array(dtype=warp.int64),
) -> None:
    i = warp.tid()
    keys[i] = warp.int64(addressed(domain, first[i], second[i], third[i]))


@warp.kernel(enable_backward=False)
def _normals(keys: warp.array(dtype=warp.int64), out: warp.array2d(dtype=warp.float64)) -> None:
    i, j = warp.tid()
    out[i, j] = gaussian(warp.uint64(keys[i]), j, out.shape[1])
