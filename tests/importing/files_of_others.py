"""Files as other programs write them, of curves that are known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

STARTED = 1_700_000_000.5


def monitor(
    path: Path,
    lengths: Sequence[float],
    returns: Sequence[float],
    *,
    environment: str | None = "Hopper-v5",
    started: float = STARTED,
    seconds: Sequence[float] | None = None,
) -> Path:
    """As stable_baselines3.common.monitor.Monitor does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = json.dumps({"t_start": started, "env_id": environment})
    times = seconds or [0.5 * (place + 1) for place in range(len(lengths))]
    rows = [f"{r},{length},{t}" for r, length, t in zip(returns, lengths, times, strict=True)]
    path.write_text("\n".join([f"#{header}", "r,l,t", *rows]) + "\n")
    return path


def evaluations(path: Path, **arrays: object) -> Path:
    """As stable_baselines3.common.callbacks.EvalCallback does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def event_file(
    path: Path,
    points: Mapping[str, Sequence[tuple[int, float]]],
    *,
    as_tensors: bool = False,
) -> Path:
    """As torch's SummaryWriter does, or with tensors as TensorFlow 2's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=STARTED, file_version="brain.Event:2").SerializeToString())
        for tag, values in points.items():
            for place, (step, number) in enumerate(values):
                value = Summary.Value(tag=tag)
                if as_tensors:
                    value.tensor.CopyFrom(make_tensor_proto(np.float32(number)))
                else:
                    value.simple_value = number
                event = Event(
                    wall_time=STARTED + place + 1, step=step, summary=Summary(value=[value])
                )
                writer.write(event.SerializeToString())
    return path


def table(path: Path, rows: Sequence[Sequence[object]], columns: str = "step,return") -> Path:
    """A CSV table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([columns, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def rising(path: Path, *, by: float = 1.0, number: int = 20, every: int = 50) -> Path:
    """A table of a curve that rises by so much at every point."""
    return table(path, [((place + 1) * every, by * (place + 1)) for place in range(number)])
