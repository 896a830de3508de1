"""All hyperparameters in which a variant differs from the one that it is compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.evidence.results import Results


@dataclass(frozen=True, kw_only=True)
class Differences:
    """How two variants differ, name by name; values as text."""

    changed: tuple[tuple[str, str, str], ...]  # both have it: name, this variant's value, other's
    added: tuple[str, ...]  # only this variant has it: name and value
    gone: tuple[str, ...]  # only the other has it

    @property
    def text(self) -> str:
        """The differences in one line: "slots 8 (16); only here: epochs 10; only there: …"."""
        parts = [f"{name} {value} ({other})" for name, value, other in self.changed]
        for where, names in (("only here", self.added), ("only there", self.gone)):
            parts += [f"{where}: {', '.join(names)}"] if names else []
        return "; ".join(parts)


def hyperparameters(results: Results) -> dict[str, dict[str, str]]:
    """Every variant's hyperparameters as its runs were trained with: variant -> name -> value."""
    return {
        str(row.variant): {
            name: value_text(value) for name, value in json.loads(str(row.hyperparameters)).items()
        }
        for row in results.runs.drop_duplicates("variant").itertuples()
    }


def reference_of(results: Results, variant: str) -> str:
    """The variant that this one is compared with: its verdicts' reference, else the control."""
    references = (verdict.reference for verdict in results.verdicts if verdict.variant == variant)
    return next(references, results.control)


def differences(values: Mapping[str, str], other: Mapping[str, str]) -> Differences:
    """How two sets of hyperparameters differ.

    Args:
        values: of the variant, name -> value.
        other: of the one that it is compared with.
    """
    return Differences(
        changed=tuple(
            (name, value, other[name])
            for name, value in values.items()
            if other.get(name, value) != value
        ),
        added=tuple(f"{name} {value}" for name, value in values.items() if name not in other),
        gone=tuple(f"{name} {value}" for name, value in other.items() if name not in values),
    )


def value_text(value: Any) -> str:
    """A hyperparameter's value as text for the reader."""
    if isinstance(value, list):
        return " × ".join(map(str, value))
    return "∞" if value == "inf" else str(value).lower() if isinstance(value, bool) else str(value)
