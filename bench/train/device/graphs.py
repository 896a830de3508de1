"""CUDA graphs: work that is recorded once and then launched whole, without Python."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

WARM_UP = 2
"""Plain calls before a recording, in which libraries and caches set themselves up."""


class Recorded:
    """A function of no arguments that works in place, as a CUDA graph.

    On a CPU, or if not `enabled`, it is called plainly. On CUDA the function may not read a value
    on the host, nor depend on anything but memory that stays in place.
    """

    def __init__(self, function: Callable[[], None], *, enabled: bool) -> None:
        self._function = function
        self._enabled = enabled
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        if self._graph is not None:
            self._graph.replay()
            return
        self._calls += 1
        if not self._enabled or self._calls <= WARM_UP:
            self._function()
            return
        recorder = Recorder()
        with recorder.recording() as graph:
            self._function()
        # Recording runs nothing.
        graph.replay()
        self._graph = graph


class Recorder:
    """Records graphs that share one memory pool, because they never run at the same time."""

    def __init__(self) -> None:
        self._pool: Any = None

    @contextmanager
    def recording(self) -> Iterator[torch.cuda.CUDAGraph]:
        """Record the kernels launched inside as the graph, without running them.

        `torch.cuda.graph` would collect garbage and empty the allocator's cache first, which
        takes too long to do once per update.
        """
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        graph = torch.cuda.CUDAGraph()
        collecting = gc.isenabled()
        # Garbage-collecting an old graph in between would end the recording.
        gc.disable()
        graph.capture_begin(pool=self._pool)
        try:
            yield graph
        finally:
            graph.capture_end()
            if collecting:
                gc.enable()


@contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """Use a new CUDA stream, because the default one can't be recorded; do nothing on a CPU."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)
