"""`tune`: search an algorithm's hyperparameters, and write an ablation that tests the best."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.executors import check_executor, executor_of
from bench.cli.interruption import interruptible
from bench.cli.options import (
    AddressOption,
    DeviceOption,
    ExecutorOption,
    ResultsOption,
    TrialTimeLimitOption,
)
from bench.cli.text_tables import print_table
from bench.file_names import file_name
from bench.formatting import command_line, count
from bench.requests.plan_request import requested_plan
from bench.terminal.console import shown, wide_console

if TYPE_CHECKING:
    from optuna import Study

    from bench.plan.plan import Plan
    from bench.train.executors.protocol import Executor
    from bench.tune.request import Request

TRIALS_SHOWN = 10


def tune(
    *,
    algorithm: Annotated[
        str, typer.Option("--algorithm", help="An algorithm's name, or package.module:NAME.")
    ],
    environments: Annotated[
        list[str],
        typer.Option("--env", help="Environment id, repeatable; each trial trains in all of them."),
    ],
    trials: Annotated[
        int,
        typer.Option(
            "--trials", min=1, help="Number of trials in the study, including earlier ones."
        ),
    ] = 40,
    steps: Annotated[
        str, typer.Option("--steps", help="Environment steps per run, like 200k.")
    ] = "300k",
    time_limit: TrialTimeLimitOption = None,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds", min=1, max=100, help="Number of seeds per trial, trained together."
        ),
    ] = 3,
    search: Annotated[
        list[str] | None,
        typer.Option(
            "--search",
            metavar="FIELD[=LOW:HIGH|=A|B]",
            help="Hyperparameter to search, optionally with its range or choices; repeatable.",
            show_default="all numeric ones",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="Set a hyperparameter of all trials, repeatable."
        ),
    ] = None,
    sampler: Annotated[
        str, typer.Option("--sampler", help="Sampler: tpe, cmaes or random.")
    ] = "tpe",
    pruner: Annotated[
        str, typer.Option("--pruner", help="Pruner: median, hyperband, halving or none.")
    ] = "median",
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            help="Optuna storage URL of a database.",
            show_default="a journal in the results folder",
        ),
    ] = None,
    scales: Annotated[
        list[str] | None,
        typer.Option(
            "--scale",
            metavar="ENV=ZERO:ONE",
            help="Returns in an environment that count as scores 0 and 1, repeatable.",
            show_default="untrained and published PPO",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", min=1, help="Number of worker processes.", show_default="one per core"
        ),
    ] = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    device: DeviceOption = "auto",
    results: ResultsOption = None,
) -> None:
    """Search an algorithm's hyperparameters and write the best ones as an ablation to test."""
    with interruptible(
        "Interrupted. The workers have ended; trials with an outcome are kept.",
        f"Continue with: {command_line(*sys.argv[1:])}",
    ):
        check_executor(executor, address)
        plan = requested_plan(
            None,
            algorithms=[algorithm],
            seeds=f"0-{seeds - 1}",
            steps=steps,
            time_limit=time_limit,
            scored=True,
            environments=environments,
            settings=settings,
            device=device,
            elsewhere=executor != "local",
        )
        request = _requested(plan, search, settings)
        descriptions = [cell.description for cell in plan.cells]
        open_executor = partial(executor_of, executor, address, descriptions, workers=jobs)
        _tune(request, trials, sampler, pruner, storage, scales, open_executor, results)


def _requested(plan: Plan, search: list[str] | None, settings: list[str] | None) -> Request:
    """Return the request, with everything about it checked as `run` does."""
    from bench.plan.parsing import parse_settings
    from bench.tune.request import Request
    from bench.tune.scoring import gold_environments
    from bench.tune.space import search_space

    description = plan.cells[0].description
    fixed = {name: description.hyperparameters[name] for name in parse_settings(settings or [])}
    back_ends = {cell.description.environment: cell.description.back_end for cell in plan.cells}
    return Request(
        algorithm=description.algorithm,
        back_ends=back_ends,
        steps=description.steps,
        seeds=plan.cells[0].seeds,
        space=search_space(description.algorithm, searched=search or (), fixed=fixed),
        fixed=fixed,
        device=description.device,
        time_limit=description.time_limit,
        gold=gold_environments(back_ends),
    )


