"""Choose the stored runs that a verb works on: by id, or by ablation, environment and seed."""

from __future__ import annotations

import difflib
import shlex
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import InputError, unknown
from bench.formatting import count
from bench.terminal.console import shown

if TYPE_CHECKING:
    import pandas as pd

    from bench.plan.identity import Description
    from bench.store import Store

NEAREST = 5

OnlyAblation = Annotated[str | None, typer.Option("--ablation", help="Only runs of this ablation.")]
OnlyVariants = Annotated[
    list[str] | None, typer.Option("--variant", help="Only this variant's runs, repeatable.")
]
OnlyEnvironments = Annotated[
    list[str] | None, typer.Option("--env", help="Only runs in this environment, repeatable.")
]
OnlySeeds = Annotated[str | None, typer.Option("--seeds", help="Only runs of these seeds.")]
Imports = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        metavar="MODULE",
        help="Allow importing this module of your own if the runs name it, repeatable.",
    ),
]


def name_and_modules(
    ablation: str | None, modules: Iterable[str] | None, environments: Iterable[str] | None = None
) -> tuple[str | None, set[str]]:
    """Return the name under which an ablation is stored, and the modules that may be imported.

    These are `modules`, and the modules of `environments` and of a user's own ablation file.

    Args:
        ablation: a name, or the path of a .py file; modules: as `Imports`; environments: ids.

    Raises:
        InputError: the ablation's file can't be used.
    """
    names = [*(environments or ())]
    if ablation is not None and ablation.endswith(".py"):
        from bench.plan.lookup import load_ablation

        declared = load_ablation(ablation)
        ablation = declared.name
        names += [*declared.environments, *(variant.algorithm for variant in declared.variants)]
    return ablation, {*(modules or ()), *map(_module, names)}


def runs_of(store: Store, ablation: str | None, variants: list[str] | None = None) -> pd.DataFrame:
    """Return the store's runs, or those of an ablation (by its name) or some of its variants."""
    runs = store.runs()
    if ablation is None:
        if variants:
            raise InputError("--variant goes with --ablation, whose variants they are")
        return runs
    plan = store.plan(ablation)
    for name in variants or ():
        if name not in set(plan["variant"]):
            raise unknown(f"variant of {ablation}", name, plan["variant"].unique())
    if variants:
        plan = plan[plan["variant"].isin(variants)]
    return runs[runs["description"].isin(plan["description"])]


def runs_named(table: pd.DataFrame, texts: Iterable[str], store: Store) -> pd.DataFrame:
    """Return the runs whose ids begin with these texts, one run per text.

    Raises:
        InputError: a text begins no id or several, or a run wasn't trained here or has no result.
    """
    from bench.store.schema import IMPORTED, PRUNED, RESULTS

    ids = table["run"].tolist()
    selected = []
    for text in texts:
        matches = [run for run in ids if run.startswith(text)]
        if not matches:
            nearest = difflib.get_close_matches(text, ids, n=NEAREST, cutoff=0.0)
            remainder = [f"{len(ids) - NEAREST:,} others"] if len(ids) > NEAREST else []
            message = str(unknown(f"run in {shown(store.path)}", text, [*nearest, *remainder]))
            raise InputError("; ".join([message, *store.problems]))
        if len(matches) > 1:
            examples = ", ".join([*matches[:NEAREST], *["…"] * (len(matches) > NEAREST)])
            raise InputError(f"run {text!r} is not one run: {examples} begin with it")
        selected += matches
    chosen = table[table["run"].isin(selected)]
    for run in chosen[~chosen["status"].isin(RESULTS)].itertuples():
        outcome = "was pruned" if run.status == PRUNED else "failed"
        raise InputError(f"run {run.run} {outcome}, so there is no result of it: {run.reason}")
    for run in chosen[chosen["back_end"] == IMPORTED].itertuples():
        raise InputError(
            f"run {run.run} was imported, not trained here: there is no policy of it, and nothing "
            "to train again"
        )
    return chosen


def importable(table: pd.DataFrame, modules: Collection[str], store: Store) -> pd.DataFrame:
    """Return the runs that name no foreign module, or only modules in `modules`.

    Using a run imports the `module:NAME` of its algorithm and its environment. Results may come
    from anywhere, and importing runs code, so the user has to allow it. The runs that are left out
    are reported among the store's problems.

    Raises:
        InputError: all runs are left out.
    """
    blocked = {
        run.run: next((module for module in _modules(run) if module not in modules), None)
        for run in table.itertuples()
    }
    reasons = [
        f"{count(number, 'run')} left out: the results name the module {module!r}, and no module "
        f"is imported unless you ask for it, with --import {shlex.quote(module)}"
        for module, number in Counter(filter(None, blocked.values())).items()
    ]
    usable = table[table["run"].map(blocked).isna()]
    if reasons and usable.empty:
        raise InputError("; ".join(reasons))
    store.problems += reasons
    return usable


