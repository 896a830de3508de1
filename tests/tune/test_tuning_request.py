"""What a study is about, and how it is named."""

from __future__ import annotations

import re

import tiny_study

from bench.tune.space import search_space


def test_equal_requests_are_one_study_whatever_the_order_of_environments() -> None:
    request = tiny_study.request()
    turned = dict(reversed(request.back_ends.items()))
    assert tiny_study.request(back_ends=turned).name == request.name


def test_everything_that_is_asked_for_makes_another_study() -> None:
    space = search_space("clipped_ppo", searched=["clip_range"])
    changes = [
        {},
        {"steps": 512},
        {"seeds": (0, 1, 2)},
        {"space": space},
        {"fixed": {**tiny_study.SMALL, "discount": 0.9}},
        {"device": "cuda"},
        {"back_ends": {"CartPole-v1": "envpool"}},
        {"back_ends": dict.fromkeys(tiny_study.ENVIRONMENTS, "gymnasium")},
    ]
    names = {tiny_study.request(**change).name for change in changes}
    assert len(names) == len(changes)


def test_the_name_can_be_a_folder_s() -> None:
    name = tiny_study.request(
        algorithm="examples.simple_policy_optimization:ALGORITHM",
        back_ends={"my_package.mazes:Maze-v0": "gymnasium"},
    ).name
    assert re.fullmatch(r"ALGORITHM-Maze-v0-256-[0-9a-f]{6}", name)


def test_the_defaults_are_one_of_the_space_s_points() -> None:
    request = tiny_study.request(search=["learning_rate", "discount"])
    values = request.default_values()
    assert values == {"learning_rate": 3e-4, "1 - discount": 0.01}
    hyperparameters = request.hyperparameters(values)
    assert (hyperparameters["learning_rate"], hyperparameters["discount"]) == (3e-4, 0.99)
    assert hyperparameters["batch_steps"] == tiny_study.SMALL["batch_steps"]
    outside = tiny_study.request(search=["discount=0.5:0.6", "learning_rate"])
    assert outside.default_values() is None
    assert outside.without_default == ("discount",)
