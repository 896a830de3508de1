"""Choose who trains: this machine's processes, or the nodes of a Ray cluster."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.errors import InputError, unknown

if TYPE_CHECKING:
    from bench.plan.identity import Description
    from bench.train.executors.protocol import Executor

LOCAL, RAY = "local", "ray"


def check_executor(name: str, address: str | None) -> None:
    """Check the options of an executor, before anything slow happens.

    Raises:
        InputError: no such executor; an address without a cluster; Ray is not installed.
    """
    if name not in (LOCAL, RAY):
        raise unknown("executor", name, (LOCAL, RAY))
    if name == LOCAL and address is not None:
        raise InputError("--address goes with --executor ray")
    if name == RAY and importlib.util.find_spec("ray") is None:
        raise InputError(
            "--executor ray needs Ray, which is not installed: "
            ".venv/bin/pip install -q -c constraints.txt -e '.[ray]'"
        )


@contextmanager
def executor_of(
    name: str,
    address: str | None,
    descriptions: Sequence[Description],
    *,
    workers: int | None,
    train: str | None = None,
    report: Callable[[str], None],
) -> Iterator[Executor]:
    """Give the executor that these options choose; it ends with the block.

    Args:
        name, address: checked by `check_executor`.
        descriptions: what it will train, whatever the hyperparameters.
        workers: groups trained at the same time; None: as many as there is room for.
        train: "module:attribute" as `train_group` takes it.
        report: called with a line on each event of a cluster.

    Raises:
        InputError: the cluster can't be joined, with the reason.
    """
    executor: Executor
    if name == RAY:
        from bench.train.executors.ray_cluster import Cluster

        executor = Cluster(address, descriptions, max_groups=workers, train=train, report=report)
    else:
        from bench.train.executors.processes import processes_for

        executor = processes_for(descriptions, workers, train)
    try:
        yield executor
    finally:
        executor.end()