def _modules(run: pd.Series) -> list[str]:
    """Return the modules that using a run imports."""
    return [module for module in map(_module, (run.algorithm, run.environment)) if module]


def _module(name: str) -> str:
    """The module of an algorithm's or environment's address; "" for one without."""
    return name.rpartition(":")[0]


def not_played_because(run: pd.Series) -> str | None:
    """Return why a run's policy is not played, if its training diverged; else None."""
    if run.status != "diverged":
        return None
    return (
        f"its training diverged after {run.diverged_at:,.0f} steps, so its policy is not played: "
        f"{run.reason}"
    )


def description_of(run: pd.Series) -> Description:
    """Parse the description of a stored run, check that it hashes to the run's id, and complete it.

    Raises:
        InputError: the description is unusable or not the run's, or its algorithm is gone.
    """
    from bench.plan.identity import Description
    from bench.plan.lookup import load_algorithm, values_as_before
    from bench.plan.registry import canonical_algorithm

    try:
        description = Description.from_canonical(run.canonical)
    except ValueError as error:
        raise InputError(f"run {run.run} has no usable description: {error}") from error
    if description.run(int(run.seed)) != run.run:
        raise InputError(f"run {run.run} is not the run that its description and seed name")
    # `importable` has checked the names that the row has.
    names = canonical_algorithm(description.algorithm), description.environment
    if names != (run.algorithm, run.environment):
        raise InputError(f"run {run.run} is stored under names that its description doesn't have")
    return description.completed(values_as_before(load_algorithm(description.algorithm)))


def policies(
    results: Path | None,
    runs: list[str] | None,
    ablation: str | None,
    variants: list[str] | None,
    environments: list[str] | None,
    seeds: str | None,
    modules: list[str] | None,
) -> tuple[Store, pd.DataFrame]:
    """Return the store and the chosen runs with a saved policy, one or more.

    Without a folder, the store is the first of results/local and results/published that has any.
    `modules` may be imported; so may the module of an environment that is given by its address.

    Raises:
        InputError: there is no such run.
    """
    from bench.store import Store, result_folders

    refusals = []
    name, allowed = name_and_modules(ablation, modules, environments)
    for folder in result_folders(results):
        store = Store(folder)
        try:
            chosen = _policies(store, runs, name, variants, environments, seeds)
            return store, importable(chosen, allowed, store)
        except InputError as error:
            refusals.append(error)
    raise refusals[0]


def _policies(
    store: Store,
    runs: list[str] | None,
    ablation: str | None,
    variants: list[str] | None,
    environments: list[str] | None,
    seeds: str | None,
) -> pd.DataFrame:
    from bench.plan.parsing import parse_seeds
    from bench.store.schema import IMPORTED, RESULTS

    table = runs_of(store, ablation, variants)
    table = runs_named(table, runs, store) if runs else table[table["status"].isin(RESULTS)]
    for column, values in (
        ("environment", environments),
        ("seed", None if seeds is None else parse_seeds(seeds)),
    ):
        for value in values or ():
            if value not in set(table[column]):
                present = sorted(map(str, table[column].unique()))
                raise unknown(f"{column} among these runs", str(value), present)
        if values:
            table = table[table[column].isin(values)]
    if len(table) and (table["back_end"] == IMPORTED).all():
        raise InputError(
            f"all of these runs in {shown(store.path)} were imported, not trained here: "
            "there is no policy of them"
        )
    saved = table["run"].isin(store.policies())
    if not saved.any():
        named_runs = f" of run {runs[0]}" if runs and len(runs) == 1 else ""
        raise InputError(
            f"no policy{named_runs} is kept in {shown(store.path)}; training a run keeps its policy"
        )
    return _in_order(table[saved], store, runs, ablation)


def _in_order(
    table: pd.DataFrame, store: Store, runs: list[str] | None, ablation: str | None
) -> pd.DataFrame:
    """Sort runs by environment, then as they were named or as the ablation lists its variants.

    The column `title` is added: what the ablation, or else the first that has it, calls a run's
    variant; a run of no ablation is called by its algorithm.
    """
    plan = store.plans().to_pandas() if ablation is None else store.plan(ablation)
    if runs:
        positions = [[run.startswith(text) for text in runs].index(True) for run in table["run"]]
    elif ablation is not None:
        places = {description: index for index, description in enumerate(plan["description"])}
        positions = [places[description] for description in table["description"]]
    else:
        positions = [*table["algorithm"]]
    names = plan["variant_title"].fillna(plan["variant"])
    # Of a variant's titles in several ablations, the first one stays.
    titles = dict(zip(plan["description"][::-1], names[::-1], strict=True))
    cells = zip(table["description"], table["algorithm"], strict=True)
    titled = table.assign(place=positions, title=[titles.get(*cell) for cell in cells])
    return titled.sort_values(["environment", "place", "seed"]).drop(columns="place")
