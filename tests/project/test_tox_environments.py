"""Each environment of tox runs every test of its mark, though it is told their folders."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MARKS = {
    "walks": "walks",
    "documents": "documents",
    "slow": "slow",
    "warp": "warp",
    "ray": "ray",
    "gpu": "gpu",
    "browser": "browser",
    "benchmark": "benchmarks",
}


@pytest.mark.parametrize(("environment", "mark"), MARKS.items())
def test_every_marked_file_is_in_its_environment(environment: str, mark: str) -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "tox.ini")
    words = settings[f"testenv:{environment}"]["commands"].replace("\\\n", " ").split()
    paths = [ROOT / word for word in words if word.startswith("tests/")]
    marked = re.compile(rf"\bmark\.{mark}\b")
    files = [file for file in (ROOT / "tests").rglob("*.py") if marked.search(file.read_text())]
    assert files and paths
    for file in files:
        assert any(file.is_relative_to(path) for path in paths), file
