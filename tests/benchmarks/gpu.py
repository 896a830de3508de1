"""Everything that is to be measured on a GPU: 15 minutes in all, in parts of at most 3.

    python tests/benchmarks/gpu.py [PART] [--device cuda] [--results DIR] [--toy]

    learning    PPO's first 100k steps on HalfCheetah-v5 and Hopper-v5, beside the CPU's first 100k
    training    training steps/s against worlds, and the share of the physics
    sharing     the share lost to launches; four programs one by one, by streams, by processes
    experiment  the Experiment's algorithms at 64 slots a seed, and what all of it would take
    tests       the tests that need a GPU

Without PART all of them, the most informative first. What is measured already isn't measured
again: the same command goes on. Each part prints its table and writes it to DIR/PART.md. Compiled
kernels stay in DIR/kernels. `--device cpu --toy` tries all of it where there is no GPU, at a size
that means nothing and for as long as it takes.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

SECONDS = 180
ENVIRONMENTS = ("HalfCheetah-v5", "Hopper-v5")
SIZES = ((10, 8), (256, 8), (256, 64), (1_024, 64))
"""Rows and slots a row that train."""
TOGETHER = ("clipped_ppo", "advantage", "a2c", "importance_sampling")
"""Programs that share the device."""
SLOTS = 64

Row = dict[str, Any]


def main() -> None:
    """Run one part, or all of them, each in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", choices=PARTS)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "gpu")
    parser.add_argument("--toy", action="store_true")
    arguments = parser.parse_args()
    os.environ.setdefault("WARP_CACHE_PATH", str(arguments.results.absolute() / "kernels"))
    if arguments.part is None:
        options = sys.argv[1:]
        for part in PARTS:
            subprocess.run([sys.executable, __file__, part, *options], check=False)
        return
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(0 if arguments.toy else SECONDS)
    start = time.monotonic()
    try:
        PARTS[arguments.part](arguments)
    except KeyboardInterrupt:
        print(f"{arguments.part}: {SECONDS} s are over; the same command goes on")
    print(f"{arguments.part}: {time.monotonic() - start:.0f} s", flush=True)


def learning(arguments: argparse.Namespace) -> None:
    """Both environments at once; mean return of the last tenth of the steps, and 95% intervals."""
    from bench.plan.lookup import load_ablation
    from bench.plan.plan import make_plan
    from bench.store import PUBLISHED, Store, load
    from bench.train import runner
    from bench.train.executors.processes import Processes

    steps = 600 if arguments.toy else 100_000
    plan = make_plan(
        load_ablation("reference"),
        back_end_of=lambda environment: "warp",
        device=arguments.device,
        environments=ENVIRONMENTS,
        steps=steps,
        seeds=range(2 if arguments.toy else 10),
        settings={"batch_steps": "256"} if arguments.toy else None,
    )
    store = Store(arguments.results)
    store.check_writable()
    store.write_plan(plan.rows(datetime.now(UTC)))
    summary = runner.run(
        plan, store, executor=Processes(1, together=2), checkpoints=store.path / "checkpoints"
    )
    for (description, reason), number in summary.failures.items():
        print(f"{number} runs of {description.environment} FAILED: {reason}")
    here, published = (load("reference", path) for path in (store.path, PUBLISHED))
    rows = []
    for environment in ENVIRONMENTS:
        ours, theirs = (_interval(view, environment, steps) for view in (here, published))
        seconds = here.runs.query("environment == @environment")["seconds"].max()
        rows.append(
            {
                "environment": environment,
                "return here (n)": _interval_text(*ours),
                "on the CPU (n)": _interval_text(*theirs),
                "inside the CPU's interval": "yes"
                if abs(ours[0] - theirs[0]) <= theirs[1]
                else "no",
                "seconds": round(float(seconds)),
            }
        )
    show(arguments, "learning", rows)


def _interval(view: Any, environment: str, steps: int) -> tuple[float, float, int]:
    """Mean over seeds of the return in the last tenth of the steps, half its interval, and n."""
    from scipy.stats import t

    chosen = view.episodes.query(
        "environment == @environment and step <= @steps and step > 0.9 * @steps"
    )
    means = chosen.groupby("seed")["return"].mean()
    half = t.ppf(0.975, max(len(means) - 1, 1)) * means.std() / len(means) ** 0.5
    return float(means.mean()), float(half), len(means)


