"""Where to search follows from how hyperparameters are declared."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms import ALGORITHMS, SEQUENCE_ALGORITHMS
from algorithms.hyperparameters import check
from bench.errors import InputError
from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm
from bench.plan.without_effect import NEEDED, UNREAD
from bench.tune.space import Dimension, defaults, search_space, suggested
from bench.tune.trial_training import train

NOTHING_TO_SEARCH = {"untrained", "uniform_random"}


def by_field(algorithm: str = "clipped_ppo", **options: Any) -> dict[str, Dimension]:
    return {dimension.field: dimension for dimension in search_space(algorithm, **options)}


def ends(dimension: Dimension) -> list[object]:
    """The hyperparameter's values at both ends of Optuna's range, or all its choices."""
    distribution = dimension.distribution()
    if dimension.scale == "choices":
        return [dimension.value(choice) for choice in distribution.choices]  # type: ignore[attr-defined]
    return [dimension.value(bound) for bound in (distribution.low, distribution.high)]  # type: ignore[attr-defined]


def test_ranges_lie_around_the_defaults_by_their_kind() -> None:
    dimensions = by_field()
    assert dimensions["learning_rate"].stated() == {"scale": "log", "low": 7.5e-5, "high": 1.2e-3}
    assert dimensions["discount"].stated() == {
        "scale": "distance from 1",
        "low": 0.96,
        "high": 0.9975,
    }
    assert sorted(map(float, ends(dimensions["discount"]))) == [0.96, 0.9975]  # type: ignore[arg-type]
    assert ends(dimensions["minibatch"]) == [32, 128]
    assert ends(dimensions["batch_steps"]) == [1024, 4096]
    assert ends(dimensions["epochs"]) == [5, 20]
    assert dimensions["epochs"].scale == "log"
    assert dimensions["minibatch"].scale == "powers of 2"


def test_what_has_no_magnitude_keeps_its_default() -> None:
    without = {"initialization", "observation_normalization", "value_clip", "entropy_coefficient"}
    assert not without & by_field().keys()
    assert {"hidden_sizes", "learning_rate_decay_steps", "initial_log_std"}.isdisjoint(by_field())


@pytest.mark.parametrize("name", sorted(set(ALGORITHMS) - NOTHING_TO_SEARCH))
def test_both_ends_of_every_range_are_allowed_and_hold_the_default(name: str) -> None:
    declared = load_algorithm(name).hyperparameters
    for dimension in search_space(name):
        default = defaults(name)[dimension.field]
        assert dimension.holds(default)
        assert dimension.value(dimension.suggestion(default)) == default
        for value in ends(dimension):
            assert type(value) is type(default)
            check(dataclasses.replace(declared(), **{dimension.field: value}))  # type: ignore[arg-type]
            assert dimension.holds(value)


@pytest.mark.parametrize("name", sorted(set(ALGORITHMS) - NOTHING_TO_SEARCH))
def test_sizes_go_on_dividing_one_another(name: str) -> None:
    dimensions = by_field(name)
    if (
        "batch_steps" in dimensions
        and "slots" in dimensions
        and dimensions["slots"].scale == "powers of 2"
    ):
        least, most = dimensions["batch_steps"].low, dimensions["slots"].high
        if dimensions["batch_steps"].scale == "powers of 2":
            assert least % most == 0


def test_what_keeps_a_policy_from_exploiting_its_reward_is_searched_on_request_only() -> None:
    fields = [dimension.field for dimension in search_space("sequence_clipped_ppo")]
    assert "learning_rate" in fields and "reference_penalty" not in fields
    (penalty,) = search_space("sequence_clipped_ppo", searched=["reference_penalty"])
    assert (penalty.low, penalty.high) == (0.075, 1.2)


def test_what_has_no_magnitude_at_all_can_not_be_tuned() -> None:
    with pytest.raises(InputError, match="untrained has nothing to search"):
        search_space("untrained", fixed=defaults("untrained"))


def test_the_user_chooses_what_is_searched_and_where() -> None:
    requested = [
        "learning_rate",
        "hidden_sizes=32,32|64,64",
        "entropy_coefficient=0:0.02",
        "epochs=2:6",
    ]
    dimensions = by_field(searched=[*requested, "reward_normalization", "advantage_normalization"])
    assert list(dimensions) == [
        "learning_rate",
        "hidden_sizes",
        "reward_normalization",
        "advantage_normalization",
        "epochs",
        "entropy_coefficient",
    ]
    assert dimensions["hidden_sizes"].choices == ((32, 32), (64, 64))
    assert dimensions["entropy_coefficient"].scale == "linear"
    assert dimensions["epochs"].scale == "log"
    assert dimensions["epochs"].is_integer
    assert dimensions["reward_normalization"].choices == (False, True)
    assert dimensions["advantage_normalization"].choices == ("none", "batch", "minibatch")
    values = {
        dimension.parameter: dimension.suggestion(ends(dimension)[-1])
        for dimension in dimensions.values()
    }
    assert suggested(tuple(dimensions.values()), values)["hidden_sizes"] == (64, 64)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("learning_rat", "Did you mean 'learning_rate'"),
        ("learning_rate=1e-3:1e-4", "1e-3 is not below 1e-4"),
        ("learning_rate=-1:1", "value '-1' of learning_rate is out of range. Allowed: 0.0 to any"),
        ("learning_rate=fast:slow", "unknown value of learning_rate 'fast'. Allowed: a number"),
        ("learning_rate=1e-3:inf", "no range of finite numbers"),
        ("learning_rate=1e-3", "leaves no choice"),
        ("initialization=a|b", "orthogonal, uniform"),
        ("initialization=orthogonal:uniform", "no range of finite numbers"),
        ("reward_normalization=off:on", "no range of finite numbers"),
        ("entropy_coefficient", "no range of its own, as its default is 0.0"),
        ("value_clip", "no range of its own, as its default is inf"),
        ("clip_range", "both set and searched"),
    ],
)
def test_bad_input_is_told_in_one_line(option: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        search_space("clipped_ppo", searched=[option], fixed={"clip_range": 0.2})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_field_is_searched_once() -> None:
    with pytest.raises(InputError, match="searched twice"):
        search_space("clipped_ppo", searched=["epochs", "epochs=1:3"])


def test_what_is_fixed_is_not_searched() -> None:
    assert "discount" not in by_field(fixed={"discount": 0.99})


def test_what_changes_nothing_is_not_searched() -> None:
    assert "critic_learning_rate" not in by_field()
    assert "critic_learning_rate" in by_field(fixed={"separate_optimizers": True})
    assert "critic_learning_rate" in by_field("advantage")
    assert "observation_clip" not in by_field(fixed={"observation_normalization": False})
    assert "critic_epochs" not in by_field("reward_to_go")
    assert "critic_epochs" in by_field("reward_to_go", fixed={"baseline": "learned"})
    assert "learning_rate" not in by_field("cem")


SMALL = {
    **{"slots": 8, "hidden_sizes": (8,), "batch_steps": 64, "minibatch": 4, "epochs": 2},
    **{"critic_minibatch": 32, "critic_epochs": 2, "trust_region": 1e-6},
}
EXTREME = {
    **{"observation_clip": 0.1, "reward_clip": 0.01, "clip_range": 1e-6, "kl_target": 1e-9},
    **{"elite_fraction": 1.0, "gradient_norm_clip": 1e-3, "kl_bound": 1e-6},
    **{"learning_rate_decay_steps": 300.0},
}
"""Values that count in so short a training; other hyperparameters are halved."""


@pytest.mark.parametrize(
    "algorithm",
    [
        name
        for name in ALGORITHMS
        if name not in (*SEQUENCE_ALGORITHMS, "untrained", "uniform_random")
    ],
)
def test_what_is_searched_moves_the_training(algorithm: str) -> None:
    """And what is left out for having no effect has none."""
    small = {name: SMALL.get(name, value) for name, value in defaults(algorithm).items()}

    def trained(**changes: object) -> bytes:
        description = Description(
            algorithm=algorithm,
            hyperparameters={**small, **changes},
            environment="InvertedPendulum-v5",
            steps=400,
            back_end="envpool",
        )
        (result,) = train(description, (0,), ())
        return b"".join(result.policy[name].tobytes() for name in sorted(result.policy))

    def without_effect(names: Iterable[str]) -> set[str]:
        changed = {
            name: EXTREME.get(name, type(value)(value / 2))
            for name in names
            if isinstance(value := small[name], int | float)
        }
        return {name for name, value in changed.items() if trained(**{name: value}) == before}

    before = trained()
    searched = {dimension.field for dimension in search_space(algorithm)}
    # TRPO's line search accepts its first step here.
    assert without_effect(searched) <= {"backtrack_factor", "backtrack_steps"}
    needing = (name for name, other, _ in NEEDED if {name, other} <= small.keys())
    left_out = {*UNREAD.get(algorithm, ()), *needing} - searched
    assert without_effect(left_out) == left_out


@given(value=st.floats(0.0025, 0.04))
def test_a_fraction_is_what_a_person_would_write(value: float) -> None:
    discount = by_field()["discount"].value(value)
    assert isinstance(discount, float)
    assert len(repr(discount)) <= len("0.99999")
    assert abs((1 - discount) - value) <= 0.005 * value
