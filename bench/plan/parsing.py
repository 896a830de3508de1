"""Convert what a user types, or writes into a variant, to values of declared types."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin

from bench.errors import InputError, unknown

MOST_SEEDS = 10_000
LARGEST_SEED = 2**63 - 1
"""The store keeps seeds in 64 bits, signed."""
_LONGEST_SHOWN = 100
_LARGEST_DIGITS = len(str(10 * LARGEST_SEED))
# Values that libraries and files can hold: integers of 64 bits, texts without lone surrogates.
_STORABLE: dict[Any, Callable[[Any], object]] = {
    int: lambda number: -(2**63) <= number < 2**63,
    str: lambda text: text == text.encode(errors="replace").decode(),
    bool: lambda _: True,
    type(None): lambda _: True,
}
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_MULTIPLES = {"k": 10**3, "m": 10**6}


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds like "0-9" or "0,3,5-7", sorted, each once.

    Raises:
        InputError: the text has another form, a range runs backwards, or a seed is too large.
    """
    return tuple(sorted(set(parse_seeds_in_order(text))))


def parse_seeds_in_order(text: str) -> tuple[int, ...]:
    """Seeds like "3,0-2" as they are written; raises as `parse_seeds` does."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        bounds = (first, last if dash else first)
        if not all(bound.strip().isdecimal() and bound.isascii() for bound in bounds):
            raise InputError(
                f"seeds {_shown(text, repr)} not understood; write them like 0-9 or 0,3,5-7"
            )
        if any(len(bound.strip().lstrip("0")) > _LARGEST_DIGITS for bound in bounds):
            raise InputError(
                f"seeds {_shown(text, repr)} are too large. Allowed: 0 to {LARGEST_SEED}"
            )
        low, high = map(int, bounds)
        if low > high:
            raise InputError(f"seeds {text!r}: the range {part.strip()} runs backwards")
        if high > LARGEST_SEED:
            raise InputError(f"seeds {text!r}: {high} is too large. Allowed: 0 to {LARGEST_SEED}")
        if high - low >= MOST_SEEDS:
            raise InputError(f"seeds {text!r}: {part.strip()} is more than {MOST_SEEDS} seeds")
        seeds += range(low, high + 1)
    return tuple(seeds)


def parse_steps(text: str) -> int:
    """A budget like "1e6", "200_000" or "200k" [environment steps].

    Raises:
        InputError: the text is no whole number of at least 1.
    """
    try:
        steps = _integer(text)
    except ValueError:
        steps = 0
    if steps < 1:
        raise InputError(f"steps {text!r} not understood; allowed: a whole number like 200k or 1e6")
    return steps


def parse_settings(texts: list[str]) -> dict[str, str]:
    """Split `field=value` texts into a mapping; values are parsed once a field's type is known.

    Raises:
        InputError: a text has no equals sign, or a field is set twice.
    """
    settings: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (equals and name and value):
            raise InputError(f"setting {text!r} not understood; write it as field=value")
        if name in settings:
            raise InputError(f"field {name!r} is set twice, to {settings[name]!r} and {value!r}")
        settings[name] = value
    return settings


def parse(text: str, annotation: Any) -> object:
    """Return `text` as a value of the annotated type.

    The type may be int, float, bool, str, None, Literal, a union or a tuple of these ("64,64").

    Raises:
        ValueError: the text stands for no such value; the message says what is allowed.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        for choice in arguments:
            if text == str(choice):
                return choice
        raise unknown("value", text, map(str, arguments))
    if origin in (Union, types.UnionType):
        for argument in sorted(arguments, key=_broad):
            with suppress(ValueError):
                return parse(text, argument)
        raise ValueError(f"allowed: {describe(annotation)}")
    if origin is tuple:
        inner = text.removeprefix("(").removesuffix(")")
        return coerce(
            [parse(part.strip(), arguments[0]) for part in inner.split(",") if part.strip()],
            annotation,
        )
    if annotation is str:
        return text
    parsers: dict[Any, Callable[[str], object]] = {
        int: _integer,
        float: lambda text: coerce(float(text), float),
        bool: lambda text: _BOOLEANS[text.lower()],
        type(None): lambda text: {"none": None}[text.lower()],
    }
    try:
        return parsers[annotation](text)
    except (ValueError, KeyError):
        raise ValueError(f"allowed: {describe(annotation)}") from None


