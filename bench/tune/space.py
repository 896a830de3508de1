"""Where to search: ranges that follow from how hyperparameters are declared.

A declaration says what is allowed (most often "above 0"), which is too much to search. Its default
was chosen by somebody, so it has the right order of magnitude. Hence

* a positive number is searched a factor of 4 to either side of its default, on a log scale;
* a fraction of one that is above a half (γ, λ), by its distance from 1 in the same way;
* a whole number by a factor of 2, and where the default is a power of two by powers of two, so that
  sizes go on dividing one another;
* always within what the declaration allows.

A hyperparameter that is on or off, one of a few choices, 0 or infinite by default has no magnitude,
and is often an ablation's question rather than a search's: it keeps its default unless --search
names it. So does a penalty on exploiting the reward: by that reward the weakest penalty would win.
And so does one without effect: an algorithm's class inherits some that it never reads, and others
count only with a certain value of another hyperparameter.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from bench.errors import InputError, unknown
from bench.formatting import setting_text
from bench.plan.identity import plain
from bench.plan.lookup import load_algorithm
from bench.plan.parsing import checked, parse
from bench.plan.without_effect import without_effect

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

REAL_FACTOR = 4.0
WHOLE_FACTOR = 2
KEPT = ("reference_penalty",)
"""Hyperparameters that are searched only if --search names them."""
DIGITS = 3
"""Significant digits of a searched real value: what a person would write down."""

Scale = Literal["log", "linear", "distance from 1", "powers of 2", "choices"]


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One hyperparameter's range.

    Attributes:
        field, is_integer: the hyperparameter, and whether its values are integers.
        scale: how values are spread over the range.
        low, high: ends of the range, both included, in the hyperparameter's own unit.
        choices: instead of a range, each as a value of the declared type.
    """

    field: str
    scale: Scale
    low: float = math.nan
    high: float = math.nan
    is_integer: bool = False
    choices: tuple[object, ...] = ()

    @property
    def parameter(self) -> str:
        """The hyperparameter's name in Optuna."""
        return {"distance from 1": "1 - ", "powers of 2": "log2 "}.get(self.scale, "") + self.field

    def distribution(self) -> BaseDistribution:
        """Return the range as a distribution of Optuna's."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        match self.scale:
            case "choices":
                return CategoricalDistribution([setting_text(choice) for choice in self.choices])
            case "powers of 2":
                return IntDistribution(round(math.log2(self.low)), round(math.log2(self.high)))
            case "distance from 1":
                return FloatDistribution(_short(1 - self.high), _short(1 - self.low), log=True)
        if self.is_integer:
            return IntDistribution(int(self.low), int(self.high), log=self.scale == "log")
        return FloatDistribution(self.low, self.high, log=self.scale == "log")

    def value(self, suggested: Any) -> object:
        """Return the hyperparameter's value for a value of Optuna's."""
        match self.scale:
            case "choices":
                return {setting_text(choice): choice for choice in self.choices}[suggested]
            case "powers of 2":
                return 2 ** int(suggested)
            case "distance from 1":
                return round(1 - _short(suggested), 9)
        return int(suggested) if self.is_integer else _short(suggested)

    def suggestion(self, value: Any) -> Any:
        """Return Optuna's value for a value of the hyperparameter; the inverse of `value`."""
        match self.scale:
            case "choices":
                return setting_text(value)
            case "powers of 2":
                return round(math.log2(value))
            case "distance from 1":
                return _short(1 - value)
        return value

    def holds(self, value: object) -> bool:
        """Whether the range contains a value."""
        if self.scale == "choices":
            return value in self.choices
        assert isinstance(value, int | float)
        return self.low <= value <= self.high

    def stated(self) -> dict[str, object]:
        """Return the range as plain JSON."""
        if self.choices:
            return {"choices": [setting_text(choice) for choice in self.choices]}
        return {"scale": self.scale, "low": self.low, "high": self.high}

    @property
    def words(self) -> str:
        """The range for people."""
        if self.choices:
            return " | ".join(map(setting_text, self.choices))
        return f"{self.low:g} to {self.high:g}, {self.scale}"


