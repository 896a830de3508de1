"""`import`: learning curves made elsewhere, beside an ablation's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import ResultsOption
from bench.errors import InputError, unknown
from bench.formatting import command_line, count, seed_ranges
from bench.kinds import EPISODES, EVALUATIONS, MEANS, ROWS
from bench.requests.plan_request import stored_name
from bench.terminal.console import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.importing import Adopted, Curve, Place
    from bench.store import Store

KINDS = {"episodes": EPISODES, "evaluations": EVALUATIONS, "means": MEANS}


def import_(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…",
            help="One run per seed: its folder, or one file (monitor.csv, evaluations.npz, "
            "progress.csv, TensorBoard's, any CSV), or a wildcard in quotes.",
        ),
    ],
    algorithm: Annotated[
        str, typer.Option("--algorithm", help="A name of your own for what made the curves.")
    ],
    environment: Annotated[str, typer.Option("--env", help="Environment id.")],
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds",
            help="Seeds of the files, in their order, like 0-9.",
            show_default="0, 1, 2 …",
        ),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            "--steps",
            help="Environment steps per run, like 200k; later points are left out.",
            show_default="up to its last point",
        ),
    ] = None,
    ablation: Annotated[
        str | None,
        typer.Option(
            "--ablation",
            help="Ablation to compare the curves with: its name, or the path of your own .py file.",
            show_default="a new one of that algorithm's name",
        ),
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option(
            "--variant",
            help="Name of the variant that the curves become.",
            show_default="as --algorithm",
        ),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option("--tag", help="TensorBoard tag to read.", show_default="a known one"),
    ] = None,
    step_column: Annotated[
        str | None,
        typer.Option(
            "--step-column",
            help="Column of a table with the environment steps.",
            show_default="a known one",
        ),
    ] = None,
    return_column: Annotated[
        str | None,
        typer.Option(
            "--return-column",
            help="Column of a table with the returns.",
            show_default="a known one",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="COLUMN=VALUE",
            help="Read only the rows of a table with this value, repeatable.",
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help=f"Kind of returns, if the file doesn't say: {', '.join(KINDS)}.",
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace other curves that are stored for these seeds."),
    ] = False,
    results: ResultsOption = None,
) -> None:
    """Read learning curves made elsewhere into the results, marked as imported."""
    from bench.importing import Choice, Place, adopt, read_curves
    from bench.plan.parsing import parse_seeds_in_order, parse_steps
    from bench.store import Store, results_folder

    parsed_seeds = parse_seeds_in_order(seeds) if seeds is not None else None
    budget = parse_steps(steps) if steps is not None else None
    store = Store(results or results_folder())
    name = _own_name(algorithm) if ablation is None else stored_name(ablation)
    place = Place(
        ablation=name,
        variant=variant or algorithm,
        algorithm=algorithm,
        environment=environment,
    )
    page = _page(store, place, ablation)
    if kind is not None and kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    choice = Choice(
        tag=tag,
        step_column=step_column,
        return_column=return_column,
        where=dict(map(_condition, where or ())),
        kind=None if kind is None else KINDS[kind],
        environment=environment,
    )
    curves = read_curves(files, choice=choice, seeds=parsed_seeds)
    adopted = adopt(curves, store, place, page, steps=budget, replace=replace)
    _print_outcome(place, curves, adopted, store)
    print(f"Results: {shown(store.path)}")
    print(f"Figure: {command_line('figure', '--ablation', name, results=results)}")
    for problem in store.problems:
        print(problem)


def _condition(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not column or not equals:
        raise InputError(f"--where {text!r} is not understood; it is COLUMN=VALUE")
    return column, value.strip()


def _own_name(algorithm: str) -> str:
    """Return the name of the new ablation for an algorithm that joins no existing one."""
    from ablations import ABLATIONS

    return f"algorithm-{algorithm}" if algorithm in ABLATIONS else algorithm


def _page(store: Store, place: Place, ablation: str | None) -> dict[str, object]:
    """Return title, question and control of the ablation, for a store without a plan of it.

    Raises:
        InputError: there is no such ablation, or it is not about the environment.
    """
    from ablations import ABLATIONS
    from bench.plan.lookup import load_ablation

    if ablation is None:
        title = place.algorithm.replace("_", " ")
        question = f"What does {title} reach?"
        return {"title": title, "question": question, "control": place.variant}
    planned = store.plans().select(["ablation", "environment"]).to_pylist()
    environments = [row["environment"] for row in planned if row["ablation"] == place.ablation]
    page: dict[str, object] = {}
    if ablation.endswith(".py") or place.ablation in ABLATIONS:
        declared = load_ablation(ablation)
        environments += declared.environments
        page = {key: getattr(declared, key) for key in ("title", "question", "control")}
    elif not environments:
        stored = sorted({row["ablation"] for row in planned} - set(ABLATIONS))
        raise unknown("ablation", ablation, (*ABLATIONS, *stored, "the path of a .py file"))
    if place.environment not in environments:
        raise unknown(
            f"environment of {place.ablation}", place.environment, dict.fromkeys(environments)
        )
    return page


def _print_outcome(place: Place, curves: Sequence[Curve], adopted: Adopted, store: Store) -> None:
    """Print a line per run, and how many were imported, replaced or unchanged."""
    from bench.evidence.measures.scores import score_runs
    from bench.evidence.verdicts import return_text
    from bench.importing.quoting import listed
    from bench.store import PUBLISHED, Store, load
    from bench.store.schema import IMPORTED

    view = load(place.ablation, store.path)
    runs = view.runs[view.runs["description"] == place.description]
    scores = score_runs(runs, view.episodes[view.episodes["run"].isin(runs["run"])])
    scores = scores.set_index("seed").join(runs.set_index("seed")[["steps", "episodes"]])
    for curve in curves:
        row = scores.loc[curve.seed]
        rows = count(int(row["episodes"]), ROWS[curve.kind])
        print(
            f"seed {curve.seed}: {int(row['steps']):,} steps, {rows}, "
            f"final return {return_text(float(row['score']))}  ({curve.name})"
        )
        if curve.beside:
            print(f"seed {curve.seed}: not read, beside it: {listed(curve.beside)}")
    for seed, reason in adopted.reasons.items():
        print(f"seed {seed}: {reason}")
    parts = [
        f"{count(len(seeds), 'run')} {outcome} (seeds {seed_ranges(seeds)})"
        for seeds, outcome in (
            (adopted.added, "imported"),
            (adopted.replaced, "replaced"),
            (adopted.same, "already there, unchanged"),
        )
        if seeds
    ]
    mean = float(scores.loc[[curve.seed for curve in curves], "score"].mean())
    print(
        f"{place.variant} in {place.environment}: {', '.join(parts)}; mean final return "
        f"{return_text(mean)} (last 10% of the steps)."
    )
    if set(view.runs["back_end"]) == {IMPORTED} and store.path.resolve() != PUBLISHED:
        published = Store(PUBLISHED)
        if place.ablation in published.plans()["ablation"].to_pylist():
            print(
                f"To compare with the published runs of {place.ablation}: "
                + command_line("merge", shown(PUBLISHED), "--into", shown(store.path))
            )
