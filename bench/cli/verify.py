"""`verify`: train stored runs again and compare, bit for bit where bits are promised."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.interruption import interruptible
from bench.cli.options import resolved_device, stored_name
from bench.cli.words import count, shown, wide_console
from bench.errors import InputError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from bench.plan.identity import Description
    from bench.plan.plan import Plan
    from bench.store import Store
    from bench.train.runner import Summary

NEAREST = 5


def verify(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN", help="Ids of runs, or how they begin.", show_default="a short one"
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", help="A results folder.", show_default="results/published"),
    ] = None,
    ablation: Annotated[
        str | None, typer.Option("--ablation", help="Only runs of this ablation.")
    ] = None,
) -> None:
    """Train runs again and compare what they give with what is stored."""
    from bench.store import PUBLISHED, Store

    store = Store(results or PUBLISHED)
    if not store.path.is_dir():
        raise InputError(f"results folder {store.path} does not exist")
    table = _known(store, ablation)
    chosen = _asked(table, runs, store) if runs else _short(table, store)
    with interruptible("Interrupted. The workers have ended; nothing was stored or changed."):
        agree = _train_and_compare(chosen, store)
    if not agree:
        raise typer.Exit(1)


def _known(store: Store, ablation: str | None) -> pd.DataFrame:
    """The store's runs, or those of an ablation."""
    if ablation is None:
        return store.runs()
    described = store.plan(stored_name(ablation))["description"]
    runs = store.runs()
    return runs[runs["description"].isin(described)]


def _asked(table: pd.DataFrame, texts: Iterable[str], store: Store) -> pd.DataFrame:
    """The runs that are named; each of them has a result."""
    from bench.store.schema import RESULTS

    ids = table["run"].tolist()
    named = []
    for text in texts:
        found = [run for run in ids if run.startswith(text)]
        if not found:
            nearest = difflib.get_close_matches(text, ids, n=NEAREST, cutoff=0.0)
            others = [f"{len(ids) - NEAREST:,} others"] if len(ids) > NEAREST else []
            raise unknown(f"run in {shown(store.path)}", text, [*nearest, *others])
        if len(found) > 1:
            begin = ", ".join([*found[:NEAREST], *["…"] * (len(found) > NEAREST)])
            raise InputError(f"run {text!r} is not one run: {begin} begin with it")
        named += found
    chosen = table[table["run"].isin(named)]
    for run in chosen[~chosen["status"].isin(RESULTS)].itertuples():
        raise InputError(f"run {run.run} failed, so there is nothing to compare: {run.reason}")
    return chosen


def _short(table: pd.DataFrame, store: Store) -> pd.DataFrame:
    """One finished run of the fewest steps, of this tree's code if there is one."""
    from bench.plan.digest import code_digest
    from bench.plan.registry import is_algorithm

    known = table[
        (table["status"] == "finished") & table["algorithm"].map(is_algorithm).astype(bool)
    ]
    known = known[known["device"] == "cpu"].copy()
    if known.empty:
        raise InputError(f"no run in {shown(store.path)} that could be trained again")
    current = set()
    for run in known.drop_duplicates(["algorithm", "environment", "back_end"]).itertuples():
        with suppress(FileNotFoundError):  # a back end or a plugin that is not there
            current.add(code_digest(run))
    known["other"] = ~known["digest"].isin(current)
    return known.sort_values(["other", "budget", "seconds", "run"]).iloc[:1]


def _train_and_compare(chosen: pd.DataFrame, store: Store) -> bool:
    """Whether all of them agree."""
    from bench.evidence.agreement import agree, tell
    from bench.plan.retraining import retraining_plan
    from bench.store import Store

    plan = retraining_plan([(_described(run), int(run.seed)) for run in chosen.itertuples()])
    described = set(chosen["description"])
    stored = store.read(
        entry for entry in store.committed().values() if entry.description in described
    )
    if lost := set(chosen["run"]) - set(stored["runs"]["run"].to_pylist()):
        raise InputError("; ".join([f"run {min(lost)} can't be read", *store.problems]))
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
        summary = _train(plan, Store(folder), store)
        fresh = Store(folder)
        results = fresh.finished()
        again = fresh.read(each for run, each in fresh.committed().items() if run in results)
    agreements = agree(stored, again)
    for run in chosen.itertuples():
        if run.run in agreements:
            place = f"{run.algorithm} in {run.environment}, seed {run.seed}"
            print(f"{run.run} ({place}): {agreements[run.run].sentence}")
    for (description, reason), number in summary.failures.items():
        place = f"{description.algorithm} in {description.environment}"
        print(f"{count(number, 'run')} of {place} FAILED: {reason}")
    if agreements:
        print(*tell(agreements), sep="\n")
    for problem in store.problems:
        print(problem)
    return not summary.failures and all(each.holds for each in agreements.values())


def _described(run: pd.Series) -> Description:
    """The description of a stored run, in which its id is rooted."""
    from bench.plan.digest import code_digest
    from bench.plan.identity import Description
    from bench.plan.lookup import load_algorithm

    try:
        description = Description.from_canonical(run.canonical)
    except ValueError as error:
        raise InputError(f"run {run.run} can't be trained again: {error}") from error
    if description.run(int(run.seed)) != run.run:
        raise InputError(f"run {run.run} is not the run that its description and seed name")
    load_algorithm(description.algorithm)
    try:
        code_digest(description)
    except FileNotFoundError as error:
        raise InputError(f"run {run.run} can't be trained again: {error}") from error
    if description.device != "cpu":
        resolved_device(description.device)
    return description


def _train(plan: Plan, fresh: Store, store: Store) -> Summary:
    """Train as `run` does, into a store of its own."""
    from bench.cli.estimate import Estimate
    from bench.cli.progress import Display
    from bench.train import runner
    from bench.train.provenance import cores

    print(f"Training {count(len(plan.runs()), 'run')} of {shown(store.path)} again.")
    with Display(plan, wide_console()) as display:
        return runner.run(
            plan,
            fresh,
            workers=cores(),
            seconds_per_step=Estimate.of(store).seconds_per_step,
            on_event=display,
        )
