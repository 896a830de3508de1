"""TensorBoard's event files: the points of one scalar.

A file is a sequence of records: length [8 bytes], its checksum [4], data, their checksum [4]. The
data are an Event in protocol-buffer form. Written by TensorFlow 1 and torch a scalar is a
`simple_value`, by TensorFlow 2 a tensor without axes. A program that is started again begins
another file in the same folder.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.errors import InputError
from bench.importing import points
from bench.importing.curve import Curve
from bench.importing.producers import best_tag, kind_of_name
from bench.importing.quoting import listed, quoted

_HEAD: Final = struct.Struct("<QI")
_CHECKSUM: Final = struct.Struct("<I")


@dataclass
class _Scalars:
    """The scalars of one file: tag -> one row [step, number, s since 1970] per point."""

    start: float = np.inf  # s since 1970
    points: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def read_event_files(paths: Sequence[Path], name: str, tag: str | None) -> Curve:
    """Return the curve of a seed, with one row per point of the scalar.

    A file that ends within a record, as that of a killed training does, is read as far as it goes.

    Args:
        paths: the files of a run.
        name: the files' name in messages.
        tag: tag of the scalar; None: the one that is known to hold returns.

    Raises:
        InputError: a file is damaged, there is no such tag, or the curve can't be used.
    """
    contents = [path.read_bytes() for path in paths]
    files = [
        _scalars(content, str(path) if len(paths) > 1 else name)
        for content, path in zip(contents, paths, strict=True)
    ]
    files.sort(key=lambda file: file.start)
    tags = sorted({scalar for file in files for scalar in file.points})
    chosen = best_tag(tags) if tag is None else tag
    if chosen not in tags:
        missing = "known to hold returns" if tag is None else quoted(tag)
        raise InputError(f"{name}: it has no scalar {missing}; name one with --tag: {listed(tags)}")
    assert chosen is not None
    chosen_files = [file for file in files if chosen in file.points]
    remarks = [remark for file in files for remark in file.remarks]
    if len(chosen_files) > 1:
        remarks.append(f"{len(chosen_files)} event files: read as sessions in the order of time")
    rows = np.array([row for file in chosen_files for row in file.points[chosen]], dtype=np.float64)
    start = chosen_files[0].start
    return points.curve(
        points.table_of(rows[:, 0], rows[:, 1], seconds=rows[:, 2] - start),
        name=name,
        remarks=remarks,
        sha256=hashlib.sha256(b"".join(contents)).hexdigest(),
        format="event file",
        kind=kind_of_name(chosen),
        detail=f"points of {chosen} in TensorBoard's event files",
        started=points.utc_time(start),
    )


def is_event_file(content: bytes) -> bool:
    """Whether a file with this beginning is an event file."""
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    if len(content) < _HEAD.size:
        return False
    _, checksum = _HEAD.unpack_from(content)
    return bool(masked_crc32c(content[:8]) == checksum)


def _scalars(content: bytes, name: str) -> _Scalars:
    scalars = _Scalars()
    for event in _events(content, name):
        if event is None:
            scalars.remarks = ("its file ends within a record",)
            break
        time = event.wall_time if math.isfinite(event.wall_time) else math.nan
        scalars.start = float(np.fmin(scalars.start, time))
        for value in event.summary.value:
            number = _scalar(value)
            if number is not None:
                row = (event.step, number, time)
                scalars.points.setdefault(value.tag, []).append(row)
    return scalars


def _events(content: bytes, name: str) -> Iterator[Any]:
    """Yield every event, with None in place of one that is cut off."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    position = 0
    while position < len(content):
        if position + _HEAD.size > len(content):
            yield None
            return
        length, checksum = _HEAD.unpack_from(content, position)
        if masked_crc32c(content[position : position + 8]) != checksum:
            raise InputError(f"{name}: it is damaged at byte {position:,}")
        start = position + _HEAD.size
        position = start + length + _CHECKSUM.size
        if position > len(content):
            yield None
            return
        data = content[start : start + length]
        if masked_crc32c(data) != _CHECKSUM.unpack_from(content, start + length)[0]:
            raise InputError(f"{name}: it is damaged at byte {start:,}")
        try:
            yield Event.FromString(data)
        except DecodeError as error:
            raise InputError(f"{name}: it is damaged at byte {start:,}") from error


def _scalar(value: Any) -> float | None:
    """Return the number of a summary's value; None if it is no number."""
    from tensorboard.util.tensor_util import make_ndarray

    if value.HasField("simple_value"):
        return float(value.simple_value)
    if value.HasField("tensor") and not value.tensor.tensor_shape.dim:
        try:
            array = make_ndarray(value.tensor)
        except (TypeError, ValueError):  # a tensor of a type that NumPy lacks
            return None
        if array.dtype.kind in "iuf":
            return float(array)
    return None
