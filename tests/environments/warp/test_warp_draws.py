"""The kernels draw what `algorithms.numerics.counters` draws."""

from __future__ import annotations

import pytest
import torch

from algorithms.numerics import counters
from bench.train.environments import warp_draws

pytestmark = pytest.mark.warp


def keys(count: int) -> torch.Tensor:
    return counters.address(7, torch.arange(count) - 3)


def test_addresses_are_the_same_whole_numbers() -> None:
    seeds, slots = torch.tensor([[0], [3], [2**40]]), torch.arange(5)
    steps = torch.arange(15).view(3, 5) * 1_000_003
    domain = int.from_bytes(b"action", "big")
    ours = warp_draws.address(domain, seeds, slots, steps)
    assert ours.equal(counters.address(domain, seeds, slots, steps))
    assert len(ours.unique()) == 15


@pytest.mark.parametrize("count", [1, 3, 15])
def test_numbers_are_the_same_to_the_last_bits(count: int) -> None:
    addresses = keys(2_000).view(4, 500)
    ours, theirs = (module.normal(addresses, count) for module in (warp_draws, counters))
    assert ours.shape == theirs.shape == (4, 500, count)
    torch.testing.assert_close(ours, theirs, rtol=1e-14, atol=1e-14)
    # What training sees is of float32.
    assert (ours.float() != theirs.float()).double().mean() < 1e-5


def test_a_view_draws_as_its_copy_does() -> None:
    addresses = keys(12).view(3, 4).t()
    assert warp_draws.normal(addresses, 2).equal(warp_draws.normal(addresses.contiguous(), 2))
