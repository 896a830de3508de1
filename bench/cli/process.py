"""The command line as a process: its streams, Ctrl-C at any moment, and a reader that has gone."""

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
"""Exit codes, as a shell tells of a process that SIGINT or SIGTERM has ended."""


def run() -> int:
    """Run the command of this process; returns its exit code.

    Nothing of the project is imported before this is called, as imports take seconds: Ctrl-C must
    not show where in them it came.
    """
    signal.signal(signal.SIGINT, interrupt)
    for stream in (sys.stdout, sys.stderr):
        # Of an encoding that lacks a letter, the letter's number is shown.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if (hidden := _hidden()) is not None:
        print("error:", hidden, file=sys.stderr)
        return 2
    try:
        from bench.cli.app import main

        code = main()
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        # What is left in the buffer would be tried again at the end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            print("error:", error, file=sys.stderr)
        return 1
    return code


def _hidden() -> str | None:
    """A line where a folder or file of the user's own is imported in place of the suite's."""
    root = Path(__file__).parents[2]
    for name in ("ablations", "algorithms"):
        found = find_spec(name)
        places = [found.origin, *(found.submodule_search_locations or ())] if found else []
        place = next(filter(None, places), name)
        if root not in Path(place).parents:
            return f"{place} hides the suite's own {name!r}: rename it or work in another folder"
    return None


def interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C raises, save while a module is imported, where some would be swallowed or printed.

    There nothing is begun that has to be ended.
    """
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            os._exit(INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt
