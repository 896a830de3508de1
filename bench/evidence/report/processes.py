"""Share work with other processes, which import what they need while this one does."""

from __future__ import annotations

import importlib
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
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
    ending = (signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends them silently
    with (
        ProcessPoolExecutor(others, context, signal.signal, ending) as pool,
        ThreadPoolExecutor(others) as threads,
    ):

        def there(function: Callable[..., Any], *arguments: Any) -> Any:
            # The pool is given no more than it does at once: what it has can't be taken back.
            return pool.submit(function, *arguments).result()

        def mapped(function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
            given = list(zip(*iterables, strict=False))
            begun = [threads.submit(there, function, *each) for each in reversed(given)]
            return _results(function, given, begun[::-1])

        for _ in range(others):
            pool.submit(_import, module)
        yield mapped


def _import(module: str) -> None:
    importlib.import_module(module)


def _results(
    function: Callable[..., Any], given: list[tuple[Any, ...]], begun: list[Future[Any]]
) -> Iterator[Any]:
    try:
        for arguments, future in zip(given, begun, strict=True):
            yield function(*arguments) if future.cancel() else future.result()
    finally:
        for future in begun:
            future.cancel()