def _tune(
    request: Request,
    trials: int,
    sampler: str,
    pruner: str,
    storage: str | None,
    scales: list[str] | None,
    open_executor: Callable[..., AbstractContextManager[Executor]],
    results: Path | None,
) -> None:
    from bench.cli.output import write_text
    from bench.cli.tuning_progress import TuningDisplay
    from bench.store import Store, results_folder
    from bench.tune.page import plots_page
    from bench.tune.scoring import parsed_scales, scoring_lines
    from bench.tune.study import best_trial, ended_trials, open_study, trials_in_flight
    from bench.tune.summary import table
    from bench.tune.tuner import TRAIN, Tuner
    from bench.tune.winner import ablation_name, winner_ablation

    console = wide_console()
    store = Store(results or results_folder())
    store.check_writable()
    folder = store.path / "studies" / file_name(request.name)
    study = open_study(
        request,
        folder,
        parsed_scales(scales or (), request.environments),
        storage=storage,
        sampler=sampler,
        pruner=pruner,
    )
    print(f"Study {request.name}, {count(len(request.space), 'hyperparameter')} searched:")
    width = max(len(dimension.field) for dimension in request.space)
    for dimension in request.space:
        print(f"    {dimension.field:{width}}  {dimension.words}")
    for line in scoring_lines(request):
        print(line)
    if request.without_default:
        names = ", ".join(request.without_default)
        print(f"The search leaves out the default of {names}, so no trial has the defaults.")
    earlier_best = best_trial(study)
    so_far = None if earlier_best is None else (earlier_best.number, earlier_best.value or 0.0)
    with (
        TuningDisplay(trials, so_far, console) as display,
        open_executor(train=TRAIN, report=display.say) as executor,
    ):
        Tuner(request, study, store, executor, display).run(trials)
    if elsewhere := len(trials_in_flight(study)):
        print(f"{count(elsewhere, 'trial')} being trained by another process: not in what follows.")
    write_text(table(study, request), folder / "trials.csv", "the table")
    print(f"Table: {shown(folder / 'trials.csv')}")
    for problem in store.problems:
        print(problem)
    winner = best_trial(study)
    if winner is None:
        print(f"No trial of study {request.name} is complete.")
        raise typer.Exit(1)
    _show(study, request)
    write_text(plots_page(study, request), folder / "plots.html", "the plots")
    print(f"Plots: {shown(folder / 'plots.html')}")
    text = winner_ablation(
        request,
        request.hyperparameters(winner.params),
        trial=winner.number,
        trials=len(ended_trials(study)),
        value=winner.value or 0.0,
    )
    if text is None:
        print("No trial did better than the defaults, so there is nothing to test.")
        return
    file = folder / "tuned.py"
    write_text(text, file, "the ablation")
    print(
        "A score on the seeds it was chosen by is no evidence. Test it on others, "
        f"as ablation {ablation_name(request)}:"
    )
    print(f"    {command_line('run', '--ablation', shown(file), results=results)}")


def _show(study: Study, request: Request) -> None:
    """Print the best trials, and what the best of them changes."""
    from bench.tune.summary import changes, rows

    console = wide_console()
    trial_rows = rows(study, request)
    complete = [row for row in trial_rows if row.value is not None]
    header = ("trial", "score", *request.environments)
    trials = [
        (
            str(row.number),
            f"{row.value:.3f}",
            *("–" if value is None else f"{value:,.1f}" for value in row.returns),
        )
        for row in complete[:TRIALS_SHOWN]
    ]
    print_table(console, "Best trials", header, ("right",) * len(header), trials)
    settings = ("hyperparameter", "default", "tuned")
    alignment = ("left", "right", "right")
    print_table(console, "The best one", settings, alignment, list(changes(study, request)))
    outcomes = [row.outcome for row in trial_rows]
    counts = ", ".join(
        f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes)
    )
    print(f"{count(len(trial_rows), 'trial')}: {counts}.")
