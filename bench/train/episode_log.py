"""The finished episodes of a seed, however many they are, in bounded memory."""

from __future__ import annotations

import tempfile
import weakref
from typing import IO

import numpy as np

HELD = 16_384
"""Episodes that a log holds in memory [28 bytes each]; earlier ones are in a temporary file."""
ROW = np.dtype(
    [("step", np.int64), ("return", np.float64), ("length", np.int32), ("seconds", np.float64)]
)


class EpisodeLog:
    """Rows of the table `episodes`, in the order in which the episodes ended.

    The temporary file has no name, so that nothing is left behind however the process ends.

    Args:
        held: largest number of rows in memory.

    Attributes:
        last_return: return of the last episode, None before the first.
    """

    def __init__(self, held: int = HELD) -> None:
        self._rows = np.empty(held, ROW)
        self._count = 0
        self._file: IO[bytes] | None = None
        self.last_return: float | None = None

    def append(self, step: int, episode_return: float, length: int, seconds: float) -> None:
        """Add an episode.

        Raises:
            OSError: there is no room for the temporary file.
        """
        if self._count == len(self._rows):
            self._spill()
        self._rows[self._count] = step, episode_return, length, seconds
        self._count += 1
        self.last_return = episode_return

    def columns(self) -> dict[str, np.ndarray]:
        """Return all episodes: step int64, return float64, length int32, seconds float64, each [E].

        If there is a temporary file, it is memory-mapped, not read.

        Raises:
            OSError: there is no room for the temporary file.
        """
        rows = self._rows[: self._count].copy()
        if self._file is not None:
            self._spill()
            rows = np.memmap(self._file, ROW, mode="r")
        assert ROW.names is not None
        return {name: np.asarray(rows[name]) for name in ROW.names}

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="episodes-")  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        self._file.write(self._rows[: self._count].tobytes())
        self._file.flush()
        self._count = 0
