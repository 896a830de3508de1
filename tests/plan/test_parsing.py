"""What users type, and what they are told when it is not understood."""

from __future__ import annotations

import math
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import InputError
from bench.plan.parsing import coerce, parse, parse_seeds, parse_settings, parse_steps
from bench.seed_ranges import seed_ranges


@settings(deadline=None)
@given(st.sets(st.integers(0, 200), min_size=1))
def test_seeds_survive_being_written_as_ranges(seeds: set[int]) -> None:
    assert parse_seeds(seed_ranges(seeds)) == tuple(sorted(seeds))


def test_seeds_in_any_order_and_spacing() -> None:
    assert parse_seeds(" 7, 0-2,1 ,5 - 6") == (0, 1, 2, 5, 6, 7)


@pytest.mark.parametrize(
    "text", ["", "x", "1,", "3-1", "-1", "0-", "1.5", "0-99999999999", "²", "٣"]
)
def test_seeds_not_understood(text: str) -> None:
    with pytest.raises(InputError, match="seeds"):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("text", "steps"),
    [("1e6", 10**6), ("200_000", 200_000), ("200k", 200_000), ("1.5M", 1_500_000), ("7", 7)],
)
def test_steps(text: str, steps: int) -> None:
    assert parse_steps(text) == steps


@pytest.mark.parametrize("text", ["", "0", "-5", "1.5", "inf", "nan", "k", "10 steps", "1e400"])
def test_steps_not_understood(text: str) -> None:
    with pytest.raises(InputError, match="steps"):
        parse_steps(text)


def test_settings() -> None:
    assert parse_settings(["a=1", "b = x=y "]) == {"a": "1", "b": "x=y"}


@pytest.mark.parametrize("texts", [["a"], ["=1"], ["a="], ["a=1", "a=2"]])
def test_settings_not_understood(texts: list[str]) -> None:
    with pytest.raises(InputError, match=r"'a|=1|a='"):
        parse_settings(texts)


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("3", int, 3),
        ("1e3", int, 1000),
        ("3", float, 3.0),
        ("-inf", float, -math.inf),
        ("-0", float, 0.0),
        ("True", bool, True),
        ("off", bool, False),
        ("none", str, "none"),
        ("none", float | None, None),
        ("0.5", float | None, 0.5),
        ("3", int | str, 3),
        ("x", int | str, "x"),
        ("64,32", tuple[int, ...], (64, 32)),
        ("(64,)", tuple[int, ...], (64,)),
        ("b", Literal["a", "b"], "b"),
        ("2", Literal[1, 2], 2),
    ],
)
def test_values_of_declared_types(text: str, annotation: Any, value: object) -> None:
    parsed = parse(text, annotation)
    assert repr(parsed) == repr(value)


@pytest.mark.parametrize(
    ("text", "annotation", "allowed"),
    [
        ("3.5", int, "a whole number"),
        ("nan", float, "a number"),
        ("1", bool, "true or false"),
        ("x", float | None, "none or a number"),
        ("64,x", tuple[int, ...], "a whole number"),
        ("c", Literal["a", "b"], "a, b"),
    ],
)
def test_values_not_understood_name_what_is_allowed(
    text: str, annotation: Any, allowed: str
) -> None:
    with pytest.raises(ValueError, match="llowed") as caught:
        parse(text, annotation)
    assert allowed in str(caught.value)


@pytest.mark.parametrize(
    ("value", "annotation", "coerced"),
    [
        (1, float, 1.0),
        (-0.0, float, 0.0),
        ([64, 64], tuple[int, ...], (64, 64)),
        (1, int | float, 1),
        (1.0, int | float, 1.0),
        (None, int | None, None),
        (True, bool, True),
        ("a", Literal["a", "b"], "a"),
    ],
)
def test_python_values_become_the_declared_type(
    value: object, annotation: Any, coerced: object
) -> None:
    assert repr(coerce(value, annotation)) == repr(coerced)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1.0, int),
        (True, int),
        (True, float),
        (1, bool),
        (1, str),
        (math.nan, float),
        ("1", int),
        ((1.5,), tuple[int, ...]),
        ("c", Literal["a"]),
        (10**400, float),
        pytest.param(10**5000, int, id="of 5001 digits"),
        (2**63, int),
        ("\ud800", str),
        ({}, dict),
    ],
)
def test_python_values_of_other_types_are_refused(value: object, annotation: Any) -> None:
    with pytest.raises(ValueError, match="allowed"):
        coerce(value, annotation)
