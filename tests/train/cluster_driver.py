"""A driver of a cluster, as a process of its own: trains a plan and prints what happens.

Arguments: address, results folder, "module:attribute" of the training function, and behaviours of
the stand-in trainer; without any, two real algorithms train.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ablations.spec import Ablation, Variant
from bench.errors import InputError
from bench.plan.plan import Plan, make_plan
from bench.store import Store
from bench.train import runner
from bench.train.environments import back_end_of
from bench.train.events import Ended, Event, Started


def small_plan() -> Plan:
    ablation = Ablation(
        name="mine",
        title="Mine",
        question="Why?",
        environments=("CartPole-v1",),
        variants=(
            Variant(name="ppo", algorithm="clipped_ppo", hyperparameters={"batch_steps": 256}),
            Variant(name="vanilla", algorithm="vanilla_policy_gradient"),
        ),
        control="ppo",
        steps=600,
        seeds=(0, 1),
    )
    return make_plan(ablation, back_end_of=back_end_of)


def told(event: Event) -> None:
    if isinstance(event, Started):
        print("started", event.group.description.algorithm, flush=True)
    if isinstance(event, Ended):
        print("ended", *event.outcomes.values(), *event.reasons, flush=True)


def main(address: str, results: str, train: str, *behaviours: str) -> None:
    from test_runner import described, planned

    from bench.train.cluster import Cluster

    plan = planned([described(each) for each in behaviours]) if behaviours else small_plan()
    descriptions = [cell.description for cell in plan.cells]
    cluster = Cluster(
        address, descriptions, train=train, tell=lambda line: print("told", line, flush=True)
    )
    summary = runner.run(plan, Store(Path(results)), executor=cluster, group_size=1, on_event=told)
    print("finished", summary.finished, flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except InputError as error:
        print("refused", error, flush=True)
