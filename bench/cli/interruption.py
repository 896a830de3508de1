"""Ctrl-C and SIGTERM end a verb alike: it cleans up, says what is kept, and exits."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

from bench.cli.process import INTERRUPTED, TERMINATED

if TYPE_CHECKING:
    from types import FrameType


@contextmanager
def interruptible(*lines: str, keep: Callable[[], None] | None = None) -> Iterator[None]:
    """Print `lines` and exit with 130 after Ctrl-C in the block, with 143 after SIGTERM.

    Args:
        keep: called before the exit, to store and show what is there by then.
    """
    terminations: list[int] = []

    def terminate(number: int, frame: FrameType | None) -> NoReturn:
        # Recorded here, as the exception's class can't show it: Ray raises another in its place.
        terminations.append(number)
        raise KeyboardInterrupt

    sigterm_handler = signal.signal(signal.SIGTERM, terminate)
    # `process.interrupt` exits at once during imports, but the block may have lines to print.
    sigint_handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        print("\n" + "\n".join(lines), file=sys.stderr)
        if keep is not None:
            keep()
        raise typer.Exit(TERMINATED if terminations else INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGINT, sigint_handler)
        signal.signal(signal.SIGTERM, sigterm_handler)
