"""A trained store, changed: as other machines and other code would have left it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.store import SCHEMAS, Store, parquet
from bench.store.content import Content, by_run, row_of


def contents(folder: Path) -> dict[str, Content]:
    """Run -> its rows."""
    store = Store(folder)
    return by_run(store.read(store.committed().values()))


def runs_of(store: Path, algorithm: str) -> list[str]:
    """In the order of seeds."""
    runs = Store(store).runs().sort_values("seed")
    return runs.loc[runs["algorithm"] == algorithm, "run"].tolist()


def change(
    folder: Path,
    run: str,
    change_episode: Callable[[dict[str, Any]], None] | None = None,
    **columns: object,
) -> None:
    """Change columns of a run's row, and with `change_episode` each of its episodes."""
    store, content = Store(folder), contents(folder)[run]
    episodes = content["episodes"].to_pylist()
    for episode in episodes if change_episode else ():
        change_episode(episode)
    tables = {
        **content,
        "runs": parquet.from_rows(SCHEMAS["runs"], [{**row_of(content), **columns}]),
        "episodes": parquet.from_rows(SCHEMAS["episodes"], episodes),
    }
    assert store.adopt_run(run, tables, store.policy_path(run).read_bytes())
