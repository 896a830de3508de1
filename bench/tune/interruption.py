"""Ctrl-C between two rounds of a tuner: in the middle of Optuna's bookkeeping it would tear it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Ctrl-C and SIGTERM wait until what this gives is called, or to the end; a second one doesn't.

    Only a process's main thread hears of signals; in another there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    came: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        came.append(number)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def act() -> None:
        if came:
            signal.raise_signal(came.pop())

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield act
    finally:
        restore()
    act()
