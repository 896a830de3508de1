"""`throughput`: how fast training is, compared with bare physics and with other libraries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from algorithms import ALGORITHMS, SEQUENCE_ALGORITHMS
from bench.cli.interruption import interruptible
from bench.cli.json_output import JsonOption, answering
from bench.cli.options import ResultsOption
from bench.cli.text_tables import print_table
from bench.errors import InputError, unknown
from bench.formatting import count, duration
from bench.plan.registry import canonical_algorithm
from bench.terminal.console import shown, wide_console

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from bench.throughput.session import Rival

SHARES = ("physics", "acting", "update", "rest")
ENVIRONMENTS = ("HalfCheetah-v5", "Hopper-v5", "Walker2d-v5")


def throughput(
    algorithms: Annotated[
        list[str] | None,
        typer.Option(
            "--algorithm",
            help="Measure only this algorithm, repeatable.",
            show_default="all; with cuda clipped_ppo",
        ),
    ] = None,
    environments: Annotated[
        list[str] | None,
        typer.Option(
            "--env",
            help="Environment id, repeatable.",
            show_default="three of MuJoCo's; with cuda all that Warp steps",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", min=1, help="Seeds of the group that each core trains.", show_default="10"
        ),
    ] = None,
    peers: Annotated[
        bool,
        typer.Option(
            "--peers",
            help="Also measure other libraries, on the first environment; installs them if needed.",
        ),
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Run one short round: a first look, not a measurement.")
    ] = False,
    sweep: Annotated[
        bool,
        typer.Option(
            help="Also measure the last algorithm with 1 to 64 seeds, on the first environment."
        ),
    ] = True,
    rounds: Annotated[
        int | None,
        typer.Option("--rounds", min=1, help="Number of rounds.", show_default="5; 1 with --quick"),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            "--device",
            help="cpu; or cuda: measure the GPU at several numbers of worlds.",
        ),
    ] = "cpu",
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            min=0.1,
            help="With cuda: stop after this many minutes; the same command continues.",
            show_default="60",
        ),
    ] = None,
    results: ResultsOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", help="Also draw the measurement into this .png, .pdf or .svg file."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure training steps per second, beside a bare EnvPool loop on the same cores.

    With --device cuda, measure physics, environments and training on the GPU instead. The exit code
    is 1 if something could not be measured.
    """
    processor_only = {
        "--seeds": seeds,
        "--peers": peers or None,
        "--no-sweep": None if sweep else True,
        "--rounds": rounds,
        "--output": output,
    }
    unused = {"--minutes": minutes} if device == "cpu" else processor_only
    for option, value in unused.items():
        if value is not None:
            raise InputError(f"{option} has no effect with --device {device}")
    stepping = [name for name in ALGORITHMS if name not in SEQUENCE_ALGORITHMS]
    names = list(dict.fromkeys(map(canonical_algorithm, algorithms or stepping)))
    for name in names:
        if name in SEQUENCE_ALGORITHMS:
            raise unknown("algorithm with actions to measure", name, stepping)
    worlds = list(dict.fromkeys(environments or ENVIRONMENTS))
    if device != "cpu":
        from bench.cli.device_throughput import device_throughput

        with answering(as_json) as answer:
            rows, whole = device_throughput(
                algorithms=algorithms and names,
                environments=environments,
                device=device,
                quick=quick,
                minutes=minutes or 60.0,
                results=results,
            )
            answer["measurements"] = rows.to_dict("records")
            if not whole:
                raise typer.Exit(1)
        return
    if output is not None:
        from bench.evidence.figures.output import check_output

        check_output(output)

    import pandas as pd

    from bench.evidence.throughput import summarise
    from bench.plan.back_ends import ENVPOOL
    from bench.store import results_folder
    from bench.store.throughput import check_writable
    from bench.throughput.session import all_rivals
    from bench.train.environments import describe

    for world in worlds:
        if describe(world).back_end != ENVPOOL.name:
            raise InputError(
                f"environment {world!r} is not stepped by EnvPool, whose bare loop training is "
                f"compared with. Allowed: {', '.join(sorted(ENVPOOL.ids))}"
            )
    folder = results or results_folder()
    check_writable(folder)
    seeds = seeds or 10
    rivals = all_rivals(names, worlds, seeds, peers=peers, sweep=sweep)
    round_count, seconds = rounds or (1 if quick else 5), 1.0 if quick else 4.0
    with answering(as_json) as answer:
        table, whole = _measure(
            rivals, round_count, seconds, folder, output, main=names[-1], seeds=seeds
        )
        answer["rivals"] = summarise(pd.DataFrame(table)).to_dict("records")
        if not whole:
            raise typer.Exit(1)


