"""The command line as a process: its streams, Ctrl-C at any moment, and a closed pipe."""

from __future__ import annotations

import io
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes, as a shell reports a process that SIGINT or SIGTERM has ended."""


def run() -> int:
    """Run the command of this process; returns its exit code.

    Nothing of the project is imported before this is called, as imports take seconds, in which
    Ctrl-C must not print a traceback.
    """
    signal.signal(signal.SIGINT, interrupt)
    for stream in (sys.stdout, sys.stderr):
        # A character that the encoding lacks is shown as its number.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if (message := _hiding_error()) is not None:
        print("error:", message, file=sys.stderr)
        return 2
    try:
        from bench.cli.app import main

        code = main()
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        # At exit Python would try again to write what is left in the buffer, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            print("error:", error, file=sys.stderr)
        return 1
    return code


def _hiding_error() -> str | None:
    """Return an error message if a user's own folder or file hides a package of the suite."""
    root = Path(__file__).parents[2]
    for name in ("ablations", "algorithms"):
        spec = find_spec(name)
        origins = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
        origin = next(filter(None, origins), name)
        if root not in Path(origin).parents:
            return f"{origin} hides the suite's own {name!r}: rename it or work in another folder"
    return None


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt; during an import, which may swallow or print it, exit instead.

    During imports nothing has begun that needs an orderly end.
    """
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            os._exit(INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt
