"""`figure`: an ablation's learning curves, from results that are there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import AblationOption, ResultsOption
from bench.cli.words import shown
from bench.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from bench.store import View


def figure(
    ablation: AblationOption,
    results: ResultsOption = None,
    x: Annotated[str, typer.Option("--x", help="steps or seconds.")] = "steps",
    statistic: Annotated[str, typer.Option("--statistic", help="iqm or mean.")] = "iqm",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="A .png, .pdf or .svg file.",
            show_default="figures/ABLATION.png in your results folder",
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="A .md file: writes the tables too, as Markdown.")
    ] = None,
) -> None:
    """Draw an ablation's learning curves: your results if there are some, else the published."""
    from bench.evidence.figures.learning_curves import learning_curves
    from bench.evidence.figures.output import check_output, save
    from bench.store import LOCAL, load

    if output is not None:
        check_output(output)
    if table is not None and table.suffix.lower() != ".md":
        raise InputError(f"cannot write tables as {str(table)!r}: its name must end in .md")
    name = ablation
    if ablation.endswith(".py"):
        from bench.plan.lookup import load_ablation

        name = load_ablation(ablation).name
    view = load(name, results)
    control = str(view.plan["control"].iloc[0])
    drawn = learning_curves(
        view.runs,
        view.episodes,
        view.updates,
        title=str(view.plan["question"].iloc[0]),
        source=shown(view.source),
        control=control if control in set(view.runs["variant"]) else None,
        x=x,  # type: ignore[arg-type]  # checked, with a clear error, where it is used
        statistic=statistic,  # type: ignore[arg-type]
    )
    path = output or (results or LOCAL) / "figures" / f"{name}{'' if x == 'steps' else '_' + x}.png"
    print(f"Drawn from {shown(view.source)}: {shown(save(drawn, path))}")
    if table is not None:
        _write_tables(view, table)
        print(f"Tables: {shown(table)}")
    for line in (*_of_other_code(view.runs), *view.mixed, *view.problems):
        print(line)


def _write_tables(view: View, path: Path) -> None:
    from bench.evidence.scores import score_runs
    from bench.evidence.table import make_tables
    from bench.evidence.verdicts import judge_plan

    scores = score_runs(view.runs, view.episodes, view.updates)
    verdicts, notes = judge_plan(view.plan, scores)
    title, question = (str(view.plan[column].iloc[0]) for column in ("title", "question"))
    parts = [f"## {title}\n\n{question}\n"]
    parts += [table.markdown() for table in make_tables(scores, verdicts)]
    parts += [f"* {note}\n" for note in (*notes, *view.mixed)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(parts), encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot write the tables {str(path)!r}: {reason}") from error


def _of_other_code(runs: pd.DataFrame) -> Iterator[str]:
    """A line where results are of other code; code that is no longer there is passed over."""
    from algorithms import ALGORITHMS
    from bench.plan.digest import code_digest
    from bench.store.schema import RESULTS

    known = runs[runs["status"].isin(RESULTS) & runs["algorithm"].isin(ALGORITHMS)]
    same = []
    for run in known.drop_duplicates("run").itertuples():
        with suppress(FileNotFoundError):  # a back end that is no longer there
            same.append(run.digest == code_digest(run))
    if not all(same):
        number = f"{same.count(False)} of {len(same)}"
        yield f"{number} runs come from other code than this tree's"
