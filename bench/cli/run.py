"""`run`: train the runs that an ablation lacks, then print what its results show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.executors import check_executor, executor_of
from bench.cli.interruption import interruptible
from bench.cli.options import (
    ABLATION_HELP,
    AblationArgument,
    AddressOption,
    ExecutorOption,
    ResultsOption,
    named_once,
    with_plan_options,
)
from bench.cli.text_tables import print_table
from bench.errors import InputError
from bench.file_names import file_name
from bench.formatting import command_line, count
from bench.requests.estimate import training_time_text
from bench.requests.plan_request import requested_plan
from bench.requests.training import summary_lines, train
from bench.terminal.console import shown, wide_console

if TYPE_CHECKING:
    from rich.console import Console

    from bench.plan.plan import Plan
    from bench.store import Store
    from bench.train.events import Event, Planned
    from bench.train.executors.protocol import Executor


@with_plan_options
def run(
    name: AblationArgument = None,
    *,
    ablation: Annotated[str | None, typer.Option("--ablation", help=ABLATION_HELP)] = None,
    plan_options: dict[str, Any],
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="Number of worker processes.", show_default="one per core"
        ),
    ] = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    results: ResultsOption = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            "--tensorboard", help="Folder to write TensorBoard's event files to while training."
        ),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", help="Print the log file's lines to standard error as well."),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Train all runs again, even those with results.")
    ] = False,
    fresh_before: Annotated[
        datetime | None,
        typer.Option(
            "--fresh-before",
            help="Train runs again that began before this UTC time; give all processes that share "
            "a folder the same time.",
        ),
    ] = None,
) -> None:
    """Train an ablation's runs that have no results yet, then print what all of them show."""
    requested_at = datetime.now(UTC)
    cutoff = requested_at if fresh else fresh_before and fresh_before.replace(tzinfo=UTC)
    if fresh and fresh_before:
        raise InputError("--fresh and --fresh-before exclude each other: give one of the two")
    if cutoff and cutoff > requested_at:
        raise InputError(f"--fresh-before {cutoff:%Y-%m-%dT%H:%M:%S} is in the future, in UTC")
    with interruptible(
        "Interrupted. The workers have ended; what had finished is kept.",
        f"Continue with: {_continuing(sys.argv[1:], cutoff)}",
    ):
        check_executor(executor, address)
        plan = requested_plan(
            named_once(name, ablation),
            **plan_options,
            elsewhere=executor != "local",
        )
        open_executor = partial(executor_of, executor, address, workers=workers)
        failures = _train(plan, results, open_executor, requested_at, cutoff, tensorboard, verbose)
    if failures:
        raise typer.Exit(1)


def _train(
    plan: Plan,
    results: Path | None,
    open_executor: Callable[..., AbstractContextManager[Executor]],
    requested_at: datetime,
    fresh_before: datetime | None,
    tensorboard: Path | None,
    verbose: bool,
) -> bool:
    """Train a plan and print what its results show; return whether a run failed."""
    from bench.store import Store, results_folder
    from bench.terminal.progress import Display
    from bench.train.events import Planned
    from bench.train.live_events import LiveEvents
    from bench.train.standing import Counter

    console = wide_console()
    store = Store(results or results_folder())
    store.check_writable()
    for note in plan.notes:
        print(note)
    descriptions = [cell.description for cell in plan.cells]
    standing = Counter(plan)
    with (
        Display(standing, console) as display,
        open_executor(descriptions, report=display.say) as executor,
    ):

        def announce(event: Event) -> None:
            if isinstance(event, Planned):
                for line in _outlook(event, store, executor.places, descriptions[0].device):
                    display.say(line)

        observers: list[Callable[[Event], None]] = [announce, display]
        if tensorboard is not None:
            observers.append(LiveEvents(standing, tensorboard))
        trained = train(
            plan,
            store,
            standing=standing,
            executor=executor,
            requested_at=requested_at,
            fresh_before=fresh_before,
            observers=observers,
            verbose=verbose,
        )
    figure = None
    try:
        figure = show_results(console, plan.ablation.name, store)
    except InputError as error:  # what has been trained is told all the same
        print(error)
    for line in summary_lines(trained.summary, store):
        print(line)
    print(f"Results: {shown(store.path)}")
    if figure is not None:
        following = command_line("report", plan.ablation.name, results=results)
        print(f"Figure: {shown(figure)}\nNext: {following}")
    if trained.hidden:
        print("figure and bench.load now show this request; the results of earlier ones are kept")
    return bool(trained.summary.failures)


def _outlook(planned: Planned, store: Store, workers: int, device: str) -> Iterator[str]:
    """Yield lines on what there is to train, into which folder, and how long it takes."""
    missing = [row.description for group in planned.groups for row in group.rows]
    steps = sum(description.steps for description in missing)
    yield (
        f"{count(len(missing), 'run')} to train, {count(steps, 'step')} in all, into "
        f"{shown(store.path)}; {planned.kept} kept from before. Device {device}, {workers} at a "
        "time."
    )
    if missing:
        yield training_time_text(missing, store, workers)


def show_results(console: Console, ablation: str, store: Store) -> Path | None:
    """Print the ablation's tables, draw its figure and return its path; None without results."""
    from bench.evidence.figures.kinds import default_kind, picture
    from bench.evidence.figures.output import save
    from bench.evidence.results import Results
    from bench.evidence.tables import ALIGNMENT, HEADER
    from bench.store import load
    from bench.store.schema import RESULTS

    view = load(ablation, store.path)
    if not view.runs["status"].isin(RESULTS).any():
        return None
    evidence = Results(view=view, source=shown(view.source))
    notes = [*evidence.findings.notes]
    for table in evidence.findings.tables:
        console.print()
        print_table(console, table.environment, HEADER, ALIGNMENT, table.cells)
        notes += table.notes
    for note in [*dict.fromkeys(notes), *view.mixed]:
        print(note)
    print()
    try:
        figure = picture(evidence, default_kind(evidence.page)).figure
    except InputError as error:  # no episode has ended
        print(error)
        return None
    return save(figure, store.path / "figures" / f"{file_name(ablation)}.png")


def _continuing(arguments: Sequence[str], fresh_before: datetime | None) -> str:
    """Return the command that trains the runs that this one has left."""
    words = [argument for argument in arguments if argument != "--fresh"]
    if fresh_before is not None and "--fresh-before" not in words:
        # --fresh again would train again what this run has trained.
        words += ["--fresh-before", fresh_before.strftime("%Y-%m-%dT%H:%M:%S")]
    return command_line(*words)
