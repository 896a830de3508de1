"""A network's weights in a file named after their checksum.

So code that names the file, and the digest of that code, say which weights are meant.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from bench.errors import InputError

_NAME = "parameters"


def write(parameters: np.ndarray, folder: Path, name: str) -> Path:
    """Write float32 [P] to NAME.CHECKSUM.safetensors in a folder, and return the file's path."""
    content = save({_NAME: parameters})
    path = folder / f"{name}.{_checksum(content)}.safetensors"
    path.write_bytes(content)
    return path


def read(path: Path, size: int) -> np.ndarray:
    """Return the weights in a file that `write` has written, float32 [P].

    Args:
        path: the file.
        size: P, the number of the network's weights.

    Raises:
        InputError: there is no such file, its name doesn't hold its checksum, or it holds something
            else than `size` finite numbers in float32.
    """
    try:
        content = path.read_bytes()
        parameters = load(content)[_NAME]
    except (OSError, SafetensorError, KeyError) as error:
        raise InputError(f"reference: {path} holds no weights ({error})") from error
    if _checksum(content) not in path.name.split("."):
        raise InputError(f"reference: {path.name} holds other weights than its name says")
    if parameters.dtype != np.float32 or parameters.shape != (size,):
        raise InputError(
            f"reference: {path.name} holds {parameters.dtype} {parameters.shape}; "
            f"the network's weights are float32 ({size},)"
        )
    if not np.isfinite(parameters).all():
        raise InputError(f"reference: {path.name} holds numbers that are not finite")
    return parameters


def _checksum(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()
