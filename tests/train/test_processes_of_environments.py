"""Environments that start processes, or end their own: nothing outlives the training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.plan import make_plan
from bench.plan.plan import Plan
from bench.plan.side_by_side import side_by_side
from bench.store import Store
from bench.train import runner
from bench.train.executors.processes import Processes
from tests.processes import alive, until

ROOT = Path(__file__).parents[2]
SIZES = {"batch_steps": "64", "slots": "2", "epochs": "1"}


def planned(*environments: str, steps: int = 64) -> Plan:
    names = [f"tests.odd_environments:{environment}-v0" for environment in environments]
    return make_plan(
        side_by_side(["clipped_ppo"], names),
        back_end_of=lambda environment: "gymnasium",
        seeds=(0,),
        steps=steps,
        settings=SIZES,
    )


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the processes of environments leave their numbers."""
    folder = tmp_path / "children"
    folder.mkdir()
    monkeypatch.setenv("CHILDREN", str(folder))
    return folder


def family(children: Path) -> dict[int, int]:
    """The processes of environments, and of which worker they are."""
    workers = {int(file.name): file.read_text() for file in children.iterdir()}
    return {child: int(worker) for child, worker in workers.items() if worker}


def test_an_environment_may_start_a_process(tmp_path: Path, children: Path) -> None:
    store = Store(tmp_path / "results")
    summary = runner.run(planned("Child"), store, executor=Processes(1))
    assert not summary.failures
    assert store.runs()["status"].tolist() == ["finished"]
    # One a slot.
    assert len(family(children)) == 2
    assert not any(map(alive, family(children)))


def test_the_reason_of_an_environment_that_exits_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    summary = runner.run(planned("Exits", "OneStep"), store, executor=Processes(1))
    (reason,) = (reason for _, reason in summary.failures)
    assert reason.startswith("SystemExit: no licence (odd_environments.py:")
    # The worker is as good as before.
    assert sorted(store.runs()["status"]) == ["failed", "finished"]


def test_a_killed_worker_takes_the_processes_of_its_environments_along(
    tmp_path: Path, children: Path
) -> None:
    script = f"""
import os, signal, threading, time
from pathlib import Path
from bench.store import Store
from bench.train import runner
from bench.train.executors.processes import Processes
from tests.train.test_processes_of_environments import family, planned

def kill():
    while len(family(Path({str(children)!r}))) < 2:
        time.sleep(0.1)
    time.sleep(0.5)
    os.kill(next(iter(family(Path({str(children)!r})).values())), signal.SIGKILL)

if __name__ == "__main__":
    threading.Thread(target=kill).start()
    store = Store({str(tmp_path)!r})
    summary = runner.run(planned("ForkedChild", steps=10**9), store, executor=Processes(1))
    print([reason for _, reason in summary.failures])
"""
    completed = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert "the worker process was killed by SIGKILL" in completed.stdout, completed.stderr
    assert len(family(children)) == 2
    assert not any(map(alive, family(children)))


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_a_parent_that_is_ended(
    signal_number: signal.Signals, tmp_path: Path, children: Path
) -> None:
    arguments = ["run", "--algorithm", "clipped_ppo", "--seeds", "0", "--steps", "1000M"]
    arguments += ["--env", "tests.odd_environments:Child-v0", "--workers", "1"]
    arguments += [word for name, value in SIZES.items() for word in ("--set", f"{name}={value}")]
    parent = subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments, "--results", str(tmp_path / "results")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        # Describing the environment makes one too, in the parent.
        until(lambda: len(set(family(children).values()) - {parent.pid}) == 1, patience=60)
        until(lambda: len(family(children)) == 3, patience=60)
        time.sleep(0.5)
        worker_children = {c: w for c, w in family(children).items() if w != parent.pid}
        assert all(map(alive, [*worker_children, *worker_children.values()]))
        os.kill(parent.pid, signal_number)
        parent.wait(timeout=60)
    finally:
        parent.kill()
    assert parent.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}.get(
        signal_number, -signal_number
    )
    for process in [*family(children), *worker_children.values()]:
        until(lambda process=process: not alive(process), patience=30)
