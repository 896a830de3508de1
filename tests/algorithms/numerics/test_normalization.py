"""Running moments and the scale of rewards against two passes over everything seen."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from algorithms.numerics.normalization import RewardScale, RunningMoments
from tests import reference, strategies

NOT_A_NUMBER = float("nan")


def same(first: RunningMoments, second: RunningMoments, seed: int, position: int) -> bool:
    return all(
        torch.equal(getattr(first, name)[seed], getattr(second, name)[position])
        for name in ("count", "mean", "variance")
    )


@strategies.many
@given(st.data(), strategies.generators, st.integers(1, 3), st.integers(1, 3))
def test_moments_are_those_of_everything_that_was_not_masked(
    data: st.DataObject, generator: np.random.Generator, seeds: int, size: int
) -> None:
    moments = RunningMoments(seeds, size)
    offset = data.draw(st.sampled_from([0.0, 1e4]))
    seen: list[list[np.ndarray]] = [[] for _ in range(seeds)]
    for _ in range(data.draw(st.integers(1, 4))):
        samples = data.draw(st.integers(1, 6))
        values = offset + strategies.normals(generator, seeds, samples, size)
        mask = data.draw(strategies.masks(seeds, samples))
        # What is masked is rubbish, as in a slot that idles after its seed diverged.
        values[~mask] = data.draw(st.sampled_from([NOT_A_NUMBER, float("inf"), 1e30]))
        moments.update(values, mask)
        for s in range(seeds):
            seen[s] += list(values[s][mask[s]].numpy())
    for s in range(seeds):
        assert moments.count[s, 0] == len(seen[s])
        if seen[s]:
            both_passes = np.array(seen[s])
            np.testing.assert_allclose(moments.mean[s], both_passes.mean(0), rtol=1e-9, atol=1e-9)
            expected = both_passes.var(0)
            np.testing.assert_allclose(moments.variance[s], expected, rtol=1e-7, atol=1e-7)
        else:
            assert (moments.mean[s] == 0).all() and (moments.variance[s] == 1).all()


@strategies.many
@given(st.data(), strategies.generators)
def test_a_seed_with_nothing_new_keeps_its_bits(
    data: st.DataObject, generator: np.random.Generator
) -> None:
    moments, before = RunningMoments(3, 2), RunningMoments(3, 2)
    history = [strategies.normals(generator, 3, 5, 2) for _ in range(3)]
    for values in history:
        for instance in (moments, before):
            instance.update(values, torch.ones(3, 5, dtype=torch.bool))
    new = strategies.normals(generator, 3, 4, 2)
    new[1] = NOT_A_NUMBER
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[1] = False
    moments.update(new, mask)
    assert same(moments, before, 1, 1)
    assert not same(moments, before, 0, 0)


@strategies.many
@given(st.data(), strategies.generators)
def test_moments_are_the_same_bits_alone_and_in_any_group(
    data: st.DataObject, generator: np.random.Generator
) -> None:
    seeds, size = 7, data.draw(st.sampled_from([1, 3, 17]))
    samples = data.draw(st.sampled_from([1, 2, 8, 64]))
    history = [strategies.normals(generator, seeds, samples, size).float() for _ in range(4)]
    masks = [data.draw(strategies.masks(seeds, samples)) for _ in history]
    chosen = data.draw(st.lists(st.integers(0, seeds - 1), min_size=1, unique=True))
    all_seeds, subset = RunningMoments(seeds, size), RunningMoments(len(chosen), size)
    for values, mask in zip(history, masks, strict=True):
        all_seeds.update(values, mask)
        subset.update(values[chosen], mask[chosen])
    for position, seed in enumerate(chosen):
        assert same(all_seeds, subset, seed, position)
    values = history[0]
    standardised = all_seeds.standardise(values, 10.0)[chosen]
    assert torch.equal(standardised, subset.standardise(values[chosen], 10.0))


def test_what_is_standardised_has_mean_zero_deviation_one_and_a_bound() -> None:
    generator = np.random.default_rng(0)
    values = 5 + 3 * strategies.normals(generator, 2, 1000, 3)
    moments = RunningMoments(2, 3)
    moments.update(values, torch.ones(2, 1000, dtype=torch.bool))
    standardised = moments.standardise(values, 10.0)
    assert standardised.dtype == torch.float32
    torch.testing.assert_close(standardised.mean(1), torch.zeros(2, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        standardised.var(1, correction=0), torch.ones(2, 3), atol=1e-5, rtol=0
    )
    bounded = moments.standardise(torch.tensor([-1e9, 0.0, 1e9]).view(1, 3, 1).expand(2, 3, 3), 1.5)
    assert (bounded[:, 0] == -1.5).all() and (bounded[:, 2] == 1.5).all()


def test_a_constant_observation_does_not_explode() -> None:
    moments = RunningMoments(1, 1)
    values = torch.full((1, 50, 1), 3.0)
    moments.update(values, torch.ones(1, 50, dtype=torch.bool))
    assert (moments.standardise(values, 10.0) == 0).all()


@strategies.many
@given(st.data(), strategies.generators, strategies.discounts)
def test_rewards_are_scaled_by_the_deviation_of_all_discounted_returns_so_far(
    data: st.DataObject, generator: np.random.Generator, discount: float
) -> None:
    seeds, slots = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    reward_scale = RewardScale(seeds, slots, discount)
    oracles = [reference.RewardScale(slots, discount) for _ in range(seeds)]
    clip = data.draw(st.sampled_from([0.5, 10.0, float("inf")]))
    for _ in range(data.draw(st.integers(1, 3))):
        ticks = data.draw(st.integers(1, 6))
        rewards = strategies.normals(generator, seeds, ticks, slots) + 0.5
        ended = data.draw(strategies.masks(seeds, ticks, slots))
        scaled: Tensor = reward_scale(rewards, ended, clip)
        assert float(scaled.abs().max()) <= clip
        for s, oracle in enumerate(oracles):
            expected = oracle(rewards[s].numpy(), ended[s].numpy(), clip)
            np.testing.assert_allclose(scaled[s], expected, rtol=2e-6, atol=1e-9)


def test_the_scale_of_one_seed_does_not_reach_another() -> None:
    generator = np.random.default_rng(3)
    rewards = strategies.normals(generator, 2, 20, 4).float()
    no_ends = torch.zeros(2, 20, 4, dtype=torch.bool)
    alone = RewardScale(1, 4, 0.99)(rewards[:1], no_ends[:1], 10.0)
    for other in (1e6, NOT_A_NUMBER):
        changed = rewards.clone()
        changed[1] = other
        assert torch.equal(RewardScale(2, 4, 0.99)(changed, no_ends, 10.0)[:1], alone)