def _measure(
    rivals: Sequence[Rival],
    rounds: int,
    seconds: float,
    folder: Path,
    output: Path | None,
    *,
    main: str,
    seeds: int,
) -> tuple[list[dict[str, object]], bool]:
    """Measure, store and print; return the rows of the session, and whether none is missing."""
    from bench.throughput.session import Failed, measure

    console = wide_console()
    expected = rounds * sum(_expected(rival, seconds) for rival in rivals)
    console.print(
        f"{count(len(rivals), 'rival')}, {count(rounds, 'round')}, about {duration(expected)}; "
        "leave the machine alone meanwhile"
    )
    rows: list[dict[str, object]] = []
    whole_rounds, failed = 0, False

    def finish() -> None:
        _store_and_show(console, folder, rows, output, main=main, seeds=seeds)

    def keep() -> None:
        if not rows:
            console.print("Nothing had been measured.")
            return
        console.print(
            f"Kept: {count(whole_rounds, 'whole round')} of {rounds:,}, "
            "and what was measured of the next."
        )
        finish()

    with interruptible("Interrupted.", keep=keep), console.status("") as status:

        def show_turn(turn: int, rival: Rival) -> None:
            nonlocal whole_rounds
            whole_rounds = turn
            status.update(_turn_text(turn, rounds, rival))

        for answer in measure(rivals, rounds=rounds, seconds=seconds, on_event=show_turn):
            if isinstance(answer, Failed):
                failed = True
                console.print(
                    f"{answer.rival.name} can't be measured: {answer.reason}", style="red"
                )
            else:
                rows += answer
    if not rows:
        raise InputError("nothing could be measured")
    finish()
    return rows, not failed


def _store_and_show(
    console: Console,
    folder: Path,
    rows: list[dict[str, object]],
    output: Path | None,
    *,
    main: str,
    seeds: int,
) -> None:
    from bench.store.throughput import read_latest, write_session

    path = write_session(folder, rows)
    table, problems = read_latest(folder)
    show(console, table, main=main, seeds=seeds)
    console.print(f"Results: {shown(path)}")
    if output is not None:
        from bench.evidence.figures.furniture import furnish
        from bench.evidence.figures.output import save
        from bench.evidence.figures.throughput import caption, draw
        from bench.peers.catalogue import PEERS

        figure = draw(table, titles=lambda name: PEERS[name].title if name in PEERS else name)
        furnish(figure, caption=[caption(table, source=shown(folder))])
        console.print(f"Figure: {shown(save(figure, output))}")
    for problem in problems:
        console.print(problem)


def _expected(rival: Rival, seconds: float) -> float:
    """Return roughly how long a measurement takes, warm-up included [s]."""
    return {"bare": 1.2, "training": 2.0, "peer": 4.0}[rival.kind] * seconds


def _turn_text(turn: int, rounds: int, rival: Rival) -> str:
    size = f", {count(rival.seeds, 'seed')}" if rival.seeds else ""
    return (
        f"round {turn + 1} of {rounds}: {rival.name}{size}, {rival.environment}, "
        f"{count(rival.environments, 'environment')} per core"
    )


def show(console: Console, rows: pd.DataFrame, *, main: str, seeds: int) -> None:
    """Print a table per environment, and how the peers compare."""
    from bench.evidence.throughput import peer_ratios, summarise

    summary = summarise(rows)
    for environment, part in summary.groupby("environment", sort=False):
        cells = []
        for row in part.itertuples():
            is_training = row.kind == "training"
            shares = (getattr(row, name) for name in SHARES)
            ratio = f"{row.ratio:.2f} ({row.ratio_low:.2f} to {row.ratio_high:.2f})"
            cells.append(
                (
                    str(row.name),
                    str(row.seeds) if row.seeds else "",
                    str(row.environments),
                    f"{row.steps_per_second:,.0f} ({row.low:,.0f} to {row.high:,.0f})",
                    ratio if is_training else "",
                    *(f"{share:.0%}" if is_training else "" for share in shares),
                    f"{row.memory:,.0f}",
                    "noisy" if row.noisy else "",
                )
            )
        columns = ("seeds", "environments", "steps/s", "to bare", *SHARES, "MiB", "")
        print_table(
            console, str(environment), ("", *columns), ("left", *["right"] * len(columns)), cells
        )
    comparisons = peer_ratios(rows, main, seeds)
    for row in comparisons.itertuples():
        console.print(
            f"{row.environment}: {main} with {count(seeds, 'seed')} is {row.times:.1f} times "
            f"{row.name} with {count(row.environments, 'environment')} "
            f"({row.times_low:.1f} to {row.times_high:.1f})"
        )
    cores = int(summary["cores"].max())
    fewest, most = int(summary["rounds"].min()), int(summary["rounds"].max())
    rounds = count(most, "round") if fewest == most else f"{fewest} to {count(most, 'round')}"
    console.print(
        f"Medians over {rounds} (least to most), "
        f"{count(cores, 'core')} at once, one process of one thread on each."
    )
    if summary["noisy"].any():
        console.print(
            "noisy: rounds differ by more than 15%, or others had the core for over 10% of the "
            "time; don't quote these figures, measure again on a quiet machine.",
            style="yellow",
        )
