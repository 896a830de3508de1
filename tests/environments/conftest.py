"""Settings of the environment tests."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

# Box2D's extension module warns while it is imported, and crashes where warnings are errors.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import gymnasium.envs.box2d  # noqa: F401


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MuJoCo writes its log into the working directory; let that be a temporary one."""
    monkeypatch.chdir(tmp_path)
