"""Save and restore a group in the middle of its training, as one file of tensors.

The file is written beside its place and moved there, so that a kill at any moment leaves the last
checkpoint whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from bench.files import written_whole
from bench.train.device.learner import DeviceLearner
from bench.train.device.rollout import DeviceRollout
from bench.train.loop import Rows


def save(path: Path, learner: DeviceLearner[Any], rollout: DeviceRollout, rows: Rows) -> None:
    """Write the group's state, between two batches.

    Raises:
        OSError, safetensors.SafetensorError: it can't be written; the last checkpoint is whole.
    """
    learner.settle()
    # A tensor can have several names, and views can't be stored: each is written as a copy.
    tensors = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in {**learner.state, **rollout.state}.items()
    }
    for s, log in enumerate(rollout.episodes):
        for name, column in log.columns().items():
            tensors[f"episodes.{s}.{name}"] = torch.from_numpy(np.array(column))
    for s, seed_rows in enumerate(rows):
        for name in seed_rows[0] if seed_rows else ():
            column = np.array([row[name] for row in seed_rows], np.float64)
            tensors[f"updates.{s}.{name}"] = torch.from_numpy(column)
    header = {"updates": learner.updates, "seconds": rollout.seconds()}
    with written_whole(path) as part:
        save_file(tensors, part, metadata={"where": json.dumps(header)})


def restore(path: Path, learner: DeviceLearner[Any], rollout: DeviceRollout) -> Rows:
    """Load the saved state into a group that has just been made.

    Returns:
        the diagnostics up to the checkpoint.

    Raises:
        OSError, ValueError, safetensors.SafetensorError: the file can't be read, or is another
            group's.
    """
    with safe_open(path, framework="pt", device="cpu") as file:
        header = json.loads(file.metadata()["where"])
        # `file` is no mapping: it can't be iterated over.
        saved = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, value in saved.items():
        kind, _, memory_name = name.partition(".")
        if kind == "memory" and memory_name not in learner.memory:
            learner.memory[memory_name] = value.to(learner.device)
    state = {**learner.state, **rollout.state}
    missing = [
        name
        for name, tensor in state.items()
        if name not in saved or saved[name].shape != tensor.shape
    ]
    if missing:
        raise ValueError(f"{path} is of another group: it lacks its {', '.join(missing)}")
    for name, tensor in state.items():
        tensor.copy_(saved[name])
    learner.updates = header["updates"]
    rollout.began(header["seconds"])
    for s, log in enumerate(rollout.episodes):
        columns = (saved[f"episodes.{s}.{name}"].tolist() for name in log.columns())
        for episode in zip(*columns, strict=True):
            log.append(*episode)
    return [_rows(saved, s) for s in range(len(rollout.episodes))]


def _rows(saved: Mapping[str, torch.Tensor], seed: int) -> list[dict[str, float]]:
    prefix = f"updates.{seed}."
    names: Sequence[str] = [name for name in saved if name.startswith(prefix)]
    columns = (saved[name].tolist() for name in names)
    keys = [name.removeprefix(prefix) for name in names]
    return [dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)]
