"""Running statistics in place are those of the algorithms."""

from __future__ import annotations

import torch

from algorithms.numerics.normalization import RunningMoments
from bench.train.device.moments import DeviceMoments


def test_they_are_the_running_moments_of_what_the_mask_lets_in() -> None:
    ours, theirs = DeviceMoments(3, 4), RunningMoments(3, 4)
    for step in range(12):
        values = torch.randn(3, 5, 4) * 10 + 3
        mask = torch.rand(3, 5) < 0.6 if step % 3 else torch.ones(3, 5, dtype=torch.bool)
        ours.update(values, mask)
        theirs.update(values, mask)
        for name in ("count", "mean", "variance"):
            torch.testing.assert_close(getattr(ours, name), getattr(theirs, name))


def test_a_seed_without_values_keeps_its_bits_and_nothing_moves_in_memory() -> None:
    moments = DeviceMoments(2, 3)
    places = [value.data_ptr() for value in (moments.count, moments.mean, moments.variance)]
    moments.update(torch.randn(2, 4, 3), torch.ones(2, 4, dtype=torch.bool))
    before = [value.clone() for value in (moments.count, moments.mean, moments.variance)]
    values = torch.randn(2, 4, 3)
    values[0] = torch.nan  # what isn't let in may be anything
    moments.update(values, torch.tensor([[False] * 4, [True] * 4]))
    for value, old in zip((moments.count, moments.mean, moments.variance), before, strict=True):
        torch.testing.assert_close(value[0], old[0], rtol=0, atol=0)
        assert not torch.equal(value[1], old[1])
    now = [value.data_ptr() for value in (moments.count, moments.mean, moments.variance)]
    assert now == places


def test_a_copy_has_its_own_memory() -> None:
    moments = DeviceMoments(1, 2)
    copied = DeviceMoments.of(moments)
    moments.update(torch.ones(1, 3, 2), torch.ones(1, 3, dtype=torch.bool))
    assert copied.count.item() == 0
    copied.take(moments)
    torch.testing.assert_close(copied.mean, moments.mean)
