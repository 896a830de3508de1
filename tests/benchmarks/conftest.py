"""Which packages are measured, and what is too large to be made more than once.

Imports of the project are made where they are used: in a comparison of two commits, a name that
one of them lacks must cost the benchmarks that need it, and no others.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bench.store import View


def pytest_report_header() -> list[str]:
    """`compare.py` reads these lines: they say whose code is measured."""
    names = ("algorithms", "ablations", "bench")
    return [f"measured package {name}: {importlib.import_module(name).__file__}" for name in names]


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with a million episodes."""
    from tests.benchmarks.million_episodes import plan_rows, runs, write

    folder = tmp_path_factory.mktemp("million") / "results"
    write(folder, runs(), plan_rows())
    return folder


@pytest.fixture(scope="session")
def view(stored: Path) -> View:
    """What is read of them."""
    from bench.store import load
    from tests.benchmarks.million_episodes import ABLATION

    return load(ABLATION, stored)
