"""Programs of one process that take turns, each a thread with its own CUDA stream.

One thread runs at a time and hands over after it has launched something: the device works on the
launches of all of them side by side, and no library has to be thread-safe.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_local = threading.local()


class Turns:
    """A queue of threads: the first of them runs, the others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._row: deque[threading.Semaphore] = deque()

    @contextmanager
    def taking_part(self) -> Iterator[None]:
        """Let this thread run only in its turns inside the `with`; `pass_on` ends a turn."""
        semaphore = threading.Semaphore(0)
        with self._lock:
            self._row.append(semaphore)
            is_first = len(self._row) == 1
        if not is_first:
            semaphore.acquire()
        _local.turn = self, semaphore
        try:
            yield
        finally:
            del _local.turn
            with self._lock:
                self._row.remove(semaphore)
                successor = self._row[0] if self._row else None
            if successor is not None:
                successor.release()

    def _hand_over(self, semaphore: threading.Semaphore) -> None:
        with self._lock:
            if len(self._row) == 1:
                return
            self._row.rotate(-1)
            successor = self._row[0]
        successor.release()
        semaphore.acquire()


def pass_on() -> None:
    """Let the next program run; do nothing if this thread takes no turns."""
    turn: tuple[Turns, threading.Semaphore] | None = getattr(_local, "turn", None)
    if turn is not None:
        turn[0]._hand_over(turn[1])


def pass_on_until_done(device: torch.device) -> None:
    """Let other threads run until the device has finished what this thread has launched.

    Call it before reading a value on the host, which would otherwise block all other threads too.
    """
    pass_on()
    if device.type != "cuda" or not hasattr(_local, "turn"):
        return
    event = torch.cuda.Event()
    event.record(torch.cuda.current_stream(device))
    while not event.query():
        pass_on()