def _interval_text(mean: float, half: float, number: int) -> str:
    return f"{mean:,.0f} ± {half:,.0f} ({number})"


def training(arguments: argparse.Namespace) -> None:
    """Of each size the physics alone, then training: so each share is there when time ends."""
    from bench.throughput.on_device import Failed, Question, measure

    sizes = ((1, 8), (2, 8)) if arguments.toy else SIZES
    measured = stored(arguments, "training")
    for rows, slots in sizes:
        for environment in ENVIRONMENTS:
            worlds, case = rows * slots, {"environment": environment, "rows": rows, "slots": slots}
            if any(row.items() >= case.items() for row in measured):
                continue
            common = {"environment": environment, "worlds": worlds}
            questions = [
                Question(kind="physics", name="", seeds=0, **common),
                Question(kind="training", name="clipped_ppo", seeds=rows, **common),
            ]
            physics, trained = measure(
                questions, arguments.device, seconds=0.1 if arguments.toy else 1.0
            )
            if isinstance(physics, Failed) or isinstance(trained, Failed):
                print(environment, rows, slots, physics, trained)
                continue
            physics_rate, training_rate = (_rate(measurement) for measurement in (physics, trained))
            keep(
                arguments,
                "training",
                {
                    **case,
                    "worlds": worlds,
                    "physics steps/s": round(physics_rate),
                    "training steps/s": round(training_rate),
                    "of the physics": round(training_rate / physics_rate, 3),
                    "update": round(_number(trained["update"]), 3),
                    "MiB": trained["memory"] and round(_number(trained["memory"])),
                },
            )
    show(arguments, "training", stored(arguments, "training"))


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _rate(row: Mapping[str, object]) -> float:
    return _number(row["steps"]) / _number(row["seconds"])


def sharing(arguments: argparse.Namespace) -> None:
    """Launches first, which takes seconds; then the same four programs in three ways."""
    from bench.throughput.on_device import Failed, Question, measure
    from bench.train.executors.processes import Processes

    measured = {entry["what"] for entry in stored(arguments, "sharing")}
    for environment in ENVIRONMENTS:
        for worlds in (4, 8) if arguments.toy else (80, 2_048, 16_384):
            label = f"a tick of {environment}, {worlds} worlds"
            if label in measured:
                continue
            question = Question(
                kind="environment", name="", environment=environment, seeds=0, worlds=worlds
            )
            (row,) = measure([question], arguments.device, seconds=0.1 if arguments.toy else 1.0)
            if isinstance(row, Failed):
                print(label, row.reason)
                continue
            busy = row["busy"]
            lost = "" if busy is None else f"{1 - _number(busy):.0%} without a kernel"
            keep(arguments, "sharing", {"what": label, "steps/s": round(_rate(row)), "of it": lost})
    groups = programs(arguments, TOGETHER, seeds=10, slots=8, steps=8_192)
    number = len(groups)
    ways: dict[str, Callable[[], Processes]] = {
        "one by one": lambda: Processes(1),
        "by streams": lambda: Processes(1, together=number),
        "by processes": lambda: Processes(number),
    }
    for way, executor in ways.items():
        label = f"{number} programs of Hopper-v5, {way}"
        if label not in measured:
            steps, seconds = _trained(executor(), groups)
            rate = {"steps/s": round(steps / seconds), "of it": f"{seconds:.1f} s"}
            keep(arguments, "sharing", {"what": label, **rate})
    show(arguments, "sharing", stored(arguments, "sharing"))


