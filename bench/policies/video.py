"""Write pictures as a video that plays at the environment's own speed."""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import imageio_ffmpeg
import numpy as np

from bench.errors import InputError

if TYPE_CHECKING:
    from bench.policies.playback import Picture

RATES: Final = {".mp4": 60.0, ".gif": 25.0}
"""File suffix -> most frames per second; programs that show GIFs slow faster ones down."""
_MULTIPLE: Final = {".mp4": 2, ".gif": 1}
"""File suffix -> divisor of widths and heights; the usual colour encoding needs even ones."""
_ENCODING: Final[dict[str, dict[str, Any]]] = {
    ".mp4": {},
    # A palette computed from these pictures, instead of a generic one.
    ".gif": {
        "codec": "gif",
        "pix_fmt_out": "pal8",
        "quality": None,
        "output_params": ["-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse"],
    },
}


class Video:
    """A video file that appears under its name only when it is complete, by `save`.

    Args:
        path: the file; its suffix is a key of `RATES`.
        steps_a_second: the environment's steps per second; one picture is due every `every` steps.

    Attributes:
        seconds: duration; known after `save`.
    """

    def __init__(self, path: Path, steps_a_second: float) -> None:
        self.path = path
        self._kind = path.suffix.lower()
        self.every = math.ceil(steps_a_second / RATES[self._kind])
        self.rate = steps_a_second / self.every
        self.seconds = 0.0
        self._pictures = 0
        self._shape: tuple[int, ...] = ()
        self._part = path.with_name(f".{uuid.uuid4().hex}-{path.name}")
        self._encoder: Generator[None, Picture | None, None] | None = None

    def add(self, picture: Picture) -> None:
        """Append the next picture.

        Raises:
            InputError: it differs in size from the first, is too small, or can't be written.
        """
        multiple = _MULTIPLE[self._kind]
        height, width = (size // multiple * multiple for size in picture.shape[:2])
        if self._encoder is None:
            if not height * width:
                raise self._refused(f"its pictures are {_size(picture.shape)} pixels, too small")
            self._shape = picture.shape
            self._encoder = self._opened(width, height)
        if picture.shape != self._shape:
            sizes = f"from {_size(self._shape)} to {_size(picture.shape)} pixels"
            raise self._refused(f"its pictures change their size, {sizes}")
        try:
            self._encoder.send(np.ascontiguousarray(picture[:height, :width]))
        except OSError as error:
            raise self._refused(_STOPPED) from error
        self._pictures += 1

    def save(self) -> None:
        """Finish the file, read it back and move it into place.

        Raises:
            InputError: it can't be written, or not all of it can be read back.
        """
        assert self._encoder is not None
        self._encoder.close()  # doesn't report whether the encoder succeeded
        try:
            count, self.seconds = imageio_ffmpeg.count_frames_and_secs(self._part)
        except RuntimeError as error:
            raise self._refused(_STOPPED) from error
        if count != self._pictures:
            raise self._refused(f"{count} of {self._pictures} pictures can be read back")
        try:
            os.replace(self._part, self.path)
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from error

    def close(self) -> None:
        """Delete the temporary file of a video that was not saved."""
        if self._encoder is not None:
            self._encoder.close()
        with suppress(OSError):  # where there is nothing, or no folder for it
            self._part.unlink()

    def _opened(self, width: int, height: int) -> Generator[None, Picture | None, None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._part.touch()
            encoder: Generator[None, Picture | None, None] = imageio_ffmpeg.write_frames(
                self._part,
                (width, height),
                fps=self.rate,
                macro_block_size=1,
                ffmpeg_log_level="quiet",
                **_ENCODING[self._kind],
            )
            encoder.send(None)
        except (OSError, RuntimeError) as error:  # the latter where there is no encoder
            raise self._refused(getattr(error, "strerror", None) or str(error)) from error
        return encoder

    def _refused(self, reason: str) -> InputError:
        return InputError(f"cannot write {str(self.path)!r}: {reason}")


_STOPPED: Final = "the encoder stopped half-way, as where a disk is full or a file may not grow"


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} × {shape[1]}"