def coerce(value: Any, annotation: Any) -> object:
    """Convert a value to the annotated type: 1 becomes 1.0 for a float, a list becomes a tuple.

    Raises:
        ValueError: it can't be converted; the message says what is allowed.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal and value in arguments:
        return arguments[arguments.index(value)]
    if origin in (Union, types.UnionType):
        # In an int | float, 1 stays an int: what it was written as.
        for argument in sorted(arguments, key=lambda kind: type(value) is not kind):
            with suppress(ValueError):
                return coerce(value, argument)
    elif origin is tuple and isinstance(value, tuple | list):
        return tuple(coerce(element, arguments[0]) for element in value)
    elif annotation is float and type(value) in (int, float):
        with suppress(OverflowError):
            # Zero has one spelling, or -0.0 would be a run of its own.
            number = float(value) + 0.0
            if not math.isnan(number):
                return number
    elif type(value) is annotation and annotation in _STORABLE and _STORABLE[annotation](value):
        return value
    raise ValueError(f"allowed: {describe(annotation)}")


def describe(annotation: Any) -> str:
    """What values of the annotated type look like, for an error message."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(map(str, arguments))
    if origin in (Union, types.UnionType):
        return " or ".join(describe(argument) for argument in sorted(arguments, key=_broad))
    if origin is tuple:
        return f"{describe(arguments[0])}, several with commas between them"
    return {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a text",
        type(None): "none",
    }.get(annotation, str(annotation))


def _broad(annotation: Any) -> int:
    """Sort key of types: those with fewer valid texts come first."""
    return {type(None): 0, bool: 1, int: 2, float: 3, str: 5}.get(annotation, 4)


def _integer(text: str) -> int:
    multiple = _MULTIPLES.get(text[-1:].lower(), 1)
    try:
        number = Decimal(text if multiple == 1 else text[:-1]) * multiple
        if number != number.to_integral_value() or abs(number) >= 2**63:
            raise ValueError(text)
    except ArithmeticError as error:
        raise ValueError(text) from error
    return int(number)


def _shown(value: object, write: Callable[[object], str] = str) -> str:
    """Return a user's value for an error message: its first characters, or else its type."""
    try:
        text = write(value)
    except Exception:
        return f"of type {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def checked(
    field: dataclasses.Field[object],
    kind: object,
    value: object,
    convert: Callable[[Any, object], object],
) -> object:
    """Convert a value to the field's type and check its range.

    Args:
        field: a hyperparameter's declaration; kind: its type.
        value: the user's value.
        convert: `parse` or `coerce`.

    Raises:
        InputError: the value isn't allowed; the message says what is.
    """
    low, high, choices = (field.metadata.get(key) for key in ("low", "high", "choices"))
    try:
        converted = convert(value, kind)
    except ValueError:
        if choices is not None:
            raise unknown(f"value of {field.name}", _shown(value), map(str, choices)) from None
        raise InputError(
            f"unknown value of {field.name} {_shown(value, repr)}. Allowed: {describe(kind)}"
        ) from None
    if choices is not None and converted not in choices:
        raise unknown(f"value of {field.name}", _shown(value), map(str, choices))
    for number in converted if isinstance(converted, tuple) else (converted,):
        outside = isinstance(number, int | float) and not (
            (low is None or number >= low) and (high is None or number <= high)
        )
        if outside:
            raise InputError(
                f"value {_shown(value, repr)} of {field.name} is out of range. Allowed: "
                f"{'any' if low is None else low} to {'any' if high is None else high}"
            )
    return converted
