"""Ctrl-C and SIGTERM: workers end, finished runs stay, and one line says how to go on."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bench.store import Store
from bench.train.provenance import cores
from tests.processes import alive, until

ROOT = Path(__file__).parents[2]


def test_ctrl_c_keeps_what_has_finished(ablation_file: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    arguments = [*run_arguments(ablation_file, tmp_path, results), "--workers", "2"]
    process = start(arguments)
    assert process.stdout is not None
    with patience(process):
        assert any("1 finished" in line for line in process.stdout)
        # A terminal sends Ctrl-C to all of its processes, workers included.
        os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate()
    assert process.returncode == 130
    command = continuing(error)
    assert command == ["python", "-m", "bench", *arguments]
    assert_nobody_is_left(process.pid)

    (run,) = Store(results).runs().to_dict("records")
    assert (run["environment"], run["status"]) == ("CartPole-v1", "finished")
    # The command as it stands would train for days.
    answer = subprocess.run(
        [sys.executable, *command[1:], "--env", "CartPole-v1", "--seeds", "0-1"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert "Trained 1 run in" in answer.stdout
    assert "1 run kept from before" in answer.stdout
    continued = Store(results).runs().set_index("run")
    assert len(continued) == 2
    assert continued.loc[run["run"], "started"] == run["started"]


def test_sigterm_ends_workers_too(ablation_file: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    arguments = [*run_arguments(ablation_file, tmp_path, results), "--workers", "1"]
    process = start(arguments)
    with patience(process):
        while process.poll() is None and not (results / "plans" / "small.parquet").exists():
            time.sleep(0.1)
        time.sleep(1.0)
        process.terminate()
        _, error = process.communicate()
    assert process.returncode == 143
    assert continuing(error) == ["python", "-m", "bench", *arguments]
    assert_nobody_is_left(process.pid)


@pytest.mark.parametrize(
    ("signal_number", "exit_codes"),
    [(signal.SIGINT, {130}), (signal.SIGTERM, {143, -15}), (signal.SIGKILL, {-9})],
)
def test_a_report_s_processes_end_with_it(
    signal_number: int, exit_codes: set[int], tmp_path: Path
) -> None:
    process = start(["report", "--output", str(tmp_path / "report.pdf")])
    with patience(process):
        # Where there is one core, nobody helps.
        until(lambda: len(in_session(process.pid)) >= min(2, cores()), patience=60)
        # To this process alone, as `kill` sends it.
        os.kill(process.pid, signal_number)
        _, error = process.communicate()
    assert process.returncode in exit_codes
    # While this process imports, it ends without a word.
    assert error in ("", "\nInterrupted. No report was written.\n")
    assert_nobody_is_left(process.pid)
    assert not list(tmp_path.iterdir())


def run_arguments(ablation_file: Path, folder: Path, results: Path) -> list[str]:
    """One short run and one that lasts until it is interrupted."""
    file = folder / "long.py"
    text = ablation_file.read_text().replace(
        'environments=("CartPole-v1",)', 'environments=("Pendulum-v1", "CartPole-v1")'
    )
    file.write_text(text.replace("steps=400", 'steps={"Pendulum-v1": 10**9, "CartPole-v1": 400}'))
    arguments = ["run", "--ablation", str(file), "--results", str(results)]
    return [*arguments, "--variant", "mean", "--seeds", "0"]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )


def continuing(error: str) -> list[str]:
    assert "Traceback" not in error
    *_, last = error.strip().splitlines()
    assert last.startswith("Continue with: ")
    return shlex.split(last.removeprefix("Continue with: "))


@contextmanager
def patience(process: subprocess.Popen[str]) -> Iterator[None]:
    """Two minutes, then the process is killed and its output ends."""
    timer = threading.Timer(120, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        process.kill()


def assert_nobody_is_left(session: int) -> None:
    """Workers lead process groups of their own, in the session of the process that started them."""
    until(lambda: not any(map(alive, in_session(session))), patience=10)


def in_session(session: int) -> list[int]:
    processes = []
    for state in Path("/proc").glob("[0-9]*/stat"):
        # It may have ended meanwhile.
        with suppress(OSError):
            if int(state.read_text().rpartition(")")[2].split()[3]) == session:
                processes.append(int(state.parent.name))
    return processes
