"""Hold Ctrl-C back until a tuner's round is over: it would tear Optuna's bookkeeping."""

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
    """Hold back a Ctrl-C or SIGTERM until the given function is called or the block ends.

    A second one acts at once. Threads other than the main one get no signals to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    pending: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        pending.append(number)
        restore()

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def act() -> None:
        if pending:
            signal.raise_signal(pending.pop())

    handlers = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield act
    finally:
        restore()
    act()