def experiment(arguments: argparse.Namespace) -> None:
    """All algorithms on one environment at once; each is scaled up from the speed that it had."""
    from ablations.experiment import ABLATION
    from bench.train.executors.processes import Processes

    names = [variant.algorithm for variant in ABLATION.variants]
    if not stored(arguments, "experiment"):
        groups = programs(arguments, names, seeds=10, slots=SLOTS, steps=32_000)
        steps, seconds = _trained(Processes(1, together=len(groups)), groups)
        total_steps = len(names) * 10 * ABLATION.steps
        row = {
            "what": f"Hopper-v5, {len(names)} programs of 10 rows, {SLOTS} slots a row",
            "steps/s": round(steps / seconds),
            "minutes for 1M steps": round(total_steps / (steps / seconds) / 60, 1),
            "minutes for all environments": round(
                len(ABLATION.environments) * total_steps / (steps / seconds) / 60, 1
            ),
        }
        keep(arguments, "experiment", row)
    show(arguments, "experiment", stored(arguments, "experiment"))


def programs(
    arguments: argparse.Namespace, names: Sequence[str], *, seeds: int, slots: int, steps: int
) -> list[Any]:
    """Groups of Hopper-v5, one an algorithm, each at so many slots."""
    from bench.plan.identity import Description
    from bench.plan.lookup import load_algorithm
    from bench.train.events import Group

    slots, seeds, steps = (4, 2, 200) if arguments.toy else (slots, seeds, steps)
    groups = []
    for name in names:
        declared = load_algorithm(name).hyperparameters
        settings = {"slots": slots}
        if "batch_steps" in declared.__dataclass_fields__:
            default = declared()
            if default.batch_steps % slots:
                # As many ticks a batch as there were.
                settings["batch_steps"] = default.batch_steps // default.slots * slots
        if arguments.toy:
            small = {"minibatch": 4, "critic_minibatch": 4}
            settings |= {k: v for k, v in small.items() if k in declared.__dataclass_fields__}
        description = Description(
            algorithm=name,
            hyperparameters=vars(declared(**settings)),
            environment="Hopper-v5",
            steps=steps,
            back_end="warp",
            device=arguments.device,
        )
        groups.append(Group.of(description, range(seeds)))
    return groups


def _trained(executor: Any, groups: Sequence[Any]) -> tuple[int, float]:
    """Steps and seconds from when all have begun, or the first has ended, to the end of the last.

    What starts a process and records its graphs is left out, as far as all do it at once.
    """
    steps: dict[int, int] = {}
    marks: list[tuple[float, int]] = []
    waiting = list(enumerate(groups))
    seconds = 0.0
    try:
        while waiting or executor.busy:
            while waiting and executor.free:
                executor.give(waiting.pop(0)[1])
            for message in executor.messages(1.0):
                number = next(i for i, group in enumerate(groups) if group is message.group)
                if message.kind == "failed":
                    raise RuntimeError(message.content)
                if message.kind == "progress":
                    steps[number] = sum(message.content.steps)
                else:
                    results = message.content.values()
                    steps[number] = sum(result.steps for result in results)
                    seconds += max(result.seconds for result in results)
                marks.append((time.monotonic(), sum(steps.values())))
    finally:
        executor.end()
    if executor.places == 1:
        return sum(steps.values()), seconds
    (first, before), (last, after) = marks[0], marks[-1]
    return after - before, last - first


def tests(arguments: argparse.Namespace) -> None:
    """Those with the marker `gpu`; with --toy the quick ones of the device's path on the CPU."""
    selection = ["tests/train/device/test_per_row.py"] if arguments.toy else ["-m", "gpu"]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *selection]
    subprocess.run(command, cwd=ROOT, check=False)


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    function.__name__: function for function in (learning, training, sharing, experiment, tests)
}


def keep(arguments: argparse.Namespace, part: str, row: Row) -> None:
    """Add a measurement to the part's file."""
    print(row, flush=True)
    arguments.results.mkdir(parents=True, exist_ok=True)
    with (arguments.results / f"{part}.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def stored(arguments: argparse.Namespace, part: str) -> list[Row]:
    """What the part has measured so far."""
    file = arguments.results / f"{part}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def show(arguments: argparse.Namespace, part: str, rows: Sequence[Row]) -> None:
    """Print the part's table, and write it to its file."""
    text = "\n".join(_table(rows))
    print(text, flush=True)
    (arguments.results / f"{part}.md").write_text(text + "\n")


def _table(rows: Sequence[Row]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(rows[0])} |"
    yield "|" + "---|" * len(rows[0])
    for row in rows:
        cells = (f"{value:,}" if isinstance(value, int) else str(value) for value in row.values())
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
