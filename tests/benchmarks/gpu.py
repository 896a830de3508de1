"""Everything that is to be measured on a GPU, in parts that can be resumed, and one table.

    python tests/benchmarks/gpu.py PART [--device cuda] [--minutes 7] [--results DIR] [--toy]

    tests       the tests that need a GPU
    throughput  physics, environments and training, by the number of worlds and seeds
    learning    PPO on HalfCheetah-v5 and Hopper-v5, ten seeds, a million steps
    experiment  Figure 3 of the PPO paper, ten seeds: what it takes, cell by cell
    sharing     four groups of ten seeds on one device, by 1, 2 and 4 processes at a time
    table       what has been measured so far

Each part stops after so many minutes and goes on when called again. `--toy` with `--device cpu`
tries all of it where there is no GPU, at a size that means nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

PARTS = ("tests", "throughput", "learning", "experiment", "sharing", "table")
SHARING = (1, 2, 4)


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "gpu")
    parser.add_argument("--toy", action="store_true")
    asked = parser.parse_args()
    {
        "tests": tests,
        "throughput": throughput,
        "learning": partial(training, ablation="reference"),
        "experiment": partial(training, ablation="experiment"),
        "sharing": sharing,
        "table": table,
    }[asked.part](asked)


def tests(asked: argparse.Namespace) -> None:
    """The tests with the marker `gpu`; with --toy those of Warp on the CPU."""
    marker = "warp and not slow" if asked.toy else "gpu"
    command = [sys.executable, "-m", "pytest", "-q", "-m", marker, "-p", "no:cacheprovider"]
    raise SystemExit(subprocess.run(command, cwd=ROOT, check=False).returncode)


def throughput(asked: argparse.Namespace) -> None:
    """As `python -m bench throughput --device cuda`."""
    from bench.cli.device_throughput import measure_and_show
    from bench.throughput.on_device import SEEDS, WORLDS, questions

    environments = ("HalfCheetah-v5", "Hopper-v5", "Walker2d-v5", "Ant-v5")
    found = (
        questions(["InvertedPendulum-v5"], ["clipped_ppo"], (2, 4), (1,))
        if asked.toy
        else questions(environments, ["clipped_ppo"], WORLDS, SEEDS)
    )
    seconds = 0.1 if asked.toy else 1.0
    measure_and_show(found, asked.device, asked.results, seconds=seconds, minutes=asked.minutes)


def training(asked: argparse.Namespace, *, ablation: str) -> None:
    """The runs of an ablation, cell by cell, until the time is over."""
    from bench.errors import InputError
    from bench.plan.plan import Plan
    from bench.store import Store
    from bench.train import runner
    from bench.train.executors.processes import Processes

    plan = planned(asked, ablation)
    store = Store(asked.results)
    store.check_writable()
    store.write_plan(plan.rows(datetime.now(UTC)))
    ends = time.monotonic() + 60 * asked.minutes
    for cell in plan.cells:
        if time.monotonic() > ends:
            break
        part = Plan(ablation=plan.ablation, cells=(cell,))
        try:
            summary = runner.run(
                part, store, executor=Processes(1), checkpoints=store.path / "checkpoints"
            )
        except InputError as error:
            print(error)
            continue
        for (description, reason), number in summary.failures.items():
            print(f"{number} runs of {description.algorithm} FAILED: {reason}")
        print(f"{cell.variant.name}, {cell.environment}: {summary.seconds:.0f} s", flush=True)
    table(asked)


def sharing(asked: argparse.Namespace) -> None:
    """Four groups of one environment, so many of them at a time; each number has its own store."""
    from bench.plan.lookup import load_ablation
    from bench.plan.plan import make_plan
    from bench.store import Store
    from bench.train import runner
    from bench.train.executors.processes import Processes

    ends = time.monotonic() + 60 * asked.minutes
    for workers in SHARING:
        if time.monotonic() > ends:
            break
        plan = make_plan(
            load_ablation("clipping"),
            back_end_of=lambda environment: "warp",
            device=asked.device,
            environments=["InvertedPendulum-v5" if asked.toy else "Hopper-v5"],
            variants=["no_clip", "clip_01", "clip_02", "clip_03"],
            steps=300 if asked.toy else 200_000,
            seeds=[0, 1] if asked.toy else range(10),
        )
        store = Store(asked.results / "sharing" / str(workers))
        store.check_writable()
        store.write_plan(plan.rows(datetime.now(UTC)))
        runner.run(plan, store, executor=Processes(workers))
    show_sharing(asked)


def show_sharing(asked: argparse.Namespace) -> None:
    """Environment steps a second of all groups together, from the first start to the last end."""
    import pandas as pd

    from bench.store import load

    rates: dict[int, float] = {}
    for workers in SHARING:
        place = asked.results / "sharing" / str(workers)
        if not place.is_dir():
            continue
        runs = load("clipping", place).runs
        ends = runs["started"] + pd.to_timedelta(runs["seconds"], unit="s")
        rates[workers] = runs["steps"].sum() / (ends.max() - runs["started"].min()).total_seconds()
        slots = load_slots(runs["hyperparameters"].iloc[0])
        seeds = int(runs["group_size"].max())
        print(
            f"{workers} processes, {workers * seeds * slots} worlds at a time: "
            f"{rates[workers]:,.0f} env steps/s, "
            f"{rates[workers] / next(iter(rates.values())):.2f} of one process"
        )


def load_slots(hyperparameters: str) -> int:
    """The slots a seed."""
    import json

    return int(json.loads(hyperparameters)["slots"])


def planned(asked: argparse.Namespace, ablation: str) -> Any:
    """The plan on the device; with --toy of a few hundred steps on one environment."""
    from bench.plan.lookup import load_ablation
    from bench.plan.plan import make_plan

    toy: dict[str, Any] = {
        "environments": ["InvertedPendulum-v5"],
        "steps": 300,
        "seeds": [0, 1],
        "variants": ["clipped_ppo"] if ablation == "experiment" else None,
    }
    whole: dict[str, Any] = {"seeds": range(10)}
    if ablation == "reference":
        whole["environments"] = ["HalfCheetah-v5", "Hopper-v5"]
    return make_plan(
        load_ablation(ablation),
        back_end_of=lambda environment: "warp",
        device=asked.device,
        **(toy if asked.toy else whole),
    )


def table(asked: argparse.Namespace) -> None:
    """Scores beside the published ones of the CPU, and seconds; then the throughput."""
    from bench.cli.device_throughput import show
    from bench.evidence.measures.scores import score_runs
    from bench.store import PUBLISHED, load
    from bench.store.throughput import read_device_rows
    from bench.terminal.console import wide_console

    console = wide_console()
    for ablation in ("reference", "experiment"):
        try:
            view, published = load(ablation, asked.results), load(ablation, PUBLISHED)
        except Exception as error:
            print(f"{ablation}: {error}")
            continue
        ours = score_runs(view.runs, view.episodes, view.updates)
        theirs = score_runs(published.runs, published.episodes, published.updates)
        total = 0.0
        print(f"\n{ablation}: score here (n), published score of the CPU (n), seconds here")
        for key, part in ours.groupby(["environment", "variant"], sort=False):
            other, runs = (
                rows[(rows["environment"] == key[0]) & (rows["variant"] == key[1])]
                for rows in (theirs, view.runs)
            )
            seconds = float(runs["seconds"].max())
            total += seconds
            print(
                f"{key[0]:28s}{key[1]:28s}{part['score'].mean():10.1f} ({len(part)})"
                f"{other['score'].mean():10.1f} ({len(other)}){seconds:8.0f} s"
            )
        print(f"{'all of these':56s}{total:36.0f} s")
    show_sharing(asked)
    rows, _ = read_device_rows(asked.results)
    if len(rows):
        show(console, rows)


if __name__ == "__main__":
    main()
