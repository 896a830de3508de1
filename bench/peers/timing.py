"""Time a peer: one process of one thread on each core, all at once."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

from bench.errors import InputError
from bench.peers.catalogue import Peer, PeerUnavailable
from bench.peers.setup import interpreter, last_words
from bench.train.executors.worker import WORKER_ENVIRONMENT

__all__ = ["PeerTiming", "PeerUnavailable", "time_peer"]

POLL_EVERY = 0.1


@dataclass(frozen=True, kw_only=True)
class PeerTiming:
    """The timing of one process, from the end of its first update to the end of its last.

    Attributes:
        peer: its name; environment: the id; environments: how many it stepped.
        core: the core it was pinned to; None if the platform can't pin.
        steps: environment steps; seconds: wall time they took.
        steps_per_second: their ratio.
        cpu_share: processor time over wall time; well below 1 if other processes used the core.
        memory: resident memory at the end [MiB].
        version: the library's version.
    """

    peer: str
    environment: str
    environments: int
    core: int | None
    steps: int
    seconds: float
    steps_per_second: float
    cpu_share: float
    memory: float
    version: str


def time_peer(
    peer: Peer,
    environment: str,
    environments: int,
    cores: int,
    seconds: float,
    hyperparameters: Mapping[str, object],
) -> list[PeerTiming]:
    """Train with the peer on `cores` cores at once, each process for itself.

    Args:
        environments: number of environments that each process steps.
        seconds: least time to measure after the first update; whole updates are measured.
        hyperparameters: by this project's names; the peer's script says how it uses them.

    Returns:
        One timing per core.

    Raises:
        PeerUnavailable: the peer can't be installed, or a process failed; with the last output.
        InputError: there are fewer cores.
    """
    python = interpreter(peer)
    arguments = {
        "algorithm": peer.algorithm,
        "environment": environment,
        "environments": environments,
        "seconds": seconds,
        "hyperparameters": dict(hyperparameters),
    }
    # Isolated: modules beside the script or on PYTHONPATH are not the peer's.
    command = [str(python), "-I", "-W", "ignore", str(peer.script), json.dumps(arguments)]
    core_ids = _core_ids(cores)
    with ExitStack() as stack:
        processes = [stack.enter_context(_started(command, core_id)) for core_id in core_ids]
        failed = _wait(processes)
        answers = [process.answer(peer) for process in failed or processes]
    return [
        PeerTiming(
            peer=peer.name,
            environment=environment,
            environments=environments,
            core=core_id,
            steps=answer["steps"],
            seconds=answer["seconds"],
            steps_per_second=answer["steps_per_second"],
            cpu_share=answer["cpu_seconds"] / answer["seconds"],
            memory=answer["memory"],
            version=answer["version"],
        )
        for core_id, answer in zip(core_ids, answers, strict=True)
    ]


def _core_ids(cores: int) -> list[int | None]:
    """Return the cores to pin to; None for each if the platform can't pin."""
    if not hasattr(os, "sched_getaffinity"):
        return [None] * cores
    available = sorted(os.sched_getaffinity(0))
    if cores > len(available):
        raise InputError(f"{cores} cores asked for, {len(available)} available")
    return [*available[:cores]]


@dataclass(frozen=True, kw_only=True)
class _Process:
    """The script on one core, and the files that it writes to."""

    popen: subprocess.Popen[bytes]
    output: IO[bytes]
    errors: IO[bytes]

    def answer(self, peer: Peer) -> Mapping[str, Any]:
        """Return the measurement that the peer's process has printed, after its end."""
        if code := self.popen.returncode:
            line = last_words(_content(self.errors))
            raise PeerUnavailable(f"{peer.name} failed with exit code {code}: {line}")
        line = last_words(_content(self.output))
        try:
            answer: Mapping[str, Any] = json.loads(line)
        except json.JSONDecodeError as error:
            raise PeerUnavailable(f"{peer.name} measured nothing; it said: {line}") from error
        return answer


@contextmanager
def _started(command: list[str], core: int | None) -> Iterator[_Process]:
    """Start a process, and kill it at the end of the block whatever happened."""
    # Files, not pipes: nobody reads a pipe while another process is waited for.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        with _pinned(core):
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env={**os.environ, **WORKER_ENVIRONMENT},
            )
        try:
            yield _Process(popen=process, output=output, errors=errors)
        finally:
            process.kill()
            process.wait()


def _wait(processes: Sequence[_Process]) -> list[_Process]:
    """Wait until all processes have ended or one has failed; return the failed ones."""
    while True:
        codes = [process.popen.poll() for process in processes]
        if None not in codes or any(codes):
            return [process for process, code in zip(processes, codes, strict=True) if code]
        time.sleep(POLL_EVERY)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


@contextmanager
def _pinned(core: int | None) -> Iterator[None]:
    """Pin this thread to one core within the block; processes that it starts stay there."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
