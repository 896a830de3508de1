"""Nodes of a Ray cluster, all on this machine, started as a user starts them."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests import processes

PATIENCE = 240
"""Seconds until something that must happen counts as not happening."""
RAY = Path(sys.executable).with_name("ray")
SURROUNDINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    # A token of the tests' own: Ray would leave one in the home folder, and use it from then on.
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    # A loaded machine takes its time.
    "RAY_raylet_start_wait_time_s": str(PATIENCE),
}


@contextmanager
def head(folder: Path, **surroundings: str) -> Iterator[str]:
    """A cluster of one node with one CPU; its address."""
    port, clients = free_ports(2)
    options = ["--head", "--include-dashboard=false", f"--temp-dir={folder}"]
    options += [f"--port={port}", f"--ray-client-server-port={clients}"]
    with node(options, surroundings):
        yield f"127.0.0.1:{port}"


@contextmanager
def node(options: list[str], surroundings: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """One node with one CPU; all of its processes end with the block."""
    process = subprocess.Popen(
        [RAY, "start", "--block", "--num-cpus=1", "--object-store-memory=80000000", *options],
        env={**os.environ, **SURROUNDINGS, **surroundings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Nothing of the suite lies here: what trains has travelled.
        cwd="/",
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        output = b""
        for line in process.stdout:
            output += line
            if b"Ray runtime started" in line:
                break
        else:
            raise AssertionError(output.decode())
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a node as losing its machine does: everything at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens at."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()


def until(condition: Callable[[], object]) -> None:
    """Wait until a function returns something true."""
    processes.until(condition, PATIENCE)
