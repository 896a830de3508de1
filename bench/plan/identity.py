"""The identity of a run: the canonical description, and the names hashed from it.

A run is one seed of one description. Every setting of a run is in the description, with every
default written out; how the run came about (machine, versions, commit, how seeds were grouped) is
provenance, stored beside it and never hashed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

EVALUATION = "training episodes: sampled actions, raw rewards"


@dataclass(frozen=True, kw_only=True)
class Description:
    """All settings of a run except its seed.

    Attributes:
        algorithm: a name of `algorithms.ALGORITHMS`.
        hyperparameters: all of the algorithm's, defaults included, each of its declared type.
        environment: environment id.
        steps: budget [environment steps per seed].
        back_end: name of the back end that steps the environment (`bench.plan.back_ends`).
        device: what the networks are on, "cpu" or "cuda".
        evaluation: how the stored returns are obtained.
        time_limit: steps after which an episode is truncated; None: the environment's own.
        as_before: hyperparameter declared after runs were stored -> the value that acts as the code
            did before. At this value it is left out of the name, so that those runs keep theirs.
    """

    algorithm: str
    hyperparameters: Mapping[str, Any] = field(hash=False)
    environment: str
    steps: int
    back_end: str
    device: str = "cpu"
    evaluation: str = EVALUATION
    time_limit: int | None = None
    as_before: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hyperparameters", dict(sorted(self.hyperparameters.items())))

    def canonical(self) -> str:
        """Return the description as one line of JSON in which every value carries its type.

        A hyperparameter whose value is that of `as_before` is left out.

        Equal descriptions give equal text, different ones different text: keys are sorted, floats
        written by `repr`, infinities as "float:inf". A time limit that isn't given is left out, so
        that runs made before there was one keep their names.

        Raises:
            TypeError: a value is none of None, bool, int, float, str or a tuple of these.
            ValueError: a value is NaN.
        """
        values = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        if self.time_limit is None:
            del values["time_limit"]
        before = {name: _typed(value) for name, value in values.pop("as_before").items()}
        typed = {name: _typed(value) for name, value in self.hyperparameters.items()}
        values["hyperparameters"] = {
            name: value for name, value in typed.items() if before.get(name) != value
        }
        return json.dumps(
            {
                name: value if isinstance(value, dict) else _typed(value)
                for name, value in values.items()
            },
            sort_keys=True,
            separators=(",", ":"),
        )

    @classmethod
    def from_canonical(cls, text: str) -> Description:
        """Parse a text of `canonical`; hyperparameters that it leaves out are missing.

        Raises:
            ValueError: the text is not canonical.
        """
        try:
            parsed = json.loads(text)
            values = {name: _untyped(value) for name, value in parsed["hyperparameters"].items()}
            other_values = {
                name: _untyped(value) for name, value in parsed.items() if name != "hyperparameters"
            }
            description = cls(hyperparameters=values, as_before={}, **other_values)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"no canonical description: {text!r}") from error
        if description.canonical() != text:
            raise ValueError(f"no canonical description: {text!r}")
        return description

    def completed(self, as_before: Mapping[str, Any]) -> Description:
        """Return this description with the hyperparameters declared since; its name is the same."""
        values = {**as_before, **self.hyperparameters}
        return replace(self, hyperparameters=values, as_before=as_before)

    @cached_property
    def identifier(self) -> str:
        """16 hexadecimal digits that name this description."""
        return _name(self.canonical())

    def run(self, seed: int) -> str:
        """16 hexadecimal digits that name the run of `seed`."""
        return _name(f"{self.canonical()} seed:{int(seed)}")


def plain_json(values: Mapping[str, object]) -> str:
    """Hyperparameters as JSON for people and tables: sorted, infinities as "inf" and "-inf"."""
    return json.dumps(
        {name: plain(value) for name, value in values.items()},
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
    )


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _typed(value: object) -> object:
    match value:
        case None:
            return "none"
        case bool():
            return f"bool:{str(value).lower()}"
        case int():
            return f"int:{int(value)}"
        case float():
            if math.isnan(value):
                raise ValueError("a description can't hold NaN, which equals nothing")
            return f"float:{float(value)!r}"
        case str():
            return f"str:{value}"
        case tuple() | list():
            return [_typed(element) for element in value]
    raise TypeError(f"a description can't hold {value!r} of type {type(value).__name__}")


def _untyped(value: Any) -> Any:
    """Return the value that `_typed` wrote as `value`."""
    if isinstance(value, list):
        return tuple(map(_untyped, value))
    kind, _, text = value.partition(":")
    return _READERS[kind](text)


_READERS: dict[str, Callable[[str], object]] = {
    "none": lambda text: None,
    "bool": lambda text: text == "true",
    "int": int,
    "float": float,
    "str": str,
}


def plain(value: object) -> object:
    """A value as standard JSON has it: infinities as text, tuples as lists."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(float(value))
    if isinstance(value, tuple | list):
        return [plain(element) for element in value]
    return value
