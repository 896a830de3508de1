"""Small runs and plans to store, and what may happen to a store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from stored_example import NOON, Example, Killing, PlanRows

from bench.store import Store


@pytest.fixture
def example() -> type[Example]:
    return Example


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "local")


@pytest.fixture
def plan_rows() -> PlanRows:
    """Rows of a plan: variants x environments, the description of each cell by its place."""

    def rows(
        ablation: str = "baseline",
        variants: tuple[str, ...] = ("none", "mean"),
        environments: tuple[str, ...] = ("Hopper-v5",),
        **changes: object,
    ) -> list[dict[str, object]]:
        return [
            {
                "ablation": ablation,
                "title": "Baseline",
                "question": "What does it buy?",
                "created": NOON,
                "control": variants[0],
                "variant": variant,
                "variant_title": variant.title(),
                "variant_order": place,
                "environment": environment,
                "environment_order": order,
                "description": f"d{place + order * len(variants)}",
                "budget": 1000,
                "algorithm": "baseline",
                "differs": "{}",
                "metadata": "{}",
                **changes,
            }
            for order, environment in enumerate(environments)
            for place, variant in enumerate(variants)
        ]

    return rows


class Killed(BaseException):
    """The process ends here: nothing after it runs."""


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Killing:
    """A context in which the process is killed at a move; clean-up does not run either."""

    @contextmanager
    def after(moves: int) -> Iterator[None]:
        remaining = iter(range(moves))
        move = os.replace

        def replace(source: Path, target: Path) -> None:
            if next(remaining, None) is None:
                raise Killed
            move(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace)
            patch.setattr(shutil, "rmtree", lambda *_, **__: None)
            with pytest.raises(Killed):
                yield

    return after


@pytest.fixture
def flip_bit() -> Callable[[Path], None]:
    """Flip one bit of a file's returns, of which its footer shows nothing."""

    def flip(path: Path) -> None:
        column = pq.read_metadata(path).row_group(0).column(2)
        content = bytearray(path.read_bytes())
        content[column.data_page_offset + column.total_compressed_size // 2] ^= 1
        path.write_bytes(content)

    return flip
