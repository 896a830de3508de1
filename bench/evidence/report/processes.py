"""Share work with other processes, which import what they need while this one does."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from bench.child import Child

Mapped = Callable[..., Iterator[Any]]
"""`map`, or the same by several processes."""


@contextmanager
def mapping(processes: int, module: str) -> Iterator[Mapped]:
    """Yield a function that works like `map` but begins at once, in this many processes.

    This process is one of them. It begins at the beginning and the others at the end, until they
    meet. The others end with the block.

    Args:
        module: what the others import at their start.
    """
    helpers = processes - 1
    if not helpers:
        yield map
        return
    children: list[Child] = []
    idle: SimpleQueue[Child] = SimpleQueue()
    # A thread for each of the others: an item that no thread has begun can be taken back.
    threads = ThreadPoolExecutor(helpers)

    def remote(function: Callable[..., Any], *arguments: Any) -> Any:
        child = idle.get()
        try:
            child.connection.send((function, arguments))
            result, error = child.connection.recv()
        except (EOFError, OSError):
            raise RuntimeError("a process that helped was killed") from None
        finally:
            idle.put(child)
        if error is not None:
            raise error
        return result

    def mapped(function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        calls = list(zip(*iterables, strict=False))
        futures = [threads.submit(remote, function, *arguments) for arguments in reversed(calls)]
        return (
            function(*arguments) if future.cancel() else future.result()
            for arguments, future in zip(calls, reversed(futures), strict=True)
        )

    try:
        for _ in range(helpers):
            children.append(Child(_help, module, variables={}))
            idle.put(children[-1])
        yield mapped
    finally:
        for child in children:
            child.end()
        threads.shutdown(cancel_futures=True)


def _help(pipe: Connection, module: str) -> None:
    """Answer (function, arguments) by (result, error), until the pipe closes."""
    importlib.import_module(module)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        answer: tuple[Any, Exception | None]
        try:
            answer = function(*arguments), None
        except Exception as error:
            answer = None, error
        pipe.send(answer)
