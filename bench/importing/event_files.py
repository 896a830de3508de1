"""TensorBoard's event files: the points of one scalar.

A file is a sequence of records: length [8 bytes], its checksum [4], data, their checksum [4]. The
data are an Event in protocol-buffer form. Written by TensorFlow 1 and torch a scalar is a
`simple_value`, by TensorFlow 2 a tensor without axes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.errors import InputError
from bench.importing.curve import Curve

TAG: Final = "rollout/ep_rew_mean"
"""What is read where nothing else is asked for: Stable-Baselines3's mean of 100 episodes."""

_HEAD: Final = struct.Struct("<QI")
_CHECKSUM: Final = struct.Struct("<I")


def read_event_file(path: Path, name: str, tag: str | None) -> Curve:
    """The curve of a seed: a row a point of the scalar.

    A file that ends within a record, as that of a killed training does, is read as far as it goes.

    Args:
        path: of the file; name: what to call it.
        tag: of the scalar; None: TAG.

    Raises:
        InputError: the file is none or damaged, has no such tag, or its curve can't be used.
    """
    wanted = TAG if tag is None else tag
    content = path.read_bytes()
    step: list[int] = []
    returns: list[float] = []
    times: list[float] = []
    tags: dict[str, None] = {}
    first = np.nan
    remarks: tuple[str, ...] = ()
    for event in _events(content, name):
        if event is None:
            remarks = ("its file ends within a record",)
            break
        first = event.wall_time if np.isnan(first) else first
        for value in event.summary.value:
            number = _scalar(value)
            if number is None:
                continue
            tags[value.tag] = None
            if value.tag == wanted:
                step.append(event.step)
                returns.append(number)
                times.append(event.wall_time)
    if wanted not in tags:
        listed = ", ".join(sorted(tags)) or "none"
        raise InputError(f"{name}: it has no scalar {wanted!r}; name one with --tag: {listed}")
    return Curve(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        kind="event file",
        evaluation=f"points of {wanted} in TensorBoard's event files",
        step=np.array(step, dtype=np.int64),
        returns=np.array(returns),
        length=np.zeros(len(step), dtype=np.int64),
        seconds=np.array(times) - first,
        started=datetime.fromtimestamp(first, UTC),
        remarks=remarks,
    )


def is_event_file(content: bytes) -> bool:
    """Whether a file that begins like this is one."""
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    if len(content) < _HEAD.size:
        return False
    _, checksum = _HEAD.unpack_from(content)
    return bool(masked_crc32c(content[:8]) == checksum)


def _events(content: bytes, name: str) -> Iterator[Any]:
    """Every event; None in place of one that is cut off."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    place = 0
    while place < len(content):
        if place + _HEAD.size > len(content):
            yield None
            return
        length, checksum = _HEAD.unpack_from(content, place)
        if masked_crc32c(content[place : place + 8]) != checksum:
            raise InputError(f"{name}: it is damaged at byte {place:,}")
        start = place + _HEAD.size
        place = start + length + _CHECKSUM.size
        if place > len(content):
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
    """The number of a summary's value; None where it is none."""
    from tensorboard.util.tensor_util import make_ndarray

    if value.HasField("simple_value"):
        return float(value.simple_value)
    if value.HasField("tensor") and not value.tensor.tensor_shape.dim:
        found = make_ndarray(value.tensor)
        if found.dtype.kind in "iuf":
            return float(found)
    return None
