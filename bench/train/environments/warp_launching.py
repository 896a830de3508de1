"""MuJoCo Warp and its language, on torch's tensors; or a line that says how to install them."""

# Warp's kernels and structs have types of their own.
# mypy: ignore-errors

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from bench.errors import InputError

try:
    import mujoco_warp
    import warp
except ImportError as missing:
    raise InputError(
        f"MuJoCo Warp can't be imported ({missing}); install the extra: pip install -e '.[warp]', "
        "or choose --device cpu"
    ) from missing

warp.config.log_level = warp.LOG_WARNING

S = TypeVar("S")

__all__ = ["filled", "launch", "mujoco_warp", "warp"]


def filled(struct: type[S], fields: Mapping[str, Any]) -> S:
    """Make a struct of Warp's from its fields; a tensor's memory is shared, not copied."""
    instance = struct()
    for name, value in fields.items():
        setattr(instance, name, _shared(value))
    return instance


def launch(
    kernel: Any, size: int | tuple[int, ...], arguments: list[Any], device: torch.device
) -> None:
    """Launch in torch's current stream, so that torch can record it in a CUDA graph."""
    warp.init()  # `warp.from_torch` needs it
    stream = None
    if device.type == "cuda":
        stream = warp.stream_from_torch(torch.cuda.current_stream(device))
    inputs = [_shared(argument) for argument in arguments]
    warp.launch(kernel, size, inputs=inputs, device=str(device), stream=stream)


def _shared(value: Any) -> Any:
    """Return a tensor as an array of Warp's on the same memory, and anything else as it is."""
    return warp.from_torch(value) if isinstance(value, Tensor) else value
