"""Share work with other processes, which import what they need while this one does."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

Mapped = Callable[..., Iterator[Any]]
"""`map`, or the same by several processes."""


@contextmanager
def mapping(processes: int, module: str) -> Iterator[Mapped]:
    """Yield a function that works like `map` but begins at once, in this many processes.

    This process is one of them. It begins at the beginning and the others at the end, until they
    meet.

    Args:
        module: what the others import at their start.
    """
    others = processes - 1
    if not others:
        yield map
        return
    # Spawned, never forked: pyarrow has threads.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(others, context, _begin)
    threads = ThreadPoolExecutor(others)

    def there(function: Callable[..., Any], *arguments: Any) -> Any:
        # The pool is given no more than it does at once: what it has can't be taken back.
        return pool.submit(function, *arguments).result()

    def mapped(function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        given = list(zip(*iterables, strict=False))
        begun = [threads.submit(there, function, *each) for each in reversed(given)]
        return (
            function(*arguments) if future.cancel() else future.result()
            for arguments, future in zip(given, reversed(begun), strict=True)
        )

    for _ in range(others):
        pool.submit(_import, module)
    try:
        yield mapped
    except BaseException:
        for each in multiprocessing.active_children():
            each.terminate()
        raise
    finally:
        threads.shutdown(cancel_futures=True)
        pool.shutdown()


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it silently
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent ends in a way that doesn't shut the pool down."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _import(module: str) -> None:
    importlib.import_module(module)
