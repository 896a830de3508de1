"""This project's clipped PPO, timed as its peers are: prints JSON, one line."""

from __future__ import annotations

import dataclasses
import json
import sys
import time

import torch

from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm
from bench.train.environments import back_end_of
from bench.train.trainer import Progress, train


def main(environment: str, seeds: int, updates: int) -> None:
    """Train `seeds` for `updates` updates each; print steps per second of all but the first."""
    torch.set_num_threads(1)
    hyperparameters = dataclasses.asdict(load_algorithm("clipped_ppo").hyperparameters())
    description = Description(
        algorithm="clipped_ppo",
        hyperparameters=hyperparameters,
        environment=environment,
        steps=2048 * updates,
        back_end=back_end_of(environment),
    )
    marks: list[tuple[int, float]] = []

    def clock(progress: Progress) -> None:
        marks.append((sum(progress.steps), time.perf_counter()))

    started = time.perf_counter()
    train(description, range(seeds), clock)
    (first, begun), (last, ended) = marks[0], marks[-1]
    print(
        json.dumps(
            {
                "steps_per_second": (last - first) / (ended - begun),
                "steps": last,
                "seconds": time.perf_counter() - started,
                "version": "this tree",
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
