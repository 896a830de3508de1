"""Pictures written as a video, at the speed of the world in them."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.errors import InputError

if TYPE_CHECKING:
    from bench.policies.playback import Picture

RATES: Final = {".mp4": 60.0, ".gif": 25.0}
"""Ending of a file -> most pictures a second; programs that show GIFs slow faster ones down."""


class Video:
    """A file that appears under its name whole, when it is saved.

    Args:
        path: its ending says what is written.
        steps_a_second: of the world; pictures are due `every` so many steps.

    Raises:
        InputError: it can't be written.
    """

    def __init__(self, path: Path, steps_a_second: float) -> None:
        self.path = path
        self.every = math.ceil(steps_a_second / RATES[path.suffix.lower()])
        self.rate = steps_a_second / self.every
        self._pictures = 0
        self._part = path.with_name(f".{os.getpid()}-{path.name}")
        self._writer: Any = None

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self._pictures / self.rate

    def add(self, picture: Picture) -> None:
        """The next picture."""
        # The usual encoding of colours takes even sizes only.
        height, width = (size // 2 * 2 for size in picture.shape[:2])
        try:
            if self._writer is None:
                self._writer = self._opened()
            self._writer.append_data(picture[:height, :width])
        except OSError as error:
            raise self._refused(error) from error
        self._pictures += 1

    def save(self) -> None:
        """Write it to the end and move it into place."""
        try:
            self._writer.close()
            os.replace(self._part, self.path)
        except OSError as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Leave nothing behind of a video that was not saved."""
        if self._part.exists():
            self._writer.close()
            self._part.unlink()

    def _opened(self) -> Any:
        import imageio.v2 as imageio

        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._part.touch()
        if self.path.suffix.lower() == ".gif":
            return imageio.get_writer(self._part, duration=1000 / self.rate, loop=0)
        return imageio.get_writer(self._part, fps=self.rate, macro_block_size=2)

    def _refused(self, error: OSError) -> InputError:
        return InputError(f"cannot write {str(self.path)!r}: {error.strerror or error}")
