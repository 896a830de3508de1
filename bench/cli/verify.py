"""`verify`: train stored runs again and compare, bit for bit where bits are promised."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.choosing import (
    Imports,
    OnlyAblation,
    description_of,
    importable,
    name_and_modules,
    runs_named,
    runs_of,
)
from bench.cli.interruption import interruptible
from bench.cli.json_output import JsonOption, answering
from bench.errors import InputError
from bench.formatting import count
from bench.requests.other_code import of_code
from bench.requests.plan_request import resolved_device
from bench.requests.training import outcome_lines
from bench.terminal.console import shown, wide_console

if TYPE_CHECKING:
    import pandas as pd

    from bench.plan.identity import Description
    from bench.plan.plan import Plan
    from bench.store import Store
    from bench.train.events import Summary


def verify(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN", help="Run ids, or their beginnings.", show_default="a short run"
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", help="The results folder.", show_default="results/published"),
    ] = None,
    ablation: OnlyAblation = None,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="Where runs were trained by other code, replay the beginning of one run per "
            "description; if its bits agree, mark the runs as valid for this code.",
        ),
    ] = False,
    modules: Imports = None,
    as_json: JsonOption = False,
) -> None:
    """Train runs again and compare their results with the stored ones."""
    from bench.store import PUBLISHED, Store, result_folders

    (folder,) = result_folders(results or PUBLISHED)
    store = Store(folder)
    name, allowed = name_and_modules(ablation, modules)
    table = runs_of(store, name)
    table = runs_named(table, runs, store) if runs else table
    table = importable(table, allowed, store)
    kept = "what agreed is adopted" if adopt else "nothing was stored or changed"
    interruption = interruptible(f"Interrupted. The workers have ended; {kept}.")
    with answering(as_json) as answer, interruption:
        if adopt:
            from bench.cli.replay import replay

            answer["agree"] = replay(table, store, _train, answer)
        else:
            chosen = table if runs else _shortest(table, store)
            answer["agree"] = _train_and_compare(chosen, store, answer)
        if not answer["agree"]:
            raise typer.Exit(1)


def _shortest(table: pd.DataFrame, store: Store) -> pd.DataFrame:
    """Return the finished run of the fewest steps, of this tree's code if there is one."""
    from bench.plan.digest import code_digest
    from bench.plan.registry import is_algorithm
    from bench.store.imported import trained

    table = trained(table)
    trainable = table[
        (table["status"] == "finished") & table["algorithm"].map(is_algorithm).astype(bool)
    ]
    trainable = trainable[trainable["device"] == "cpu"].copy()
    if trainable.empty:
        raise InputError(f"no run in {shown(store.path)} that could be trained again")
    digests = set()
    for run in trainable.drop_duplicates(["algorithm", "environment", "back_end"]).itertuples():
        with suppress(FileNotFoundError):  # a back end or a plugin that is not there
            digests.add(code_digest(run))
    trainable["other"] = ~of_code(trainable, *digests)
    return trainable.sort_values(["other", "budget", "seconds", "run"]).iloc[:1]


def _train_and_compare(chosen: pd.DataFrame, store: Store, answer: dict[str, Any]) -> bool:
    """Return whether all runs agree, and put each one's outcome into the answer."""
    from bench.evidence.agreement import agree, summary_lines
    from bench.plan.retraining import retraining_plan
    from bench.store import Store

    plan = retraining_plan([(_described(run), int(run.seed)) for run in chosen.itertuples()])
    descriptions = set(chosen["description"])
    stored = store.read(
        entry for entry in store.committed().values() if entry.description in descriptions
    )
    if lost := set(chosen["run"]) - set(stored["runs"]["run"].to_pylist()):
        raise InputError("; ".join([f"run {min(lost)} can't be read", *store.problems]))
    print(f"Training {count(len(plan.runs()), 'run')} of {shown(store.path)} again.")
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
        summary = _train(plan, Store(folder), store)
        fresh = Store(folder)
        results = fresh.finished()
        retrained = fresh.read(entry for run, entry in fresh.committed().items() if run in results)
    agreements = agree(stored, retrained)
    for run in chosen.itertuples():
        if run.run in agreements:
            place = f"{run.algorithm} in {run.environment}, seed {run.seed}"
            print(f"{run.run} ({place}): {agreements[run.run].sentence}")
    for line in outcome_lines("FAILED", summary.failures):
        print(line)
    answer["runs"] = {
        run: {"outcome": agreement.outcome, "sentence": agreement.sentence}
        for run, agreement in agreements.items()
    }
    if agreements:
        print(*summary_lines(agreements), sep="\n")
    for problem in store.problems:
        print(problem)
    return not summary.failures and all(agreement.holds for agreement in agreements.values())


def _described(run: pd.Series) -> Description:
    """Return the description of a stored run; InputError if it can't be trained again."""
    from bench.plan.digest import code_digest

    description = description_of(run)
    try:
        code_digest(description)
    except FileNotFoundError as error:
        raise InputError(f"run {run.run} can't be trained again: {error}") from error
    if description.device != "cpu":
        resolved_device(description.device)
    return description


def _train(plan: Plan, fresh: Store, store: Store) -> Summary:
    """Train a plan as `run` does, into another store than the one to compare with."""
    from bench.requests.estimate import Estimate
    from bench.terminal.progress import Display
    from bench.train import runner
    from bench.train.executors.processes import processes_for
    from bench.train.standing import Counter, combined_observer

    standing = Counter(plan)
    with Display(standing, wide_console()) as display:
        return runner.run(
            plan,
            fresh,
            executor=processes_for([cell.description for cell in plan.cells], None),
            seconds_per_step=Estimate.of(store).seconds_per_step,
            on_event=combined_observer(standing, display),
        )
