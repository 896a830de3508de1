"""Ctrl-C and SIGTERM end a verb alike: it cleans up, says what is kept, and exits."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED, TERMINATED = 130, 143


class _Terminated(KeyboardInterrupt):
    """SIGTERM: ends a verb as Ctrl-C does."""


@contextmanager
def interruptible(*lines: str) -> Iterator[None]:
    """Exit with 130 after Ctrl-C and 143 after SIGTERM within, having told `lines`."""
    earlier = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except KeyboardInterrupt as interruption:
        print("\n" + "\n".join(lines), file=sys.stderr)
        terminated = isinstance(interruption, _Terminated)
        raise typer.Exit(TERMINATED if terminated else INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise _Terminated
