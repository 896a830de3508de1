"""`throughput --device cuda`: physics and training on a GPU, by the number of worlds and seeds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.text_tables import print_table
from bench.errors import InputError, unknown
from bench.formatting import count
from bench.plan.back_ends import WARP
from bench.requests.plan_request import resolved_device
from bench.terminal.console import shown, wide_console

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from bench.throughput.on_device import Question

DEFAULT_ALGORITHMS = ("clipped_ppo",)
QUICK_WORLDS, QUICK_SEEDS = (256, 4096), (1, 10)


def device_throughput(
    *,
    algorithms: Sequence[str] | None,
    environments: Sequence[str] | None,
    device: str,
    quick: bool,
    minutes: float,
    results: Path | None,
) -> tuple[pd.DataFrame, bool]:
    """Measure what hasn't been measured on this device at this commit, then print a table.

    Returns:
        The frame of `store.throughput.read_device_rows`, and whether nothing failed.

    Raises:
        InputError: no such device, or an environment that MuJoCo Warp doesn't step.
    """
    environment_ids = list(dict.fromkeys(environments or WARP.ids))
    for environment in environment_ids:
        if environment not in WARP.ids:
            raise unknown("environment of MuJoCo Warp", environment, WARP.ids)
    if device != "cuda":
        raise unknown("device", device, ("cpu", "cuda"))
    resolved = resolved_device(device)

    from bench.store import results_folder
    from bench.throughput.on_device import SEEDS, WORLDS, questions

    requested = questions(
        environment_ids,
        algorithms or DEFAULT_ALGORITHMS,
        QUICK_WORLDS if quick else WORLDS,
        QUICK_SEEDS if quick else SEEDS,
    )
    return measure_and_show(
        requested,
        resolved,
        results or results_folder(),
        seconds=1.0 if quick else 2.0,
        minutes=minutes,
    )


def measure_and_show(
    questions: Sequence[Question], device: str, folder: Path, *, seconds: float, minutes: float
) -> tuple[pd.DataFrame, bool]:
    """Measure what is not in the folder yet, storing each row at once; then print them all.

    Returns:
        As `device_throughput`.
    """
    from bench.store.throughput import read_device_rows, write_device_row
    from bench.throughput.on_device import Failed, device_name, measure
    from bench.train.provenance import provenance

    console = wide_console()
    stored, _ = read_device_rows(folder)
    matching = stored[
        (stored["device"] == device_name(device))
        & (stored["commit"].fillna("") == (provenance().commit or ""))
    ]
    measured = {tuple(row) for row in matching[list(_KEYS)].itertuples(index=False)}
    remaining = [
        question
        for question in questions
        if tuple(getattr(question, name) for name in _KEYS) not in measured
    ]
    deadline = time.monotonic() + 60 * minutes
    attempted, whole = 0, True
    with console.status("") as status:
        for question in remaining:
            if time.monotonic() > deadline:
                break
            attempted += 1
            status.update(
                f"{question.kind} {question.name}, {question.environment}, "
                f"{count(question.worlds, 'world')}"
            )
            for answer in measure([question], device, seconds=seconds):
                if isinstance(answer, Failed):
                    whole = False
                    console.print(f"{question.environment}: {answer.reason}", style="red")
                else:
                    write_device_row(folder, answer)
    rows, problems = read_device_rows(folder)
    if rows.empty:
        raise InputError("nothing could be measured")
    show(console, rows)
    if attempted < len(remaining):
        console.print(
            f"{count(len(remaining) - attempted, 'measurement')} left; the same command goes on"
        )
    console.print(f"Results: {shown(folder / 'device_throughput')}")
    for problem in problems:
        console.print(problem)
    return rows, whole


_KEYS = ("kind", "name", "environment", "seeds", "worlds")


HEADER = (
    *("", "worlds", "seeds", "steps/s", "physics steps/s", "ms/tick", "to environment"),
    *("update", "launches", "MiB"),
)


def show(console: Console, rows: pd.DataFrame) -> None:
    """Print a table per device and environment."""
    for (device, environment), part in rows.groupby(["device", "environment"], sort=False):
        rates = (part["steps"] / part["seconds"]).groupby(
            [part["kind"], part["worlds"]], sort=False
        )
        bare = dict(rates.last().get("environment", {}))
        positions = {"physics": 0, "environment": 1, "training": 2}
        cells = []
        order = part.assign(place=part["kind"].map(positions))
        for row in order.sort_values(["place", "name", "worlds"]).itertuples():
            rate = row.steps / row.seconds
            bare_rate = bare.get(row.worlds)
            cells.append(
                (
                    row.name or row.kind,
                    f"{row.worlds:,}",
                    str(row.seeds) if row.seeds else "",
                    f"{rate:,.0f}",
                    f"{rate * row.substeps:,.0f}",
                    f"{1e3 * row.seconds / max(row.ticks, 1):,.2f}",
                    f"{rate / bare_rate:.2f}" if row.kind == "training" and bare_rate else "",
                    "" if row.update != row.update else f"{row.update:.0%}",
                    "" if row.busy != row.busy else f"{1 - row.busy:.0%}",
                    "" if row.memory != row.memory else f"{row.memory:,.0f}",
                )
            )
        title = f"{environment} on {device}"
        print_table(console, title, HEADER, ("left", *["right"] * (len(HEADER) - 1)), cells)
    console.print(
        "physics: substeps alone, random actions; environment: whole steps; launches: the share "
        "of a tick in which no kernel ran."
    )
