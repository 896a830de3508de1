"""Ctrl-C and SIGTERM: workers end, finished runs stay, and one line says how to go on."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.store import Store

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_interrupted_and_continued(
    number: signal.Signals, code: int, ablation_file: Path, tmp_path: Path
) -> None:
    long = tmp_path / "long.py"
    # One environment ends soon, the other one not before it is interrupted.
    text = ablation_file.read_text().replace('environments=("CartPole-v1",)', ENVIRONMENTS)
    long.write_text(text.replace("steps=400", STEPS))
    results = tmp_path / "results"
    arguments = ["run", "--ablation", str(long), "--results", str(results)]
    # Two workers for the two long groups, and one for the short group.
    arguments += ["--variant", "mean", "--workers", "3"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "2 finished" in line:
            break
    # A terminal sends Ctrl-C to all of its processes, workers included.
    send = os.killpg if number == signal.SIGINT else os.kill
    send(process.pid, number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in told
    *_, last = told.strip().splitlines()
    command = last.removeprefix("Continue with: ")
    assert command == shlex.join(["python", "-m", "bench", *arguments])
    assert_nobody_is_left(process.pid)

    runs = Store(results).runs()
    assert list(runs["environment"]) == ["CartPole-v1"] * 2
    if number == signal.SIGINT:
        python, *rest = shlex.split(command)
        assert python == "python"
        rest += ["--env", "CartPole-v1", "--seeds", "0-2"]
        again = subprocess.run(
            [sys.executable, *rest], capture_output=True, text=True, cwd=ROOT, check=True
        )
        assert "Trained 1 run in" in again.stdout
        assert "2 runs kept from before" in again.stdout
        continued = Store(results).runs().set_index("run").loc[runs["run"]].reset_index()
        assert continued["started"].equals(runs["started"])


ENVIRONMENTS = 'environments=("Pendulum-v1", "CartPole-v1")'
STEPS = 'steps={"Pendulum-v1": 10**9, "CartPole-v1": 400}'


def assert_nobody_is_left(session: int) -> None:
    for _ in range(100):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("a worker is left")
