"""Join a Ray cluster, or start one on this machine alone; report every error in one line."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray._private import services

from bench.errors import InputError

PATIENCE = 10.0
"""Seconds within which a cluster must answer."""
SURROUNDINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_raylet_start_wait_time_s": "120",
}
"""Environment variables: no usage statistics, no GPU warning, 120 s to start."""


def join(address: str | None, code: Path, cpus: int) -> bool:
    """Connect this process to a cluster.

    Args:
        address: HOST:PORT, "auto" for the cluster that this machine belongs to, None for the same
            if there is one and otherwise for a Ray on this machine alone.
        code: the folder that is sent to the nodes and comes first on their module path.
        cpus: number of CPUs of a Ray on this machine alone.

    Returns:
        Whether the cluster already existed.

    Raises:
        InputError: no cluster answers there, or it can't be joined; the message gives the reason.
    """
    for name, value in SURROUNDINGS.items():
        os.environ.setdefault(name, value)
    cluster_address = _address(address)
    options: dict[str, Any] = {"address": cluster_address}
    if cluster_address is None:
        options = {"address": "local", "num_cpus": cpus, "include_dashboard": False}
    output: list[str] = []
    try:
        with _own_signals(), _silenced(output):
            ray.init(
                **options,
                runtime_env={"working_dir": str(code)},
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
    except KeyboardInterrupt:
        leave()
        raise
    except Exception as error:
        leave()
        if "Unauthenticated" in "".join([*output, str(error)]):
            raise InputError(
                f"the Ray cluster at {cluster_address} takes only who has its token: put that into "
                "~/.ray/auth_token of this machine and set RAY_AUTH_MODE=token"
            ) from error
        place = "on this machine" if cluster_address is None else f"at {cluster_address}"
        failure = (
            "Ray can't be started" if cluster_address is None else "the Ray cluster can't be joined"
        )
        raise InputError(f"{failure} {place}: {error or type(error).__name__}") from error
    return cluster_address is not None


def leave() -> None:
    """Disconnect, and shut down a Ray that this process has started."""
    with _own_signals():
        ray.shutdown()


def _address(requested: str | None) -> str | None:
    """Return HOST:PORT of a cluster that answers; None if `requested` is None and there is none."""
    address = requested
    find: Any = services.get_ray_address_from_environment
    if requested in (None, "auto"):
        try:
            address = find(requested, None)
        except ConnectionError:
            address = None
        if address is None and requested is not None:
            raise InputError(
                "address 'auto': no Ray cluster is found on this machine; start one with "
                "ray start --head, join one with ray start --address=HOST:PORT, or leave "
                "--address out for a Ray of this machine alone"
            )
        if address is None:
            return None
    host, colon, port = str(address).rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 65536) or "/" in host:
        raise InputError(f"address {address!r} not understood; allowed: auto, HOST:PORT")
    problem = _connection_problem(host, int(port))
    if problem is None:
        return address
    # The address that `ray start` writes to a file outlives a cluster that was killed.
    if requested is None and not os.environ.get("RAY_ADDRESS"):
        return None
    raise InputError(f"no Ray cluster answers at {address}: {problem}")


def _connection_problem(host: str, port: int) -> str | None:
    """Return why no cluster answers there; None if a server speaks gRPC, as a head node does.

    This check comes before Ray's own attempt, which lasts ten minutes.
    """
    # The preface of an HTTP/2 connection and empty SETTINGS (RFC 9113, section 3.4), which a server
    # answers with its own: a frame whose fourth byte is 4.
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    try:
        with socket.create_connection((host, port), PATIENCE) as connection:
            connection.settimeout(PATIENCE)
            connection.sendall(preface)
            answer = b""
            while len(answer) < 9 and (received := connection.recv(9 - len(answer))):
                answer += received
    except TimeoutError:
        return f"nothing is heard for {PATIENCE:.0f} seconds"
    except OSError as error:
        return error.strerror or str(error)
    return None if len(answer) == 9 and answer[3] == 4 else "what answers there is no Ray"


@contextlib.contextmanager
def _silenced(output: list[str]) -> Iterator[None]:
    """Divert the error output, also that of Ray's own threads, and append its text to `output`."""
    sys.stderr.flush()
    saved_stderr = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved_stderr, 2)
            os.close(saved_stderr)
            file.seek(0)
            output.append(file.read().decode(errors="replace"))


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Restore this process's handler of SIGTERM afterwards, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
