"""Minibatches that are drawn on the device, and state that stays where it is."""

from __future__ import annotations

from typing import Any

import torch

from algorithms.algorithm import Algorithm
from algorithms.ladder import clipped_ppo
from algorithms.rivals import cem
from algorithms.spaces import Continuous
from bench.train.device.learner import DeviceLearner

ACTIONS = Continuous(size=1, low=(-1.0,), high=(1.0,))


def learner_of(
    *seeds: int, algorithm: Algorithm[Any] = clipped_ppo.ALGORITHM
) -> DeviceLearner[Any]:
    h = algorithm.hyperparameters()
    learner = DeviceLearner(h, seeds, 3, ACTIONS, critic=algorithm.critic(h))
    algorithm.start(learner)
    return learner


def drawn(
    learner: DeviceLearner[Any], valid: torch.Tensor, epochs: int, size: int
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    positions = torch.arange(valid.shape[1]).expand(valid.shape)
    return [
        (rows.clone(), active)
        for (rows,), active in learner.minibatches(valid, epochs, size, (positions,))
    ]


def test_an_epoch_goes_through_every_valid_sample_once_in_a_new_order() -> None:
    valid = torch.ones(2, 24, dtype=torch.bool)
    valid[1, 5:] = False
    minibatches = drawn(learner_of(0, 1), valid, epochs=3, size=6)
    assert len(minibatches) == 12
    orders = set()
    for epoch in range(3):
        part = minibatches[4 * epoch : 4 * epoch + 4]
        order = torch.cat([rows[0] for rows, _ in part])
        assert sorted(order.tolist()) == list(range(24))
        orders.add(tuple(order.tolist()))
        # Five samples are one minibatch, filled up from its own beginning.
        few = part[0][0][1].tolist()
        assert sorted(few[:5]) == list(range(5))
        assert few[5] == few[0]
        assert [active.tolist() for _, active in part] == [
            [True, True],
            *[[True, False]] * 3,
        ]
    assert len(orders) == 3


def test_updates_have_orders_of_their_own() -> None:
    learner, valid = learner_of(0), torch.ones(1, 16, dtype=torch.bool)
    first = drawn(learner, valid, 1, 16)[0][0]
    learner.updates = 1
    assert not torch.equal(first, drawn(learner, valid, 1, 16)[0][0])


def test_a_seed_has_the_same_order_in_any_company_and_with_any_padding() -> None:
    valid = torch.ones(3, 20, dtype=torch.bool)
    valid[1, 10:] = False
    group = drawn(learner_of(4, 7, 5), valid, 2, 4)
    alone = drawn(learner_of(7), valid[1:2, :12], 2, 4)
    minibatches = [rows[1] for rows, active in group if active[1]]
    for indices, (other, active) in zip(minibatches, alone, strict=True):
        assert active.all()
        torch.testing.assert_close(indices, other[0], rtol=0, atol=0)


def test_no_sample_means_no_minibatch() -> None:
    learner = learner_of(0, 1)
    assert drawn(learner, torch.zeros(2, 8, dtype=torch.bool), 2, 4) == []
    learner.active = torch.zeros(2, dtype=torch.bool)
    assert drawn(learner, torch.ones(2, 8, dtype=torch.bool), 2, 4) == []


def test_what_an_update_leaves_elsewhere_comes_back_to_its_place() -> None:
    learner = learner_of(0, 1, algorithm=cem.ALGORITHM)
    learner.settle()
    addresses = {name: value.data_ptr() for name, value in learner.state.items()}
    learner.memory["variance"] = learner.memory["variance"] * 2
    learner.memory["candidates"] = learner.memory["candidates"] + 1
    learner.active = torch.tensor([True, False])
    saved = {name: value.clone() for name, value in learner.state.items()}
    learner.settle()
    for name, value in learner.state.items():
        torch.testing.assert_close(value, saved[name], rtol=0, atol=0)
        assert value.data_ptr() == addresses[name], name


def test_a_normaliser_that_stands_still_does_so_while_statistics_go_on() -> None:
    """As CEM's."""
    learner = learner_of(0, algorithm=cem.ALGORITHM)
    learner.observe(torch.randn(1, 40, 3), torch.ones(1, 40, dtype=torch.bool))
    learner.freeze_normalizer()
    learner.settle()
    before = learner.normalizer.mean.clone()
    learner.observe(torch.randn(1, 40, 3) + 5, torch.ones(1, 40, dtype=torch.bool))
    torch.testing.assert_close(learner.normalizer.mean, before, rtol=0, atol=0)
    assert not torch.equal(learner.observation_moments.mean, before)
