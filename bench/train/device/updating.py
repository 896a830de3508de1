"""An algorithm's update on a device: recorded as a whole if it reads no value on the host."""

from __future__ import annotations

from typing import Any

from algorithms.algorithm import Algorithm
from algorithms.batch import Batch, Diagnostics
from bench.train.device.graphs import Recorded
from bench.train.device.learner import DeviceLearner
from bench.train.device.turns import pass_on_until_done


class RecordedUpdate:
    """The update of one learner; if it is recorded, its batches must always use the same memory.

    Args:
        record: whether it may be recorded, on CUDA.
    """

    def __init__(
        self, algorithm: Algorithm[Any], learner: DeviceLearner[Any], *, record: bool
    ) -> None:
        self._algorithm = algorithm
        self._learner = learner
        self._batch: Batch | None = None
        self._diagnostics: Diagnostics = {}
        enabled = record and learner.device.type == "cuda" and algorithm.recordable_update
        self._recorded = Recorded(self._update, enabled=enabled)

    def __call__(self, batch: Batch) -> Diagnostics:
        """Learn from the batch; the returned diagnostics are valid until the next call."""
        self._batch = batch
        self._learner.settle()
        self._recorded()
        pass_on_until_done(self._learner.device)
        return self._diagnostics

    def _update(self) -> None:
        assert self._batch is not None
        self._diagnostics = self._algorithm.update(self._learner, self._batch)
        self._learner.settle()
