"""Streams are found by their address: seed, purpose, index."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from algorithms.numerics.random_streams import PURPOSES, Noise, stream


def test_every_address_has_numbers_of_its_own() -> None:
    addresses = list(itertools.product((0, 1, 2**40), PURPOSES, (0, 1, 1000)))
    draws = {tuple(stream(*address).integers(0, 2**63, 4)) for address in addresses}
    assert len(draws) == len(addresses)


def test_an_address_gives_the_same_numbers_again() -> None:
    first, second = (stream(3, "actions", 7).random(10) for _ in range(2))
    assert (first == second).all()
    with pytest.raises(KeyError):
        stream(3, "weather")


def noise(seeds: tuple[int, ...], update: int = 4, kind: str = "normal", block: int = 8) -> Noise:
    return Noise(seeds, update, (3, 2), kind, block)


@pytest.mark.parametrize("kind", ["normal", "gumbel"])
def test_a_seeds_noise_does_not_depend_on_its_group(kind: str) -> None:
    group = noise((5, 6, 7), kind=kind)
    blocks = [group.next_block() for _ in range(3)]
    for seeds in ((6,), (7, 5), (7, 6, 5)):
        other = noise(seeds, kind=kind)
        for block in blocks:
            expected = block[:, [(5, 6, 7).index(seed) for seed in seeds]]
            assert torch.equal(other.next_block(), expected)


def test_shape_and_type() -> None:
    for kind in ("normal", "gumbel"):
        block = noise((1, 2, 3, 4), kind=kind).next_block()
        assert block.shape == (8, 4, 3, 2)
        assert block.dtype == torch.float32


def test_another_seed_update_or_block_has_other_noise() -> None:
    first = noise((5,))
    blocks = [
        first.next_block(),
        first.next_block(),
        noise((6,)).next_block(),
        noise((5,), update=5).next_block(),
    ]
    assert all(not torch.equal(a, b) for a, b in itertools.combinations(blocks, 2))
    values = torch.cat(blocks).flatten()
    assert len(values.unique()) == len(values)


def test_how_much_an_earlier_update_drew_makes_no_difference() -> None:
    """The stream of update 4 is found, not continued: algorithms stay paired."""
    short, long = noise((5,), update=3), noise((5,), update=3)
    short.next_block()
    for _ in range(20):
        long.next_block()
    assert torch.equal(noise((5,)).next_block(), noise((5,)).next_block())


@pytest.mark.parametrize(("kind", "law"), [("normal", "norm"), ("gumbel", "gumbel_r")])
def test_noise_has_the_distribution_it_is_named_after(kind: str, law: str) -> None:
    values = Noise((0, 1), 0, (8, 4), kind, 200).next_block().numpy().ravel()
    assert stats.kstest(values, law).pvalue > 1e-3
    # Slots and components are independent of one another.
    columns = values.reshape(400, -1).T
    correlations = np.corrcoef(columns)[np.triu_indices(len(columns), 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(400)
