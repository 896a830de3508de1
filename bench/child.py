"""A Python process that runs one function, with a pipe to it.

Starting one never changes this process, not even for a moment: meanwhile other threads may pickle
objects of the main module, start processes and read os.environ. (multiprocessing's children take
the main module and the environment variables from the process itself, which has to change them.)
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
    """A process that leads its own process group, so that Ctrl-C in a terminal does not reach it.

    When this process ends, in whatever way, the child ends with all of its group.

    Args:
        function: function that the child can import and runs, with its end of the pipe.
        arguments: further arguments of the function.
        variables: environment variables in addition to those of this process.

    Attributes:
        connection: this process's end of the pipe.
    """

    def __init__(
        self, function: Callable[..., None], *arguments: Any, variables: Mapping[str, str]
    ) -> None:
        self.connection, child_end = multiprocessing.Pipe(duplex=True)
        # Nothing is ever sent through this pipe: it closes when this process ends.
        lifeline, self._lifeline = multiprocessing.Pipe(duplex=False)
        descriptors = child_end.fileno(), lifeline.fileno()
        path = [entry for entry in sys.path if isinstance(entry, str)]
        code = (
            f"import sys; sys.path[:] = {path!r}; "
            f"from {__name__} import run_child; run_child{descriptors}"
        )
        warnings = [f"-W{option}" for option in sys.warnoptions]
        self._process = subprocess.Popen(
            [sys.executable, *warnings, "-c", code],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **variables},
            pass_fds=descriptors,
            process_group=0,
        )
        # With these copies open, the pipe would not close when the child ends.
        child_end.close()
        lifeline.close()
        with suppress(OSError):  # it may be dead by now
            self.connection.send((function, arguments))

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while the child runs; −signal if a signal killed it."""
        return self._process.poll()

    def end(self, patience: float = 0.0) -> None:
        """Kill the process and its group, after `patience` seconds in which it may end itself."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        # The id stays the group's as long as one of its processes lives.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.connection.close()
        self._lifeline.close()


def run_child(connection: int, lifeline: int) -> None:
    """Run the child: receive the function, call it, and end with all of the group.

    Args:
        connection, lifeline: file descriptors of the child's ends of the pipes.
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
    """End this process and all of its group, such as processes that environments have started."""
    os.killpg(0, signal.SIGKILL)
