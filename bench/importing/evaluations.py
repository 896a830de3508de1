"""Stable-Baselines3's evaluations.npz: every so many steps, the returns of n episodes.

Arrays: timesteps [T]; results [T, n], returns; ep_lengths [T, n], if it is there. Source:
stable_baselines3/common/callbacks.py, EvalCallback.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from bench.errors import InputError
from bench.importing.curve import Curve

EVALUATION: Final = "episodes of Stable-Baselines3's EvalCallback, played between training"


def read_evaluations(path: Path, name: str) -> Curve:
    """The curve of a seed: n rows at each of T steps. Nothing is unpickled.

    Raises:
        InputError: the file is none, holds pickled objects, or its curve can't be used.
    """
    content = path.read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            found = {key: arrays[key] for key in arrays.files}
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise InputError(f"{name}: it can't be read as .npz: {error}") from error
        raise InputError(
            f"{name}: it holds pickled Python objects, which are not opened; "
            "save timesteps and results as arrays of numbers"
        ) from error
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{name}: it is torn or no .npz: {error}") from error
    for key in ("timesteps", "results"):
        if key not in found:
            raise InputError(
                f"{name}: an evaluations.npz holds timesteps and results, this one "
                f"{', '.join(found) or 'nothing'}"
            )
        if found[key].dtype.kind not in "iuf":
            raise InputError(f"{name}: {key} holds {found[key].dtype}, not numbers")
    steps, results = found["timesteps"], found["results"]
    if results.ndim == 1:
        results = results[:, None]
    if steps.ndim != 1 or results.ndim != 2 or len(steps) != len(results):
        raise InputError(
            f"{name}: timesteps {list(steps.shape)} and results {list(results.shape)} don't fit; "
            "they are [T] and [T, n]"
        )
    if steps.dtype.kind == "f" and not (steps == np.floor(steps)).all():
        raise InputError(f"{name}: timesteps must be whole numbers")
    length = found.get("ep_lengths", np.zeros(results.shape, dtype=np.int64))
    if length.shape != found["results"].shape or length.dtype.kind not in "iu":
        raise InputError(
            f"{name}: ep_lengths {list(length.shape)} of {length.dtype} don't fit the results"
        )
    return Curve(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        kind="evaluations.npz",
        evaluation=EVALUATION,
        step=np.repeat(steps.astype(np.int64), results.shape[1]),
        returns=results.astype(np.float64).ravel(),
        length=length.astype(np.int64).ravel(),
        seconds=np.full(results.size, np.nan),
    )
