"""Measure physics and training that share a device, against the number of worlds."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from bench.errors import InputError
from bench.plan.back_ends import WARP
from bench.throughput.measuring import ENDLESS, EnoughError, replaced_for_now, stopwatch
from bench.train.provenance import on_device, provenance
from bench.train.results import Progress

Kind = Literal["physics", "environment", "training"]

WORLDS = tuple(2**power for power in range(8, 18))
"""Numbers of worlds that physics is measured with."""
SEEDS = (1, 4, 10, 32, 100)
"""Numbers of seeds that train at once."""
WARM_UP_TICKS = 10
PROFILED_TICKS = 10


@dataclass(frozen=True, kw_only=True)
class Question:
    """One measurement to make.

    Attributes:
        kind: "physics", the engine's substeps alone, with random actions; "environment", whole
            ticks, with observation, reward and the reset of what has ended; "training".
        name: the algorithm; empty if nothing is trained.
        seeds, worlds: how many seeds train at once (0: none), and how many worlds are stepped.
    """

    kind: Kind
    name: str
    environment: str
    seeds: int
    worlds: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of a measurement, warm-up left out.

    Attributes:
        ticks, steps: environment steps of every world, and of all worlds together.
        substeps: steps of the physics in one tick.
        seconds: wall time.
        update: share of the wall time in the algorithm's updates; None if nothing is trained.
        busy: share of a tick in which a kernel ran; None if unknown (in training, on a CPU).
        memory: device memory in use by this measurement [MiB]; None on a CPU.
    """

    ticks: int
    steps: int
    substeps: int
    seconds: float
    update: float | None
    busy: float | None
    memory: float | None


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A measurement that failed, and the reason in one line."""

    question: Question
    reason: str


def questions(
    environments: Sequence[str],
    algorithms: Sequence[str],
    worlds: Sequence[int] = WORLDS,
    seeds: Sequence[int] = SEEDS,
) -> list[Question]:
    """Return all questions, environment by environment, small numbers of worlds first."""
    from bench.plan.lookup import load_algorithm

    measurements = []
    for environment in environments:
        bare: tuple[Kind, ...] = ("physics", "environment")
        measurements += [
            Question(kind=kind, name="", environment=environment, seeds=0, worlds=count)
            for count in worlds
            for kind in bare
        ]
        for name in algorithms:
            slots = load_algorithm(name).hyperparameters().slots
            measurements += [
                Question(
                    kind="training",
                    name=name,
                    environment=environment,
                    seeds=count,
                    worlds=count * slots,
                )
                for count in seeds
            ]
    return measurements


def measure(
    requested: Sequence[Question],
    device: str,
    *,
    seconds: float,
    on_event: Callable[[Question], None] = lambda question: None,
) -> Iterator[dict[str, object] | Failed]:
    """Yield rows of the table `device_throughput`, one per question, as they are measured."""
    origin = on_device(provenance(), WARP.name, device)
    name = device_name(device)
    for question in requested:
        on_event(question)
        try:
            answer = (
                _training(question, device, seconds)
                if question.kind == "training"
                else _stepping(question, device, seconds)
            )
        except (RuntimeError, InputError) as error:
            # A number of worlds that doesn't fit into memory is an answer too.
            reason = str(error).partition("\n")[0]
            yield Failed(question=question, reason=reason)
            continue
        yield {
            "measured": datetime.now(UTC),
            "device": name,
            **asdict(question),
            **asdict(answer),
            "commit": origin.commit,
            "dirty": origin.dirty,
            "versions": json.dumps(origin.versions),
            "machine": json.dumps(origin.machine),
        }


def device_name(device: str) -> str:
    """Return torch's name of the device, "cpu" for a processor."""
    import torch

    return torch.cuda.get_device_name(device) if device != "cpu" else "cpu"


