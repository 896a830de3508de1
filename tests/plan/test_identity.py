"""Equal descriptions have equal names, different ones different names."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.plan.identity import Description, plain_json

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)
)
values = st.one_of(scalars, st.lists(scalars, max_size=3).map(tuple))
mappings = st.dictionaries(st.text(min_size=1, max_size=5), values, max_size=4)


def describe(hyperparameters: dict[str, Any] | None = None, **changes: Any) -> Description:
    fields: dict[str, Any] = {
        "algorithm": "clipped_ppo",
        "hyperparameters": hyperparameters or {},
        "environment": "Hopper-v5",
        "steps": 1000,
        "back_end": "envpool",
    }
    return Description(**{**fields, **changes})


def test_canonical_text_is_as_it_always_was() -> None:
    # Changing this text orphans every stored run.
    description = describe(
        {"clip": 0.2, "bound": math.inf, "epochs": 10, "fast": True, "name": "é", "none": None}
        | {"sizes": (64, 64)}
    )
    assert description.canonical() == (
        '{"algorithm":"str:clipped_ppo","back_end":"str:envpool","device":"str:cpu",'
        '"environment":"str:Hopper-v5",'
        '"evaluation":"str:training episodes: sampled actions, raw rewards",'
        '"hyperparameters":{"bound":"float:inf","clip":"float:0.2","epochs":"int:10",'
        '"fast":"bool:true","name":"str:\\u00e9","none":"none","sizes":["int:64","int:64"]},'
        '"steps":"int:1000"}'
    )
    assert description.identifier == "6986238b028516f5"
    assert description.run(0) == "2440762d1dc01350"


def test_a_time_limit_is_in_the_name_only_where_it_is_given() -> None:
    unlimited, limited = describe(), describe(time_limit=200)
    assert "time_limit" not in unlimited.canonical()
    assert '"time_limit":"int:200"' in limited.canonical()
    assert limited.identifier not in (unlimited.identifier, describe(time_limit=201).identifier)
    assert Description.from_canonical(limited.canonical()) == limited
    with pytest.raises(ValueError, match="no canonical description"):
        Description.from_canonical(unlimited.canonical().replace("{", '{"time_limit":"none",', 1))


@settings(deadline=None)
@given(mappings, mappings)
def test_names_are_equal_exactly_where_typed_values_are(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    def typed(value: Any) -> Any:
        return (type(value), list(map(typed, value)) if isinstance(value, tuple) else repr(value))

    same = {k: typed(v) for k, v in first.items()} == {k: typed(v) for k, v in second.items()}
    assert (describe(first).identifier == describe(second).identifier) == same


@pytest.mark.parametrize(
    ("value", "other_value"),
    [(1, 1.0), (1, True), ("inf", math.inf), (None, "none"), ("1", 1), ((1,), 1), ("int:1", 1)],
)
def test_values_of_different_types_differ(value: object, other_value: object) -> None:
    assert describe({"x": value}).identifier != describe({"x": other_value}).identifier


@settings(deadline=None)
@given(mappings, st.randoms())
def test_order_does_not_matter(hyperparameters: dict[str, Any], random: Any) -> None:
    items = list(hyperparameters.items())
    random.shuffle(items)
    assert describe(dict(items)).canonical() == describe(hyperparameters).canonical()


@settings(deadline=None)
@given(mappings)
def test_a_description_is_read_back_from_its_text(hyperparameters: dict[str, Any]) -> None:
    description = describe(hyperparameters, device="cuda")
    restored = Description.from_canonical(description.canonical())
    assert restored == description
    assert restored.canonical() == description.canonical()
    for name, value in hyperparameters.items():
        assert type(restored.hyperparameters[name]) is type(value)


def test_a_text_that_no_description_has_is_refused() -> None:
    text = describe({"epochs": 10, "sizes": (64, 64)}).canonical()
    for corrupted in (
        "",
        "[]",
        "{}",
        text[:-1],
        text.replace("int:10", "int:ten"),
        text.replace("int:10", "number:10"),
        text.replace('"int:10"', "10"),
        text.replace('"steps"', '"stages"'),
        text.replace('"int:10"', '"int:010"'),
        text.replace(",", ", "),
    ):
        assert corrupted != text
        with pytest.raises(ValueError, match="no canonical description"):
            Description.from_canonical(corrupted)


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "kl_ppo"},
        {"environment": "Walker2d-v5"},
        {"steps": 1001},
        {"back_end": "gymnasium"},
        {"device": "cuda"},
        {"evaluation": "other"},
        {"hyperparameters": {"x": 1}},
    ],
)
def test_everything_asked_for_is_in_the_name(changes: dict[str, Any]) -> None:
    assert describe(**changes).identifier != describe().identifier


def test_runs_have_names_of_their_own() -> None:
    names = {describe().run(seed) for seed in range(100)} | {describe().identifier}
    assert len(names) == 101
    assert all(len(name) == 16 and set(name) <= set("0123456789abcdef") for name in names)


def test_what_has_no_canonical_text_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        describe({"x": math.nan}).canonical()
    with pytest.raises(TypeError, match="dict"):
        describe({"x": {}}).canonical()


def test_a_description_travels_to_a_worker() -> None:
    description = describe({"bound": math.inf})
    copy = pickle.loads(pickle.dumps(description))
    assert copy == description
    assert hash(copy) == hash(description)


def test_plain_json_is_standard_json() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = plain_json({"b": math.inf, "a": (1, -math.inf), "c": None})
    assert json.loads(text, parse_constant=refuse) == {"a": [1, "-inf"], "b": "inf", "c": None}
    assert list(json.loads(text)) == ["a", "b", "c"]
