"""A Python process that runs one function, with a pipe to it.

Starting one changes nothing of this process, not for a moment: other threads may pickle what the
main module defines, start processes of their own and read os.environ meanwhile. (multiprocessing
takes both from the process itself: the main module to run again, and the environment variables.)
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any


class Child:
    """A process that leads a process group of its own, so that Ctrl-C in a terminal passes it by.

    When this process ends, however it does, the child ends with all of its group.

    Args:
        function: what it runs, of a module that it can import; called with its end of the pipe.
        arguments: further ones.
        variables: environment variables beside those of this process.

    Attributes:
        connection: this process's end of the pipe.
    """

    def __init__(
        self, function: Callable[..., None], *arguments: Any, variables: Mapping[str, str]
    ) -> None:
        self.connection, theirs = multiprocessing.Pipe(duplex=True)
        # Nothing is ever sent by this one: it ends with this process.
        lifeline, self._lifeline = multiprocessing.Pipe(duplex=False)
        files = theirs.fileno(), lifeline.fileno()
        path = [entry for entry in sys.path if isinstance(entry, str)]
        code = f"import sys; sys.path[:] = {path!r}; from {__name__} import live; live{files}"
        warnings = [f"-W{each}" for each in sys.warnoptions]
        self._process = subprocess.Popen(
            [sys.executable, *warnings, "-c", code],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **variables},
            pass_fds=files,
            process_group=0,
        )
        # With these copies open, the end of the child would not be the end of the pipe.
        theirs.close()
        lifeline.close()
        with suppress(OSError):  # it may be dead by now
            self.connection.send((function, arguments))

    @property
    def exit_code(self) -> int | None:
        """None while it is there; of a killed one the signal's number, negative."""
        return self._process.poll()

    def end(self, patience: float = 0.0) -> None:
        """Kill the process and its group, after `patience` seconds in which it may end itself."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        # The number is the group's as long as one of its processes lives.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.connection.close()
        self._lifeline.close()


def live(connection: int, lifeline: int) -> None:
    """A child's life.

    Args:
        connection, lifeline: file descriptors of its ends of the pipes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    pipe = Connection(connection)
    try:
        function, arguments = pipe.recv()
        function(pipe, *arguments)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # Returning would wait for the processes that environments have left behind.
    _end_group()


def _end_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)
    _end_group()


def _end_group() -> None:
    """End this process and all of its group: those that its environments have started."""
    os.killpg(0, signal.SIGKILL)
