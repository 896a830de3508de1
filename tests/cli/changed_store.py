"""A trained store, changed: as other machines and other code would have left it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.store import SCHEMAS, Store, parquet
from bench.store.content import Content, by_run, row_of


def contents(store: Path) -> dict[str, Content]:
    """Run -> its rows."""
    place = Store(store)
    return by_run(place.read(place.committed().values()))


def change(
    store: Path, run: str, episodes: Callable[[dict[str, Any]], None] | None = None, **row: object
) -> None:
    """Change columns of a run's row, and with `episodes` each of its episodes."""
    place, content = Store(store), contents(store)[run]
    rows = content["episodes"].to_pylist()
    for each in rows if episodes else ():
        episodes(each)
    tables = {
        **content,
        "runs": parquet.from_rows(SCHEMAS["runs"], [{**row_of(content), **row}]),
        "episodes": parquet.from_rows(SCHEMAS["episodes"], rows),
    }
    assert place.adopt_run(run, tables, place.policy_path(run).read_bytes())
