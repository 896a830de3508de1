"""The measurements, each in a process of one thread that has a core to itself.

The trainer runs as it is: stopwatches are put around three of its calls from outside, two reads
of a clock each.
"""

from __future__ import annotations

import dataclasses
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

ENDLESS = 10**12
"""A budget that no measurement reaches [environment steps]."""
ACTIONS_DRAWN = 64
"""Ticks of random actions drawn beforehand, so that the bare loop only steps."""
WARM_UP_TICKS = 50


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The result of one measurement in one process, without the warm-up.

    Attributes:
        steps: environment steps taken; seconds: wall time they took.
        cpu_share: processor time over wall time; well below 1 if other processes used the core.
        physics, acting, update: shares of the wall time; None for a loop that only steps.
        memory: resident memory of the process at the end [MiB].
    """

    steps: int
    seconds: float
    cpu_share: float
    physics: float | None = None
    acting: float | None = None
    update: float | None = None
    memory: float


def bare_loop(environment: str, environments: int, seconds: float) -> Measured:
    """Time EnvPool with random actions and nothing else: the speed of physics on one thread."""
    import envpool
    import gymnasium
    import numpy as np

    pool: Any = envpool.make_gymnasium(
        environment, num_envs=environments, seed=list(range(environments)), num_threads=1
    )
    pool.reset()
    generator = np.random.default_rng(0)
    space = pool.action_space
    if isinstance(space, gymnasium.spaces.Box):
        shape = (ACTIONS_DRAWN, environments, *space.shape)
        actions = generator.uniform(space.low, space.high, shape).astype(space.dtype)
    else:
        actions = generator.integers(0, space.n, (ACTIONS_DRAWN, environments))
    for tick in range(WARM_UP_TICKS):
        pool.step(actions[tick % ACTIONS_DRAWN])
    ticks, begun, cpu_begun = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < seconds:
        pool.step(actions[ticks % ACTIONS_DRAWN])
        ticks += 1
    elapsed = time.perf_counter() - begun
    return Measured(
        steps=ticks * environments,
        seconds=elapsed,
        cpu_share=(time.process_time() - cpu_begun) / elapsed,
        memory=_memory(),
    )


@dataclass(frozen=True)
class _Mark:
    steps: int
    wall: float
    processor: float
    spent: dict[str, float]


class EnoughError(Exception):
    """Raised to leave the trainer's loop when the measurement is over."""


def training(algorithm: str, environment: str, seeds: int, seconds: float) -> Measured:
    """Time `bench.train.trainer.train` with an algorithm's defaults, from its second update on.

    The measurement takes at least `seconds` and at least one whole update.
    """
    from bench.plan.identity import Description
    from bench.plan.lookup import load_algorithm
    from bench.train import trainer
    from bench.train.environments.catalogue import back_end_of
    from bench.train.environments.envpool_backend import EnvPoolEnvironments
    from bench.train.results import Progress
    from bench.train.rollout import Rollout

    loaded = load_algorithm(algorithm)
    description = Description(
        algorithm=algorithm,
        hyperparameters=dataclasses.asdict(loaded.hyperparameters()),
        environment=environment,
        steps=ENDLESS,
        back_end=back_end_of(environment),
    )
    spent: defaultdict[str, float] = defaultdict(float)
    marks: list[_Mark] = []

    def mark(progress: Progress) -> None:
        now = time.perf_counter()
        marks.append(_Mark(sum(progress.steps), now, time.process_time(), dict(spent)))
        if len(marks) > 1 and now - marks[0].wall >= seconds:
            raise EnoughError

    timed = replace(loaded, update=stopwatch(loaded.update, spent, "update"))
    with (
        replaced_for_now(
            EnvPoolEnvironments, "step", stopwatch(EnvPoolEnvironments.step, spent, "physics")
        ),
        replaced_for_now(Rollout, "collect", stopwatch(Rollout.collect, spent, "collecting")),
        replaced_for_now(trainer, "load_algorithm", lambda name: timed),
        suppress(EnoughError),
    ):
        trainer.train(description, range(seeds), [mark])
    first, last = marks[0], marks[-1]
    elapsed = last.wall - first.wall
    share = {name: (last.spent[name] - first.spent[name]) / elapsed for name in last.spent}
    return Measured(
        steps=last.steps - first.steps,
        seconds=elapsed,
        cpu_share=(last.processor - first.processor) / elapsed,
        physics=share["physics"],
        acting=share["collecting"] - share["physics"],
        update=share["update"],
        memory=_memory(),
    )


KINDS: dict[str, Callable[..., Measured]] = {"bare": bare_loop, "training": training}


def serve(connection: Connection, core: int | None) -> None:
    """Receive measurements to make and send their results, until the pipe is closed."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    while True:
        try:
            kind, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            if "torch" in sys.modules:
                sys.modules["torch"].set_num_threads(1)
            connection.send(KINDS[kind](**arguments))
        except Exception as error:
            connection.send(f"{type(error).__name__}: {error}")


def stopwatch(
    function: Callable[Arguments, Answer], spent: dict[str, float], name: str
) -> Callable[Arguments, Answer]:
    """Return the function with a stopwatch: each call adds its seconds to `spent[name]`."""

    def timed(*arguments: Arguments.args, **keywords: Arguments.kwargs) -> Answer:
        begun = time.perf_counter()
        try:
            return function(*arguments, **keywords)
        finally:
            spent[name] += time.perf_counter() - begun

    return timed


@contextmanager
def replaced_for_now(owner: Any, name: str, replacement: Any) -> Iterator[None]:
    """Replace an attribute by `replacement` within the block."""
    original = getattr(owner, name)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _memory() -> float:
    """Return the resident memory [MiB]; its peak if the system gives no current value."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)
