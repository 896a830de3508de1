"""The winner's file is an ablation: it loads, and says what differs."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import tiny_study

from bench.plan.lookup import load_ablation
from bench.tune.request import Request
from bench.tune.winner import HELD_OUT, ablation_name, winner_ablation


def text_of(request: Request, **changes: object) -> str | None:
    hyperparameters = {**request.hyperparameters(request.default_values() or {}), **changes}
    return winner_ablation(request, hyperparameters, trial=7, trials=9, value=0.75)


def test_it_puts_the_defaults_against_what_was_found(tmp_path: Path) -> None:
    request = tiny_study.request(search=["learning_rate", "reward_normalization"])
    text = text_of(request, learning_rate=1e-3, reward_normalization=False)
    assert text is not None
    (tmp_path / "tuned.py").write_text(text)
    ablation = load_ablation(str(tmp_path / "tuned.py"))
    assert ablation.name == ablation_name(request) == f"tuned_{request.name}"
    assert ablation.environments == tiny_study.ENVIRONMENTS
    assert (ablation.control, ablation.steps) == ("default", request.steps)
    default, tuned = ablation.variants
    assert default.hyperparameters == tiny_study.SMALL
    assert tuned.hyperparameters == {
        **tiny_study.SMALL,
        "learning_rate": 1e-3,
        "reward_normalization": False,
    }
    assert "trial 7 of the 9" in text and "0.750 on seeds 0 to 1" in text


def test_its_seeds_are_held_out(tmp_path: Path) -> None:
    request = tiny_study.request(seeds=tuple(range(100)))
    text = text_of(request, learning_rate=1e-3)
    assert text is not None
    (tmp_path / "tuned.py").write_text(text)
    seeds = load_ablation(str(tmp_path / "tuned.py")).seeds
    assert seeds == HELD_OUT
    assert len(seeds) == 10
    assert not set(seeds) & set(request.seeds)


def test_infinite_values_can_be_read_back(tmp_path: Path) -> None:
    request = tiny_study.request(search=["clip_range"], fixed={"value_clip": 0.2})
    text = text_of(request, clip_range=math.inf)
    assert text is not None
    (tmp_path / "tuned.py").write_text(text)
    _, tuned = load_ablation(str(tmp_path / "tuned.py")).variants
    assert tuned.hyperparameters == {"value_clip": 0.2, "clip_range": math.inf}


def test_the_defaults_need_no_test() -> None:
    assert text_of(tiny_study.request()) is None


@pytest.mark.parametrize("address", ["examples.simple_policy_optimization:ALGORITHM"])
def test_a_user_s_algorithm_keeps_its_address(address: str, tmp_path: Path) -> None:
    from bench.tune.space import search_space

    request = tiny_study.request(
        algorithm=address, space=search_space(address, searched=["learning_rate"]), fixed={}
    )
    text = text_of(request, learning_rate=1e-3)
    assert text is not None
    (tmp_path / "tuned.py").write_text(text)
    ablation = load_ablation(str(tmp_path / "tuned.py"))
    assert {variant.algorithm for variant in ablation.variants} == {address}


def test_a_study_of_many_environments_has_a_name_that_an_ablation_may_have(tmp_path: Path) -> None:
    request = tiny_study.request()
    many = dataclasses.replace(
        request, back_ends={f"module:Environment{n}-v0": "gymnasium" for n in range(20)}
    )
    text = text_of(many, learning_rate=1e-3)
    assert text is not None
    (tmp_path / "tuned.py").write_text(text)
    assert load_ablation(str(tmp_path / "tuned.py")).name[-7:] == many.name[-7:]
