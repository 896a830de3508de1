"""One session of measurements: who is measured, in which order, on which cores.

Every round measures every rival once, on all cores at the same time, in the opposite order of the
round before, so that a machine that drifts slows all rivals alike. The bare loop that a training
is compared with has as many environments on as many cores, and is measured in the same round.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from bench.child import Child
from bench.errors import InputError
from bench.peers.catalogue import PEERS
from bench.peers.timing import PeerUnavailable, time_peer
from bench.throughput.measuring import Measured, serve
from bench.train.executors.worker import WORKER_ENVIRONMENT
from bench.train.provenance import Provenance, cores, provenance

SWEEP = (1, 2, 4, 8, 16, 32, 64)
"""Numbers of seeds of a group, for the curve of steps/s against them."""


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A trainer or a bare loop to measure.

    Attributes:
        kind: "bare", a loop that only steps; "training", this project; "peer", another library.
        name: "bare", the algorithm, or the peer.
        environment: its id.
        seeds: number of seeds that each core trains together; 0 for a bare loop or a peer.
        environments: number of environments that each core steps.
    """

    kind: Literal["bare", "training", "peer"]
    name: str
    environment: str
    seeds: int
    environments: int


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A trainer that could not be measured, and why, in one line."""

    rival: Rival
    reason: str


def all_rivals(
    algorithms: Sequence[str],
    environments: Sequence[str],
    seeds: int,
    *,
    peers: bool,
    sweep: bool,
) -> list[Rival]:
    """Return all rivals, with a bare loop beside every training.

    The sweep over the number of seeds measures the last algorithm (by default clipped PPO) on the
    first environment; the peers are measured on the first environment, too.
    """
    from bench.plan.lookup import load_algorithm

    slots = {name: load_algorithm(name).hyperparameters().slots for name in algorithms}
    trainings = [(name, env, seeds) for env in environments for name in algorithms]
    if sweep:
        trainings += [(algorithms[-1], environments[0], size) for size in SWEEP if size != seeds]
    rivals = []
    for name, environment, size in trainings:
        count = size * slots[name]
        bare = Rival(kind="bare", name="bare", environment=environment, seeds=0, environments=count)
        training = Rival(
            kind="training", name=name, environment=environment, seeds=size, environments=count
        )
        rivals += [bare, training]
    if peers:
        rivals += [
            Rival(kind="peer", name=peer, environment=environments[0], seeds=0, environments=count)
            for peer in PEERS
            for count in (1, 8)
        ]
    return list(dict.fromkeys(rivals))


def measure(
    rivals: Sequence[Rival],
    *,
    rounds: int,
    seconds: float,
    on_event: Callable[[int, Rival], None] = lambda number, rival: None,
) -> Iterator[list[dict[str, object]] | Failed]:
    """Yield the rows of the table `throughput` for each round and rival, one per core, or Failed.

    The rows of a rival come together, so that one interrupted while it is measured leaves none.

    Args:
        rounds, seconds: number of rounds, and the least duration of a measurement [s].
        on_event: called with the round and the rival before each measurement.
    """
    origin = provenance()
    session = uuid.uuid4().hex[:16]
    excluded: set[tuple[str, str]] = set()
    with _team() as team:
        for number in range(rounds):
            for rival in rivals if number % 2 == 0 else list(reversed(rivals)):
                if (rival.kind, rival.name) in excluded:
                    continue
                on_event(number, rival)
                try:
                    measured = _measure(team, rival, seconds)
                except (PeerUnavailable, InputError) as error:
                    # A rival that fails is reported once and left out from then on.
                    excluded.add((rival.kind, rival.name))
                    yield Failed(rival=rival, reason=str(error))
                    continue
                yield [
                    _row(session, rival, number, core, len(measured), result, origin)
                    for core, result in enumerate(measured)
                ]


def _measure(team: Team, rival: Rival, seconds: float) -> list[Measured]:
    if rival.kind == "peer":
        timings = time_peer(
            PEERS[rival.name],
            rival.environment,
            rival.environments,
            len(team.connections),
            seconds,
            _hyperparameters(),
        )
        return [
            Measured(
                steps=timing.steps,
                seconds=timing.seconds,
                cpu_share=timing.cpu_share,
                memory=timing.memory,
            )
            for timing in timings
        ]
    arguments: dict[str, object] = {"environment": rival.environment, "seconds": seconds}
    if rival.kind == "bare":
        arguments["environments"] = rival.environments
    else:
        arguments |= {"algorithm": rival.name, "seeds": rival.seeds}
    return team.measure(rival.kind, arguments)


def _hyperparameters() -> dict[str, object]:
    """Return the hyperparameters for the peers' PPO: those of clipped PPO."""
    from bench.plan.lookup import load_algorithm

    return asdict(load_algorithm("clipped_ppo").hyperparameters())


class Team:
    """A measuring process per core.

    Attributes:
        connections: one connection to each process.
    """

    def __init__(self) -> None:
        available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        core_ids: list[int | None] = [*available] if available else [None] * cores()
        self._core_ids = core_ids[: cores()]
        self._start()

    def _start(self) -> None:
        self._children = [
            Child(serve, core_id, variables=WORKER_ENVIRONMENT) for core_id in self._core_ids
        ]
        self.connections = [child.connection for child in self._children]

    def measure(self, kind: str, arguments: dict[str, object]) -> list[Measured]:
        """Make the same measurement on all cores at once.

        Raises:
            InputError: a process failed, with its message, or died; new ones take the next.
        """
        try:
            for connection in self.connections:
                connection.send((kind, arguments))
            answers = [connection.recv() for connection in self.connections]
        except (EOFError, OSError) as error:
            # The others go too: they are still at this one, and would answer the next by it.
            self.end()
            self._start()
            raise InputError("the measuring process died") from error
        failures = [answer for answer in answers if isinstance(answer, str)]
        if failures:
            raise InputError(failures[0])
        return answers

    def end(self) -> None:
        """End all processes."""
        for child in self._children:
            child.end()


@contextmanager
def _team() -> Iterator[Team]:
    team = Team()
    try:
        yield team
    finally:
        team.end()


def _row(
    session: str,
    rival: Rival,
    number: int,
    core: int,
    core_count: int,
    measured: Measured,
    origin: Provenance,
) -> dict[str, object]:
    return {
        "session": session,
        "measured": datetime.now(UTC),
        **asdict(rival),
        "round": number,
        "core": core,
        "cores": core_count,
        "threads": 1,
        **asdict(measured),
        "commit": origin.commit,
        "dirty": origin.dirty,
        "versions": json.dumps(origin.versions),
        "machine": json.dumps(origin.machine),
    }
