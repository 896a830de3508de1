"""What tests ask of processes that they start."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat")
        # An orphan that nobody waits for stays as a zombie in some containers.
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def until(condition: Callable[[], object], patience: float) -> None:
    """Wait until a function returns something true, `patience` seconds at most."""
    last = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < last, "it did not happen"
        time.sleep(0.1)
