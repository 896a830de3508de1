"""`show`: what a run would do, which results are there, how long the rest takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ablations import ABLATIONS
from algorithms import ALGORITHMS
from bench.cli.algorithm_page import print_algorithm
from bench.cli.json_output import JsonOption, answering
from bench.cli.options import PLAN_OPTIONS, ResultsOption, with_plan_options
from bench.cli.text_tables import print_table
from bench.errors import InputError, unknown
from bench.formatting import count, seed_ranges
from bench.plan.lookup import load_algorithm
from bench.plan.registry import is_algorithm, plugin_algorithms
from bench.requests.estimate import training_time_text
from bench.requests.plan_request import requested_plan
from bench.terminal.console import shown, wide_console

if TYPE_CHECKING:
    from bench.plan.identity import Description
    from bench.plan.plan import Plan


@with_plan_options
def show(
    *,
    ablation: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="An ablation's name, the path of your own .py file, or an algorithm's name.",
        ),
    ] = None,
    plan_options: dict[str, Any],
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an ablation's plan and progress, or an algorithm's equation and settings."""
    algorithms = plan_options["algorithms"]
    is_single = bool(algorithms) and len(algorithms) == 1 and not plan_options["environments"]
    name = algorithms[0] if algorithms and is_single else ablation
    with answering(as_json) as answer:
        if name is not None and (is_single or _is_algorithm_alone(name)):
            _refuse_plan_options(plan_options, name, ablation if is_single else None)
            answer.update(print_algorithm(load_algorithm(name), name))
            return
        plan = requested_plan(ablation, **plan_options)
        answer.update(_print_plan(plan, results))
        if ablation in ALGORITHMS:
            print(f"Its algorithm of the same name: python -m bench show --algorithm {ablation}")


def _refuse_plan_options(options: Mapping[str, Any], name: str, ablation: str | None) -> None:
    """Raise InputError if an algorithm's page is asked for together with what only a plan has."""
    if ablation is not None:
        raise InputError("name an ablation or an algorithm, not both")
    for option, (declared, default) in PLAN_OPTIONS.items():
        if option != "algorithms" and options[option] != default:
            flag = get_args(declared)[1].default  # where Typer keeps the first of its names
            raise InputError(f"{flag} is for an ablation, and {name} is an algorithm")


def _is_algorithm_alone(name: str) -> bool:
    """Whether a name is that of an algorithm and of no ablation; InputError if of neither."""
    if name in ABLATIONS or name.endswith(".py"):
        return False
    # Packages are looked through only for a name that the suite hasn't.
    if not is_algorithm(name) and name not in (plugins := plugin_algorithms()):
        allowed = (*ABLATIONS, "the path of a .py file", *ALGORITHMS, *plugins)
        raise unknown("ablation or algorithm", name, allowed)
    return True


def _print_plan(plan: Plan, results: Path | None) -> dict[str, object]:
    """Print a plan and how much of it is done; return the same for JSON output."""
    from bench.store import Store, results_folder
    from bench.train.provenance import cores
    from bench.train.standing import standings

    store = Store(results or results_folder())
    console = wide_console()
    print(f"{plan.ablation.title}\n{plan.ablation.question}\n")
    for note in plan.notes:
        print(note)
    finished = store.finished()
    done, stale, missing = _state(plan, finished)
    in_flight = (group for standing in standings(store.claims) for group in standing.groups)
    training = {run for group in in_flight for run in group.runs}
    columns = ("variant", "algorithm", "differs from its defaults", "steps")
    groups = {"done": done, "stale": stale, "missing": set(missing)}
    if training & missing.keys():
        groups["training"] = training & missing.keys()
    header = (*columns, "seeds", *groups)
    rows: dict[str, list[list[str]]] = {}
    cells = []
    for cell in plan.cells:
        runs = {cell.description.run(seed) for seed in cell.seeds}
        numbers = {name: len(runs & group) for name, group in groups.items()}
        cells.append(
            {
                "variant": cell.variant.name,
                "algorithm": cell.description.algorithm,
                "environment": cell.environment,
                "steps": cell.description.steps,
                "seeds": cell.seeds,
                "differs": cell.differs,
                **numbers,
            }
        )
        texts = [
            cell.variant.name + " (control)" * (cell.variant.name == plan.ablation.control),
            cell.description.algorithm,
            ", ".join(f"{name} = {value}" for name, value in cell.differs.items()) or "–",
            f"{cell.description.steps:,}",
            seed_ranges(cell.seeds),
            *map(str, numbers.values()),
        ]
        rows.setdefault(cell.environment, []).append(texts)
    alignment = ("left",) * 3 + ("right", "left") + ("right",) * len(groups)
    for environment, environment_rows in rows.items():
        print_table(console, environment, header, alignment, environment_rows)
    if contrasts := list(_contrasts(plan)):
        print("\nHyperparameters that differ, and those that one of the two alone has:")
    for line in contrasts:
        print(f"  {line}")
    print(
        f"\n{count(len(plan.runs()), 'run')}, {len(missing)} of them missing in "
        f"{shown(store.path)}; device {plan.cells[0].description.device}."
    )
    if stale:
        print(f"{count(len(stale), 'run')} done by other code; run --fresh trains them again.")
    if missing:
        print(training_time_text(list(missing.values()), store, cores()))
    for problem in store.problems:
        print(problem)
    return {"ablation": plan.ablation.name, "question": plan.ablation.question, "cells": cells}


def _contrasts(plan: Plan) -> Iterator[str]:
    """Yield the differences of each variant from its reference, equal in all environments."""
    cells = {cell.variant.name: cell for cell in plan.cells}
    for name, cell in cells.items():
        reference = cells.get(plan.ablation.reference(cell.variant))
        if reference is None or reference is cell:
            continue
        earlier, later = (side.description.hyperparameters for side in (reference, cell))
        parts = [
            f"{field} = {earlier[field]} -> {value}"
            for field, value in later.items()
            if field in earlier and earlier[field] != value
        ]
        contrasts = [", ".join(parts)] if parts else []
        for owner, values, other_values in (
            (name, later, earlier),
            (reference.variant.name, earlier, later),
        ):
            alone = [
                f"{field} = {value}" for field, value in values.items() if field not in other_values
            ]
            if alone:
                contrasts.append(f"{owner} alone: {', '.join(alone)}")
        yield f"{name} vs {reference.variant.name}: {'; '.join(contrasts) or 'none'}"


def _state(
    plan: Plan, finished: Mapping[str, frozenset[str]]
) -> tuple[set[str], set[str], dict[str, Description]]:
    """Return the runs with a result, those of them from other code, and those without.

    Args:
        finished: run -> digests of the code that trained or adopted it.
    """
    from bench.plan.digest import code_digest

    runs = {run: description for run, (description, _) in plan.runs().items()}
    done = {run for run in runs if run in finished}
    stale = {run for run in done if code_digest(runs[run]) not in finished[run]}
    return done, stale, {run: description for run, description in runs.items() if run not in done}
