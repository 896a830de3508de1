"""A hundred kills of real commands, of their processes and their workers: no run is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.plan.digest import ROOT
from bench.store import Store
from bench.store.content import Content, by_run, first_difference

KILLS = 100

ABLATION = """
from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="storm",
    title="Storm",
    question="Is anything lost?",
    environments=("CartPole-v1",),
    variants=(
        Variant(name="vanilla", algorithm="vanilla_policy_gradient"),
        Variant(name="mean", algorithm="baseline"),
    ),
    control="vanilla",
    steps=600,
    seeds=(0, 1, 2),
)
"""


def contents(store: Store) -> dict[str, Content]:
    return by_run(store.read(store.committed().values()))


def workers(process: int) -> list[int]:
    """Children of a process."""
    children = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process:
            children.append(int(path.parent.name))
    return children


@pytest.mark.slow
def test_a_storm_of_kills_loses_nothing(tmp_path: Path) -> None:
    file, curves = tmp_path / "storm.py", tmp_path / "curves.csv"
    file.write_text(ABLATION)
    curves.write_text(
        "seed,step,return\n"
        + "".join(
            f"{seed},{step},{step / 10 + seed}\n"
            for seed in range(3)
            for step in range(100, 700, 100)
        )
    )
    local, other, published = (tmp_path / name for name in ("local", "other", "published"))
    request = ["--ablation", str(file)]

    def commands(store: Path, public: Path) -> dict[str, list[str]]:
        run = ["run", *request, "--results", str(store), "--workers", "2"]
        imported = [
            "import",
            str(curves),
            *request,
            "--env",
            "CartPole-v1",
            "--algorithm",
            "theirs",
        ]
        return {
            "run": run,
            "import": [*imported, "--results", str(store)],
            "merge": ["merge", str(other), "--into", str(store)],
            "publish": [
                "publish",
                "--ablation",
                "storm",
                "--results",
                str(store),
                "--to",
                str(public),
            ],
            "fresh": [*run, "--fresh"],
        }

    def start(command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "bench", *command],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    elsewhere = ["run", *request, "--results", str(other), "--seeds", "2-4", "--workers", "1"]
    assert start(elsewhere).wait() == 0
    durations: dict[str, float] = {}
    for name, command in commands(tmp_path / "calm", tmp_path / "calm published").items():
        began = time.monotonic()
        assert start(command).wait() == 0, name
        durations[name] = time.monotonic() - began
    undisturbed = {
        local: contents(Store(tmp_path / "calm")),
        published: contents(Store(tmp_path / "calm published")),
    }

    generator = random.Random(0)
    earlier: dict[Path, set[str]] = {local: set(), published: set()}
    names = list(commands(local, published))
    killed = 0
    while killed < KILLS:
        name = names[killed % len(names)]
        process = start(commands(local, published)[name])
        time.sleep(generator.uniform(0.0, durations[name]))
        # Of a command that has workers it is one of them in every second case.
        children = workers(process.pid)
        if process.poll() is None:
            victim = generator.choice(children) if children and killed % 2 else process.pid
            os.kill(victim, signal.SIGKILL)
            killed += 1
        process.wait()
        for folder, expected in undisturbed.items():
            store = Store(folder)
            actual = contents(store)
            assert store.problems == []
            finished = {run for run in store.finished() if run in actual}
            assert earlier[folder] <= finished, (name, killed)
            earlier[folder] = finished
            for run in finished:
                assert first_difference(expected[run], actual[run]) is None, (name, run)

    for command in commands(local, published).values():
        assert start(command).wait() == 0
    for folder, expected in undisturbed.items():
        actual = contents(Store(folder))
        assert actual.keys() == expected.keys()
        assert all(first_difference(actual[run], expected[run]) is None for run in actual)
    assert list((local / "claims").glob("*/*")) == []