def _stepping(question: Question, device: str, seconds: float) -> Answer:
    """Measure worlds that are stepped by random actions."""
    import torch

    from bench.train.device.graphs import Recorded, own_stream
    from bench.train.environments.warp_backend import WarpEnvironments

    torch_device = torch.device(device)
    before = _memory(torch_device)
    with own_stream(torch_device):
        environments = WarpEnvironments(question.environment, [0], question.worlds, device=device)
        environments.begin()
        space: Any = environments.action_space
        low, high = (torch.tensor(bound, device=torch_device) for bound in (space.low, space.high))
        uniform = torch.rand(16, question.worlds, space.size, device=torch_device)
        actions = low + uniform * (high - low)
        current = torch.zeros_like(actions[0])
        all_worlds = torch.ones(question.worlds, dtype=torch.bool, device=torch_device)
        recorded = torch_device.type == "cuda"
        send = Recorded(lambda: environments.send(current), enabled=recorded)
        receive = Recorded(lambda: _drop(environments.receive(all_worlds)), enabled=recorded)
        count = 0

        def tick() -> None:
            nonlocal count
            count += 1
            current.copy_(actions[count % len(actions)])
            if question.kind == "physics":
                environments.worlds.control.copy_(current)
                environments.worlds.advance()
            else:
                send()
                environments.worlds.advance()
                receive()

        for _ in range(WARM_UP_TICKS):
            tick()
        _wait(torch_device)
        begun = time.perf_counter()
        ticks = 0
        while (elapsed := time.perf_counter() - begun) < seconds:
            for _ in range(4):
                tick()
            # Without this the host would run ahead of the device.
            _wait(torch_device)
            ticks += 4
        environments.worlds.check()
        answer = Answer(
            ticks=ticks,
            steps=ticks * question.worlds,
            substeps=environments.worlds.frame_skip,
            seconds=elapsed,
            update=None,
            busy=_busy_share(tick, torch_device, elapsed / ticks),
            memory=_memory_used(torch_device, before),
        )
        environments.close()
    return answer


def _training(question: Question, device: str, seconds: float) -> Answer:
    """Time `bench.train.device.trainer.train`, from its third update on.

    The algorithm has its defaults, except for `slots`, over which the worlds are spread.

    The measurement takes at least `seconds` and at least one whole update.
    """
    import torch

    from bench.plan.identity import Description
    from bench.plan.lookup import load_algorithm
    from bench.train.device import trainer
    from bench.train.environments.warp_worlds import Worlds

    torch_device = torch.device(device)
    before = _memory(torch_device)
    algorithm = load_algorithm(question.name)
    description = Description(
        algorithm=question.name,
        hyperparameters=asdict(algorithm.hyperparameters(slots=question.worlds // question.seeds)),
        environment=question.environment,
        steps=ENDLESS,
        back_end=WARP.name,
        device=device,
    )
    spent: defaultdict[str, float] = defaultdict(float)
    marks: list[tuple[int, float, float]] = []
    substeps: list[int] = []
    memory_used: list[float | None] = []

    def mark(progress: Progress) -> None:
        now = time.perf_counter()
        marks.append((sum(progress.steps), now, spent["update"]))
        # CUDA graphs are recorded in the first two updates.
        if len(marks) > 2 and now - marks[1][1] >= seconds:
            memory_used.append(_memory_used(torch_device, before))
            raise EnoughError

    def advance(self: Worlds) -> None:
        substeps[:] = [self.frame_skip]
        original_advance(self)

    original_advance = Worlds.advance
    timed = replace(algorithm, update=stopwatch(algorithm.update, spent, "update"))
    with (
        replaced_for_now(trainer, "load_algorithm", lambda name: timed),
        replaced_for_now(Worlds, "advance", advance),
        suppress(EnoughError),
    ):
        trainer.train(description, range(question.seeds), [mark])
    first, last = marks[1], marks[-1]
    elapsed = last[1] - first[1]
    steps = last[0] - first[0]
    return Answer(
        ticks=steps // question.worlds,
        steps=steps,
        substeps=substeps[0],
        seconds=elapsed,
        update=(last[2] - first[2]) / elapsed,
        busy=None,
        memory=memory_used[0],
    )


def _drop(_: object) -> None:
    """Discard a value: a recorded function returns None."""


def _wait(device: Any) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _memory(device: Any) -> float | None:
    """Return the device memory in use by all processes [MiB]; None on a CPU."""
    import torch

    if device.type != "cuda":
        return None
    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()
    free, total = torch.cuda.mem_get_info(device)
    return (total - free) / 2**20


def _memory_used(device: Any, before: float | None) -> float | None:
    now = _memory(device)
    return None if now is None or before is None else now - before


def _busy_share(tick: Callable[[], None], device: Any, seconds: float) -> float | None:
    """Return the share of a tick of `seconds` in which the device computes; None on a CPU."""
    from torch.profiler import ProfilerActivity, profile

    if device.type != "cuda":
        return None
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for _ in range(PROFILED_TICKS):
            tick()
        _wait(device)
    microseconds: float = sum(event.self_device_time_total for event in profiler.key_averages())
    return min(1.0, microseconds * 1e-6 / PROFILED_TICKS / seconds)
