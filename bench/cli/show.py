"""`show`: what a run would do, what is there already, how long the rest takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import (
    AlgorithmsOption,
    ControlOption,
    DeviceOption,
    EnvironmentsOption,
    ResultsOption,
    SeedsOption,
    SettingsOption,
    StepsOption,
    TimeLimitOption,
    VariantsOption,
    requested_plan,
)
from bench.cli.words import count, duration, shown, wide_console
from bench.seed_ranges import seed_ranges

if TYPE_CHECKING:
    from bench.plan.identity import Description
    from bench.plan.plan import Plan
    from bench.store import Store


def show(
    *,
    ablation: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="An ablation's name, or your own .py file."),
    ] = None,
    algorithms: AlgorithmsOption = None,
    control: ControlOption = None,
    seeds: SeedsOption = None,
    steps: StepsOption = None,
    time_limit: TimeLimitOption = None,
    environments: EnvironmentsOption = None,
    variants: VariantsOption = None,
    settings: SettingsOption = None,
    device: DeviceOption = "auto",
    results: ResultsOption = None,
) -> None:
    """Show an ablation's plan, what of it is done already, and an estimate of the rest."""
    plan = requested_plan(
        ablation,
        algorithms=algorithms,
        control=control,
        seeds=seeds,
        steps=steps,
        time_limit=time_limit,
        environments=environments,
        variants=variants,
        settings=settings,
        device=device,
    )

    from rich.markup import escape
    from rich.table import Table

    from bench.store import LOCAL, Store
    from bench.store.editions import FIRST_EDITION
    from bench.train.provenance import cores

    store = Store(results or LOCAL)
    console = wide_console()
    print(f"{plan.ablation.title}\n{plan.ablation.question}\n")
    for note in plan.notes:
        print(note)
    finished = store.finished()
    done, stale, missing = _state(plan, finished)
    first_edition = {run for run in stale if finished[run] <= FIRST_EDITION}
    columns = ("variant", "algorithm", "differs from its defaults", "environment", "steps")
    table = Table(*columns, "seeds", "done", "stale", "missing", box=None, header_style="bold")
    for cell in plan.cells:
        runs = {cell.description.run(seed) for seed in cell.seeds}
        texts = [
            cell.variant.name + " (control)" * (cell.variant.name == plan.ablation.control),
            cell.description.algorithm,
            ", ".join(f"{name} = {value}" for name, value in cell.differs.items()) or "–",
            cell.environment,
            f"{cell.description.steps:,}",
            seed_ranges(cell.seeds),
            *(str(len(runs & group)) for group in (done, stale, set(missing))),
        ]
        table.add_row(*map(escape, texts))
    console.print(table)
    if contrasts := list(_contrasts(plan)):
        print("\nHyperparameters that differ, and those that one of the two alone has:")
    for line in contrasts:
        print(f"  {line}")
    print(
        f"\n{count(len(plan.runs()), 'run')}, {len(missing)} of them missing in "
        f"{shown(store.path)}; device {plan.cells[0].description.device}."
    )
    for runs, whose in (
        (stale & first_edition, "the first edition's code"),
        (stale - first_edition, "other code"),
    ):
        if runs:
            print(f"{count(len(runs), 'run')} done by {whose}; run --fresh trains them again.")
    if missing:
        print(_estimated(list(missing.values()), store, cores()))
    for problem in store.problems:
        print(problem)


def _contrasts(plan: Plan) -> Iterator[str]:
    """What differs between each variant and its reference; an environment changes none of it."""
    cells = {cell.variant.name: cell for cell in plan.cells}
    for name, cell in cells.items():
        reference = cells.get(plan.ablation.reference(cell.variant))
        if reference is None or reference is cell:
            continue
        earlier, later = (each.description.hyperparameters for each in (reference, cell))
        parts = [
            f"{field} = {earlier[field]} -> {value}"
            for field, value in later.items()
            if field in earlier and earlier[field] != value
        ]
        contrasts = [", ".join(parts)] if parts else []
        for owner, own, others in (
            (name, later, earlier),
            (reference.variant.name, earlier, later),
        ):
            alone = [f"{field} = {value}" for field, value in own.items() if field not in others]
            if alone:
                contrasts.append(f"{owner} alone: {', '.join(alone)}")
        yield f"{name} vs {reference.variant.name}: {'; '.join(contrasts) or 'none'}"


def _state(
    plan: Plan, finished: Mapping[str, frozenset[str]]
) -> tuple[set[str], set[str], dict[str, Description]]:
    """The runs with a result, those of them from other code, and those without.

    Args:
        finished: run -> digests of the code that it is of.
    """
    from bench.plan.digest import code_digest

    runs = {run: description for run, (description, _) in plan.runs().items()}
    done = {run for run in runs if run in finished}
    stale = {run for run in done if code_digest(runs[run]) not in finished[run]}
    return done, stale, {run: each for run, each in runs.items() if run not in done}


def _estimated(missing: list[Description], store: Store, workers: int) -> str:
    from bench.cli.estimate import Estimate
    from bench.store import PUBLISHED, Store

    for place, source in ((store, "your runs"), (Store(PUBLISHED), "the published runs")):
        seconds = Estimate.of(place).seconds(missing, workers)
        if seconds is not None:
            took = f"about {duration(seconds)} on {count(workers, 'core')}"
            return f"Training them takes {took}, by what {source} took."
    return "How long training takes is not known: no run like some of them is stored yet."