def search_space(
    algorithm: str,
    *,
    searched: Sequence[str] = (),
    fixed: Mapping[str, object] = MappingProxyType({}),
) -> tuple[Dimension, ...]:
    """Return the ranges of an algorithm's hyperparameters, in the order of their declarations.

    Args:
        algorithm: its name or address.
        searched: "field", "field=low:high" or "field=a|b|c"; empty: all fields with a magnitude,
            except `KEPT` and those without effect.
        fixed: field -> its value, of fields that are not searched.

    Raises:
        InputError: a field or range isn't known or allowed, is asked for twice or is fixed as well;
            or nothing is left to search.
    """
    fields = {field.name: field for field in _fields(algorithm)}
    types = typing.get_type_hints(load_algorithm(algorithm).hyperparameters)
    dimensions: dict[str, Dimension] = {}
    for text in searched:
        name, equals, values = (part.strip() for part in text.partition("="))
        if name not in fields:
            raise unknown(f"field of {algorithm}", name, fields)
        if name in dimensions:
            raise InputError(f"field {name!r} is searched twice: name it once with --search")
        if name in fixed:
            raise InputError(f"field {name!r} is both set and searched: choose one of them")
        if equals:
            dimensions[name] = _parsed_range(fields[name], types[name], values)
            continue
        derived = _derived(fields[name]) or _choices(fields[name])
        if derived is None:
            raise InputError(
                f"field {name!r} has no range of its own, as its default is "
                f"{plain(fields[name].default)}: write --search {name}=LOW:HIGH or {name}=A|B"
            )
        dimensions[name] = derived
    if not searched:
        idle = without_effect(algorithm, {**defaults(algorithm), **fixed})
        excluded = {*fixed, *KEPT, *(name for name, _ in idle)}
        ranges = (_derived(field) for field in fields.values() if field.name not in excluded)
        dimensions = {dimension.field: dimension for dimension in ranges if dimension is not None}
    if not dimensions:
        raise InputError(
            f"{algorithm} has nothing to search: no hyperparameter of it has a magnitude"
            + (" that isn't set" if fixed else "")
        )
    return tuple(dimensions[name] for name in fields if name in dimensions)


def defaults(algorithm: str) -> dict[str, object]:
    """Return all hyperparameters of an algorithm at their defaults."""
    return {field.name: field.default for field in _fields(algorithm)}


def suggested(space: Sequence[Dimension], values: Mapping[str, Any]) -> dict[str, object]:
    """Convert Optuna's values of the space's parameters to hyperparameters."""
    return {dimension.field: dimension.value(values[dimension.parameter]) for dimension in space}


def _fields(algorithm: str) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(load_algorithm(algorithm).hyperparameters)


def _derived(field: dataclasses.Field[Any]) -> Dimension | None:
    """Return the range around a default that has a magnitude; None if there is none."""
    default, name = field.default, field.name
    if isinstance(default, bool) or not isinstance(default, int | float):
        return None
    if field.metadata.get("choices") is not None or not 0 < default < math.inf:
        return None
    least = field.metadata.get("low")
    most = field.metadata.get("high")
    low, high = least if least is not None else -math.inf, most if most is not None else math.inf
    if isinstance(default, int):
        first, last = max(default // WHOLE_FACTOR, low, 1), min(default * WHOLE_FACTOR, high)
        powers = all(math.log2(number).is_integer() for number in (first, default, last))
        scale: Scale = "powers of 2" if powers else "log"
        dimension = Dimension(field=name, scale=scale, low=first, high=last, is_integer=True)
    elif high == 1 and default > 0.5:
        if default == 1:
            return None
        near, far = (1 - default) / REAL_FACTOR, (1 - default) * REAL_FACTOR
        first, last = max(1 - far, low), 1 - near
        dimension = Dimension(
            field=name, scale="distance from 1", low=_short(first, 6), high=_short(last, 6)
        )
    else:
        first, last = max(default / REAL_FACTOR, low), min(default * REAL_FACTOR, high)
        dimension = Dimension(field=name, scale="log", low=_short(first), high=_short(last))
    return dimension if dimension.low < dimension.high else None


def _choices(field: dataclasses.Field[Any]) -> Dimension | None:
    """Return the choices of a field that declares some or is on or off; None for others."""
    choices = field.metadata.get("choices")
    if choices is None and isinstance(field.default, bool):
        choices = (False, True)
    if choices is None:
        return None
    return Dimension(field=field.name, scale="choices", choices=tuple(choices))


def _parsed_range(field: dataclasses.Field[Any], type_hint: Any, text: str) -> Dimension:
    """Return the range that the user gives."""
    if ":" not in text:
        choices = tuple(
            checked(field, type_hint, choice.strip(), parse) for choice in text.split("|")
        )
        if len(set(choices)) < 2:
            raise InputError(
                f"search of {field.name!r}: {text!r} leaves no choice; write it as LOW:HIGH or A|B"
            )
        return Dimension(field=field.name, scale="choices", choices=choices)
    low, _, high = text.partition(":")
    first, last = (checked(field, type_hint, end.strip(), parse) for end in (low, high))
    numbers = (first, last)
    if not all(isinstance(n, int | float) and math.isfinite(n) for n in numbers) or isinstance(
        field.default, bool
    ):
        raise InputError(
            f"search of {field.name!r}: {text!r} is no range of finite numbers; write it as "
            "LOW:HIGH, or choices as A|B"
        )
    assert isinstance(first, int | float)
    assert isinstance(last, int | float)
    if not first < last:
        raise InputError(f"search of {field.name!r}: {low} is not below {high}")
    is_integer = isinstance(first, int)
    return Dimension(
        field=field.name,
        scale="log" if first > 0 else "linear",
        low=first,
        high=last,
        is_integer=is_integer,
    )


def _short(value: float, digits: int = DIGITS) -> float:
    return float(f"{value:.{digits}g}")
