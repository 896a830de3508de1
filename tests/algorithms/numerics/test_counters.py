"""Numbers by address: the published generator, the stated distributions, no two alike."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import kstest

from algorithms.numerics import counters
from algorithms.numerics.counters import address, normal, uniform


def test_the_mixing_is_splitmix64() -> None:
    """The first outputs of the reference implementation (Vigna 2015), seed 0."""
    state = torch.arange(1, 4) * counters._INCREMENT
    outputs = [int(word) % 2**64 for word in counters._mixed(state)]
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_an_address_says_it_all() -> None:
    seeds, slots = torch.arange(3).unsqueeze(1), torch.arange(4)
    keys = address(5, seeds, slots)
    assert keys.shape == (3, 4)
    assert int(keys[2, 1]) == int(address(5, torch.tensor(2), 1))
    assert len(keys.unique()) == 12
    assert int(address(1, 2)) != int(address(2, 1))
    assert int(address(0)) != int(address(0, 0))


def test_what_is_drawn_first_does_not_depend_on_how_much_is_drawn() -> None:
    keys = address(torch.arange(5))
    torch.testing.assert_close(uniform(keys, 3), uniform(keys, 7)[:, :3], rtol=0, atol=0)


def test_distributions() -> None:
    keys = address(torch.arange(2000), 3)
    draws = uniform(keys, 5)
    assert draws.min() >= 0
    assert draws.max() < 1
    assert kstest(draws.flatten(), "uniform").pvalue > 1e-3
    assert kstest(normal(keys, 5).flatten(), "norm").pvalue > 1e-3
    assert torch.isfinite(normal(keys, 5)).all()


def test_neighbouring_addresses_have_nothing_to_do_with_one_another() -> None:
    seeds, steps = torch.arange(40).unsqueeze(1), torch.arange(500)
    draws = normal(address(1, seeds, steps), 2).numpy()
    for first, other in (
        (draws[:-1], draws[1:]),  # seeds
        (draws[:, :-1], draws[:, 1:]),  # steps
        (draws[..., 0], draws[..., 1]),  # components
    ):
        correlation = np.corrcoef(first.ravel(), other.ravel())[0, 1]
        assert abs(correlation) < 4.5 / np.sqrt(first.size)
