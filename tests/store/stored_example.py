"""A small run as the trainer hands it over."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.store import Store

PlanRows = Callable[..., list[dict[str, object]]]
Killing = Callable[[int], AbstractContextManager[None]]

NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)


@dataclass(frozen=True, kw_only=True)
class Example:
    """A run with `count` episodes and updates; `changes` go into its row."""

    run: str = "aa"
    count: int = 5
    offset: float = 0.0
    changes: Mapping[str, object] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, object]:
        row: dict[str, object] = {
            "run": self.run,
            "description": "d0",
            "algorithm": "baseline",
            "environment": "Hopper-v5",
            "seed": 0,
            "budget": 1000,
            "hyperparameters": "{}",
            "canonical": "{}",
            "back_end": "envpool",
            "device": "cpu",
            "evaluation": "training",
            "status": "finished",
            "steps": 1000,
            "episodes": self.count,
            "updates": self.count,
            "seconds": 1.25,
            "group_size": 10,
            "threads": 1,
            "started": NOON,
            "digest": "0123",
            "versions": json.dumps({"torch": "2.13.0", "mujoco": "4.0.0"}),
            "machine": "{}",
        }
        return {**row, **self.changes}

    @property
    def episodes(self) -> dict[str, np.ndarray[Any, Any]]:
        number = np.arange(1, self.count + 1)
        return {
            "step": number * 20,
            "return": number / 4 + self.offset,  # exact in the bits that a store keeps
            "length": np.full(self.count, 20),
            "seconds": number * 0.25,
        }

    @property
    def updates(self) -> dict[str, np.ndarray[Any, Any]]:
        number = np.arange(1, self.count + 1)
        return {
            "update": number,
            "step": number * 50,
            "seconds": number * 0.5,
            "entropy": number * 0.125 + self.offset,
        }

    @property
    def policy(self) -> dict[str, np.ndarray[Any, Any]]:
        return {"weight": np.full((2, 3), self.offset, dtype=np.float32)}

    def write(self, store: Store) -> None:
        store.write_run(self.row, self.episodes, self.updates, self.policy)


def files(store: Store) -> dict[str, bytes]:
    """Path in the store's folder -> content, of its tables and policies."""
    return {
        str(path.relative_to(store.path)): path.read_bytes()
        for path in store.path.glob("*/*")
        if path.is_file()
    }
