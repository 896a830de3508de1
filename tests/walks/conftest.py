"""How a user's commands are run: by the installed wheel's Python, or else by this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder and expects an exit code, 0 unless said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PPO_LADDER_RESULTS", raising=False)
    python = os.environ.get("WALK_WITH", sys.executable)

    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        answer = subprocess.run(
            [python, "-m", "bench", *arguments], capture_output=True, text=True, check=False
        )
        assert answer.returncode == code, answer.stdout + answer.stderr
        assert "Traceback" not in answer.stderr
        return answer

    return run
