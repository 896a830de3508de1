"""Seeds are functions of where they are used."""

from __future__ import annotations

from bench.train.environments.slot_seeds import episode_seed, slot_seed


def test_written_down_so_that_published_results_can_be_trained_again() -> None:
    assert [slot_seed(0, slot) for slot in range(3)] == [
        499681958,
        608154174,
        1141791993,
    ]
    assert [episode_seed(0, 0, episode) for episode in range(3)] == [
        278127087,
        642800353,
        1691027476,
    ]


def test_distinct_and_in_the_range_of_int32() -> None:
    seeds = [slot_seed(seed, slot) for seed in range(40) for slot in range(40)]
    seeds += [episode_seed(0, slot, episode) for slot in range(40) for episode in range(40)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 0
    assert max(seeds) < 2**31
    assert slot_seed(2**70, 0) != slot_seed(0, 0)
