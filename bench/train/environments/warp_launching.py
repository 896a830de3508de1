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


def filled(struct: type[S], tensors: Mapping[str, Tensor]) -> S:
    """Make a struct of Warp's whose fields are these tensors' memory."""
    made = struct()
    for name, tensor in tensors.items():
        setattr(made, name, warp.from_torch(tensor))
    return made


def launch(
    kernel: Any, size: int | tuple[int, ...], given: list[Any], device: torch.device
) -> None:
    """Launch in torch's current stream, so that torch can record it in a CUDA graph."""
    warp.init()  # `warp.from_torch` needs it
    stream = None
    if device.type == "cuda":
        stream = warp.stream_from_torch(torch.cuda.current_stream(device))
    arrays = [warp.from_torch(each) if isinstance(each, Tensor) else each for each in given]
    warp.launch(kernel, size, inputs=arrays, device=str(device), stream=stream)
