"""A user's package on the module path, as if it had been installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Install = Callable[..., Path]

ALGORITHM = """
from dataclasses import replace

from algorithms.ladder.clipped_ppo import ALGORITHM as NEIGHBOUR
from {package}.losses import factor

ALGORITHM = replace(NEIGHBOUR, name="mine", title="Mine")
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a package with an algorithm and, if wanted, entry points where Python finds it.

    Files are given by their path within the package; `entry_points` by group, name and value.
    """
    names: list[str] = []

    def put(
        package: str,
        files: dict[str, str] | None = None,
        entry_points: dict[str, dict[str, str]] | None = None,
    ) -> Path:
        names.append(package)
        site = tmp_path / "site"
        written = {
            "__init__.py": "",
            "algorithm.py": ALGORITHM.format(package=package),
            "losses.py": "factor = 1\n",
            **(files or {}),
        }
        for name, text in written.items():
            path = site / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if entry_points is not None:
            information = site / f"{package}-1.0.dist-info"
            information.mkdir()
            (information / "METADATA").write_text(f"Name: {package}\nVersion: 1.0\n")
            groups = [
                "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())])
                for group, entries in entry_points.items()
            ]
            (information / "entry_points.txt").write_text("\n".join(groups))
        monkeypatch.syspath_prepend(site)
        return site / package

    yield put
    for module in list(sys.modules):
        if module.partition(".")[0] in names:
            del sys.modules[module]
