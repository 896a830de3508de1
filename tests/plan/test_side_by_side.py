"""Algorithms that are run without an ablation's file."""

from __future__ import annotations

import pytest

from algorithms import ALGORITHMS
from bench.errors import InputError
from bench.plan.side_by_side import side_by_side


def test_one_algorithm_is_its_own_control(install) -> None:
    install("lone")
    ablation = side_by_side(["lone.algorithm:ALGORITHM"], ["Hopper-v5", "Hopper-v5"])
    assert (ablation.name, ablation.title, ablation.question) == (
        "mine",
        "Mine",
        "What does Mine reach?",
    )
    assert ablation.environments == ("Hopper-v5",)
    assert [(variant.name, variant.algorithm) for variant in ablation.variants] == [
        ("mine", "lone.algorithm:ALGORITHM")
    ]
    assert ablation.control == "mine"
    assert ablation.seeds == tuple(range(10))


def test_a_control_comes_first_and_leaves_the_name_alone(install) -> None:
    install("against")
    ablation = side_by_side(["against.algorithm:ALGORITHM"], ["Hopper-v5"], "clipped_ppo")
    assert ablation.name == "mine"
    assert ablation.question == "What does Mine gain over Clipped PPO (PPO2)?"
    assert [variant.name for variant in ablation.variants] == ["clipped_ppo", "mine"]
    assert ablation.control == "clipped_ppo"


def test_several_algorithms_have_all_their_names() -> None:
    ablation = side_by_side(["kl_ppo", "trpo", "kl_ppo"], ["Hopper-v5"])
    assert (ablation.name, ablation.control) == ("kl_ppo-trpo", "kl_ppo")
    reduced = side_by_side(["kl_ppo", "trpo"], ["Hopper-v5"], "trpo")
    assert (reduced.name, reduced.control) == ("kl_ppo", "trpo")


def test_the_plan_of_an_ablation_is_not_overwritten() -> None:
    assert side_by_side(["baseline"], ["Hopper-v5"]).name == "algorithm-baseline"


def test_an_algorithm_that_is_its_own_control() -> None:
    ablation = side_by_side(["trpo"], ["Hopper-v5"], "trpo")
    assert (ablation.name, ablation.control, len(ablation.variants)) == ("trpo", "trpo", 1)


def test_two_plugins_of_one_name(install) -> None:
    install("twin_a")
    install("twin_b")
    addresses = ["twin_a.algorithm:ALGORITHM", "twin_b.algorithm:ALGORITHM"]
    with pytest.raises(InputError, match="twin_a.* and twin_b.* both call themselves 'mine'"):
        side_by_side(addresses, ["Hopper-v5"])


def test_a_name_that_no_file_can_have(install) -> None:
    changed = (
        "from dataclasses import replace\nfrom algorithms.ladder.kl_ppo import ALGORITHM\n"
        "ALGORITHM = replace(ALGORITHM, name='my algorithm')"
    )
    install("spaced", {"algorithm.py": changed})
    with pytest.raises(InputError, match=r"plugin 'spaced.*'my algorithm' may hold only"):
        side_by_side(["spaced.algorithm:ALGORITHM"], ["Hopper-v5"])


def test_many_algorithms_have_a_name_that_can_be_a_file_s() -> None:
    ablation = side_by_side([*ALGORITHMS], ["Hopper-v5"])
    assert len(ablation.variants) == len(ALGORITHMS)
    assert len(ablation.name) < 200
    backwards = side_by_side([*ALGORITHMS][::-1], ["Hopper-v5"])
    assert ablation.name != backwards.name
