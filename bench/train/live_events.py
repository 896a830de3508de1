"""Write TensorBoard event files during training: one folder per group of seeds."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from itertools import compress
from pathlib import Path
from typing import IO

import numpy as np

from bench.file_names import file_name
from bench.files import refused_as
from bench.train.events import Ended, Event, Group, Progressed
from bench.train.standing import Counter, GroupStanding


class LiveEvents:
    """Writes groups' progress, given the runner's events.

    Each group has a folder ENVIRONMENT/VARIANT/seeds_FIRST-LAST (with rows of several variants,
    VARIANT+VARIANT) with the scalars `episode/return`, the mean over its seeds of their last
    episodes, `update/…`, means over its seeds of the last update's diagnostics, and
    `speed/steps_per_second`. The step is the mean of the seeds' steps.

    Args:
        counter: counts groups' progress; it has to receive every event before this does.
        folder: TensorBoard's `--logdir`; made if it is missing.

    Raises:
        InputError: the folder can't be written to.
    """

    def __init__(self, counter: Counter, folder: Path) -> None:
        self._counter = counter
        self._folder = folder
        self._files: dict[Group, IO[bytes]] = {}
        self._steps: dict[Group, tuple[int, ...]] = {}
        with refused_as(f"cannot write into {str(folder)!r}"):
            folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, event: Event) -> None:
        """Write one event, unless it can't be written: training doesn't depend on it."""
        with suppress(OSError):
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case Progressed(group=group, progress=progress):
                speed = self._counter.flying[group].speed
                values = {"episode/return": progress.last_return, "speed/steps_per_second": speed}
                # A seed that has ended goes on reporting, zeros for the most part.
                before = self._steps.get(group, (0,) * len(progress.steps))
                pairs = zip(progress.steps, before, strict=True)
                active = [now > earlier for now, earlier in pairs]
                self._steps[group] = tuple(progress.steps)
                for name, seed_values in progress.diagnostics.items():
                    values_now = compress(seed_values, active)
                    finite = [value for value in values_now if math.isfinite(value)]
                    values[f"update/{name}"] = float(np.mean(finite)) if finite else None
                self._write(group, float(np.mean(progress.steps)), values)
            case Ended(group=group) if group in self._files:
                self._steps.pop(group, None)
                self._files.pop(group).close()

    def _write(self, group: Group, step: float, values: dict[str, float | None]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event as Record
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        now, records = time.time(), []
        if group not in self._files:
            self._files[group] = self._file(self._counter.flying[group], now)
            records.append(Record(wall_time=now, file_version="brain.Event:2"))
        numbers = {tag: value for tag, value in values.items() if value is not None}
        scalars = [Summary.Value(tag=tag, simple_value=value) for tag, value in numbers.items()]
        records.append(Record(wall_time=now, step=round(step), summary=Summary(value=scalars)))
        file = self._files[group]
        for record in records:
            RecordWriter(file).write(record.SerializeToString())
        file.flush()

    def _file(self, group: GroupStanding, now: float) -> IO[bytes]:
        seeds = f"seeds_{min(group.seeds)}-{max(group.seeds)}"
        variants = "+".join(names[0] for names in group.variants)
        folder = self._folder / file_name(group.environment) / file_name(variants) / seeds
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / f"events.out.tfevents.{now:.6f}").open("wb")
