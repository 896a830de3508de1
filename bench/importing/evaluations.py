"""Stable-Baselines3's evaluations.npz: the returns of n episodes at regular intervals of steps.

Arrays: timesteps [T]; results [T, n], returns; ep_lengths [T, n], if it is there. Source:
stable_baselines3/common/callbacks.py, EvalCallback.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import InputError
from bench.importing import points
from bench.importing.curve import Curve
from bench.importing.quoting import listed, quoted
from bench.kinds import EVALUATIONS

_NEEDED = ("timesteps", "results")


def read_evaluations(path: Path, name: str) -> Curve:
    """Return the curve of a seed: n rows at each of T steps. Nothing is unpickled.

    Raises:
        InputError: the file is no .npz, holds pickled objects, or its curve can't be used.
    """
    content = path.read_bytes()
    arrays = _arrays(content, name)
    steps, results = arrays["timesteps"], arrays["results"]
    shape = list(results.shape)
    if results.ndim == 1:
        results = results[:, None]
    if steps.ndim != 1 or results.ndim != 2 or len(steps) != len(results):
        raise InputError(
            f"{name}: timesteps {list(steps.shape)} and results {shape} don't fit; "
            "they are [T] and [T, n]"
        )
    length = arrays.get("ep_lengths", np.zeros(shape))
    if list(length.shape) != shape:
        raise InputError(f"{name}: ep_lengths {list(length.shape)} don't fit the results {shape}")
    return points.curve(
        points.table_of(np.repeat(steps, results.shape[1]), results.ravel(), length.ravel()),
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        format="evaluations.npz",
        kind=EVALUATIONS,
        detail="episodes of Stable-Baselines3's EvalCallback, played between training",
    )


def _arrays(content: bytes, name: str) -> dict[str, Any]:
    """Return the arrays that are needed, as float64.

    Raises:
        InputError: one is missing, or holds something else than numbers.
    """
    arrays = {}
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            names = list(archive.files)
            for key in {*_NEEDED, "ep_lengths"} & set(names):
                arrays[key] = archive[key]
    except Exception as error:  # zipfile and NumPy may raise anything on a damaged file
        if "allow_pickle" not in str(error):
            raise InputError(f"{name}: it is torn or no .npz: {quoted(error)}") from error
        raise InputError(
            f"{name}: it holds pickled Python objects, which are not opened; "
            "save timesteps and results as arrays of numbers"
        ) from error
    for key in _NEEDED:
        if key not in arrays:
            raise InputError(
                f"{name}: an evaluations.npz holds timesteps and results, this one {listed(names)}"
            )
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
            raise InputError(f"{name}: {key} holds something else than numbers")
    return {key: array.astype(np.float64) for key, array in arrays.items()}
