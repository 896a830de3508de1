"""Check that the JSON metadata of a plan has the types of values that readers rely on."""

from __future__ import annotations

from collections.abc import Mapping

from bench.store.parquet import UnreadableError

TEXTS = ("title", "equation", "source", "page", "options")
LISTS: dict[str, type] = {"held_out": int, "mechanism": str, "seeds": int}


def check_metadata(metadata: Mapping[str, object]) -> None:
    """Raise UnreadableError for a value of another type than a plan's writer gives it."""
    for name in TEXTS:
        if not isinstance(metadata.get(name, ""), str):
            raise _unusable(name, metadata[name])
    for name, kind in LISTS.items():
        values = metadata.get(name, [])
        if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
            raise _unusable(name, metadata[name])


def _unusable(name: str, value: object) -> UnreadableError:
    reason = f"can't be used: column 'metadata' has {name} = {str(value)[:60]!r}"
    return UnreadableError(reason, intact=True)
