"""A driver of a cluster, as a process of its own: trains a plan and prints what happens.

Arguments: address, results folder, "module:attribute" of the training function, and behaviours of
the stand-in trainer; without any, two real algorithms train.
"""

from __future__ import annotations

import sys
from pathlib import Path

from plans_to_train import described, planned, real_plan

from bench.errors import InputError
from bench.store import Store
from bench.train import runner
from bench.train.events import Ended, Event, Started


def told(event: Event) -> None:
    if isinstance(event, Started):
        print("started", event.group.description.algorithm, flush=True)
    if isinstance(event, Ended):
        print("ended", *event.outcomes.values(), *event.reasons, flush=True)


def main(address: str, results: str, train: str, *behaviours: str) -> None:
    from bench.train.executors.ray_cluster import Cluster

    plan = (
        planned([described(behaviour) for behaviour in behaviours])
        if behaviours
        else real_plan(range(2))
    )
    descriptions = [cell.description for cell in plan.cells]
    cluster = Cluster(
        address, descriptions, train=train, report=lambda line: print("told", line, flush=True)
    )
    summary = runner.run(plan, Store(Path(results)), executor=cluster, group_size=1, on_event=told)
    print("finished", summary.finished, flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except InputError as error:
        print("refused", error, flush=True)
