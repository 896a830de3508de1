"""The group of seeds: minibatches, step sizes, normalisation, and what is drawn from where."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learners import CONTINUOUS, DISCRETE, OBSERVATIONS, learner_of, minibatches_of

from algorithms.learner import take
from algorithms.numerics.random_streams import NOISE_BLOCK, Noise
from tests import strategies


@strategies.many
@given(st.data(), st.integers(1, 4), st.integers(1, 40), st.integers(1, 12), st.integers(1, 3))
def test_every_epoch_visits_every_valid_sample_once_and_fills_up_from_its_beginning(
    data: st.DataObject, seeds: int, samples: int, size: int, epochs: int
) -> None:
    learner = learner_of("vanilla_policy_gradient", seeds=range(seeds))
    valid = data.draw(strategies.masks(seeds, samples))
    minibatches = minibatches_of(learner, valid, epochs, size)
    for s in range(seeds):
        indices = [index[s].tolist() for index, active in minibatches if active[s]]
        assert all(len(index) == size for index in indices)
        valid_set = set(np.flatnonzero(valid[s]))
        steps = -(-len(valid_set) // size)
        assert len(indices) == epochs * steps
        orders = set()
        for epoch in range(epochs):
            visited = list(itertools.chain(*indices[epoch * steps : (epoch + 1) * steps]))
            assert Counter(visited[: len(valid_set)]) == Counter(valid_set)
            # The rest begins again with the epoch's first.
            repeated = (
                [visited[i % len(valid_set)] for i in range(len(visited))] if valid_set else []
            )
            assert visited == repeated
            orders.add(tuple(visited[: len(valid_set)]))
        if len(valid_set) > 12:
            assert len(orders) == epochs


def test_a_seed_that_is_through_waits_for_the_others_in_every_epoch() -> None:
    learner = learner_of("vanilla_policy_gradient", seeds=(0, 1, 2))
    valid = torch.zeros(3, 10, dtype=torch.bool)
    valid[0] = True
    valid[1, :3] = True
    actives = [active.tolist() for _, active in minibatches_of(learner, valid, 2, 4)]
    epoch = [[True, True, False], [True, False, False], [True, False, False]]
    assert actives == epoch + epoch
    learner.active = torch.tensor([False, True, True])
    actives = [active.tolist() for _, active in minibatches_of(learner, valid, 1, 4)]
    assert actives == [[False, True, False], [False] * 3, [False] * 3]


def test_nobody_has_a_sample() -> None:
    learner = learner_of("vanilla_policy_gradient", seeds=(0, 1))
    assert not minibatches_of(learner, torch.zeros(2, 5, dtype=torch.bool), 3, 4)


def test_the_order_depends_on_seed_and_update_only() -> None:
    def order(seeds: tuple[int, ...], update: int, name: str = "vanilla_policy_gradient") -> list:
        learner = learner_of(name, seeds=seeds)
        learner.updates = update
        valid = torch.ones(len(seeds), 20, dtype=torch.bool)
        drawn = torch.cat([index for index, _ in minibatches_of(learner, valid, 2, 5)], dim=1)
        return drawn[seeds.index(7)].tolist()

    reference = order((7,), 3)
    assert order((1, 7, 2), 3) == reference
    assert order((7,), 3, "clipped_ppo") == reference
    assert order((7,), 4) != reference


def test_take_chooses_for_each_seed_by_its_own_index() -> None:
    values = torch.arange(12).view(2, 3, 2)
    index = torch.tensor([[2, 2, 0, 1], [0, 1, 1, 2]])
    expected = [[values[s, i].tolist() for i in row] for s, row in enumerate(index.tolist())]
    assert take(values, index).tolist() == expected
    assert take(values[:, :, 0], index).tolist() == [
        [values[s, i, 0].item() for i in row] for s, row in enumerate(index.tolist())
    ]


@strategies.many
@given(st.integers(0, 3000), st.sampled_from([100.0, 1000.0, float("inf")]))
def test_the_step_size_falls_linearly_with_the_steps_taken(steps: int, decay: float) -> None:
    learner = learner_of("vanilla_policy_gradient", learning_rate_decay_steps=decay)
    learner.steps = torch.tensor([0, steps, 2 * steps])
    expected = [0.3 * max(0, 1 - taken / decay) for taken in (0, steps, 2 * steps)]
    np.testing.assert_allclose(learner.annealed(0.3), expected, rtol=1e-12, atol=1e-15)
    assert learner.annealed(0.3).dtype == torch.float64


def test_with_and_without_a_critic_a_seed_has_the_same_first_policy() -> None:
    """Else common seeds would not be paired across rungs."""
    plain = learner_of("vanilla_policy_gradient", hidden_sizes=(8,))
    for name, changes in (("clipped_ppo", {}), ("baseline", {"baseline": "learned"})):
        other = learner_of(name, hidden_sizes=(8,), **changes)
        assert torch.equal(plain.policy_parameters, other.policy_parameters)
        assert other.critic_parameters.shape[1] > 0
    permuted = learner_of("vanilla_policy_gradient", hidden_sizes=(8,), seeds=(2, 0))
    assert torch.equal(permuted.parameters, plain.parameters[[2, 0]])
    assert not torch.equal(plain.parameters[0], plain.parameters[1])


def test_policy_and_critic_are_views_of_one_buffer() -> None:
    learner = learner_of("clipped_ppo")
    learner.policy_parameters.zero_()
    learner.critic_parameters.fill_(1.0)
    size = learner.policy.size
    assert (learner.parameters[:, :size] == 0).all()
    assert (learner.parameters[:, size:] == 1).all()


def test_the_noise_is_that_of_the_coming_update() -> None:
    for space, kind, size in ((CONTINUOUS, "normal", 2), (DISCRETE, "gumbel", 3)):
        learner = learner_of("vanilla_policy_gradient", space, seeds=(4, 9))
        learner.updates = 6
        expected = Noise((4, 9), 6, (4, size), kind, NOISE_BLOCK).next_block()
        assert torch.equal(learner.noise().next_block(), expected)


@pytest.mark.parametrize("space", [CONTINUOUS, DISCRETE])
def test_acting_is_sampling_from_the_statistics_that_are_kept(space: object) -> None:
    learner = learner_of("vanilla_policy_gradient", space)  # type: ignore[arg-type]
    observations = strategies.normals(np.random.default_rng(0), 3, 4, OBSERVATIONS).float()
    noise = learner.noise().next_block()[0]
    actions, statistics = learner.act(observations, noise)
    expected = learner.policy.statistics(learner.policy_parameters, observations)
    assert torch.equal(statistics, expected)
    assert torch.equal(actions, learner.policy.sample(statistics, noise))
    assert not actions.requires_grad and not statistics.requires_grad


def test_observations_are_normalised_by_everything_seen_and_clipped() -> None:
    learner = learner_of("vanilla_policy_gradient", seeds=(0, 1), observation_clip=1.5)
    generator = np.random.default_rng(0)
    mask = torch.ones(2, 4, dtype=torch.bool)
    mask[1, 2:] = False
    seen: list[list[np.ndarray]] = [[], []]
    for _ in range(5):
        raw = 3 + 2 * strategies.normals(generator, 2, 4, OBSERVATIONS).float()
        normalised = learner.observe(raw, mask)
        for s in range(2):
            seen[s] += list(raw[s][mask[s]].double().numpy())
    for s in range(2):
        history = np.array(seen[s])
        expected = (raw[s].numpy() - history.mean(0)) / history.std(0)
        np.testing.assert_allclose(
            normalised[s], np.clip(expected, -1.5, 1.5), rtol=1e-4, atol=1e-5
        )
    before = learner.observation_moments.count.clone()
    assert torch.equal(learner.normalise(raw), normalised)
    assert torch.equal(learner.observation_moments.count, before)


def test_observations_stay_raw_where_asked_for() -> None:
    learner = learner_of("vanilla_policy_gradient", observation_normalization=False)
    raw = 100 * torch.ones(3, 4, OBSERVATIONS)
    assert torch.equal(learner.observe(raw, torch.ones(3, 4, dtype=torch.bool)), raw)
    assert (learner.observation_moments.count == 0).all()
