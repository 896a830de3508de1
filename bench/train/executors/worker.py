"""Train one group by its description, on one thread, in whichever process."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from bench.plan.back_ends import back_end
from bench.train.events import Group, Row
from bench.train.executors.global_generators import GlobalGenerators
from bench.train.rehearsal import rehearse
from bench.train.results import Observer, RunResult, spaced

REPORT_EVERY = 0.2
"""Least number of seconds between two reports of progress."""
THREADS = 1
WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": str(THREADS),
    "MKL_NUM_THREADS": str(THREADS),
    "OPENBLAS_NUM_THREADS": str(THREADS),
    "NUMEXPR_NUM_THREADS": str(THREADS),
    "VECLIB_MAXIMUM_THREADS": str(THREADS),
}
"""Environment variables of a process that trains, set before it imports anything."""


def train_group(
    group: Group,
    train: str | None,
    checkpoint: Path | None,
    report: Observer,
    *,
    alone: bool = True,
) -> tuple[Literal["done", "failed"], Any]:
    """Train a group to its end, with the process's global random generators seeded by its seeds.

    Args:
        group: what to train.
        train: "module:attribute" of the training function; None: the
            trainer of the description's back end.
        checkpoint: a file from which the group resumes, and to which it saves its state.
        report: called after a batch, but not again within REPORT_EVERY.
        alone: whether nothing else trains in this process. Groups that share one draw nothing from
            its global generators, which are then not seeded.

    Returns:
        "done" and row -> `RunResult`, or "failed" and the reason in one line.

    Raises:
        BrokenPipeError: the process to report to has ended.
    """
    description, observers = group.description, [spaced(report, REPORT_EVERY)]
    try:
        default = f"{back_end(description.back_end).trainer}:train"
        module, _, name = (train or default).partition(":")
        function = getattr(importlib.import_module(module), name)
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(THREADS)
        if train is None:
            rehearse(description)
        resumed = {} if checkpoint is None else {"checkpoint": checkpoint}
        generators = GlobalGenerators(group.seeds) if alone else None
        with _made_on(description.device):
            task: Any = description
            if len(group.descriptions) > 1:
                task = [row.description for row in group.rows]
            results = function(task, group.seeds, observers, **resumed)
        remark = generators.remark() if generators else None
        return "done", {
            row: _remarked(result, remark) for row, result in by_row(group, results).items()
        }
    except BrokenPipeError:
        raise
    # An environment may call sys.exit, for example if it finds no licence.
    except (Exception, SystemExit) as error:
        return "failed", last_line(error)


def by_row(group: Group, results: Sequence[RunResult]) -> dict[Row, RunResult]:
    """Return row -> result; a trainer orders results by row, or gives one description's by seed."""
    if len(group.descriptions) > 1:
        return dict(zip(group.rows, results, strict=True))
    return {Row(group.description, result.seed): result for result in results}


def _remarked(result: RunResult, remark: str | None) -> RunResult:
    if remark is None:
        return result
    return replace(result, reason="; ".join(filter(None, (result.reason, remark))))


def last_line(error: BaseException) -> str:
    """Return type, message and place of an error in one line."""
    lines = "".join(traceback.format_exception_only(error)).splitlines()
    text = "; ".join(filter(None, map(str.strip, lines)))
    frames = traceback.extract_tb(error.__traceback__)
    location = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return text[:500] + location


def _made_on(device: str) -> AbstractContextManager[object]:
    """Make the device the default one for tensors that an algorithm creates."""
    if device == "cpu":
        return nullcontext()
    import torch

    return torch.device(device)
