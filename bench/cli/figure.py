"""`figure`: an ablation's learning curves, from results that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import AblationOption, ResultsOption
from bench.cli.words import shown


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
) -> None:
    """Draw an ablation's learning curves: your results if there are some, else the published."""
    from bench.evidence.figures.learning_curves import learning_curves
    from bench.evidence.figures.output import check_output, save
    from bench.store import LOCAL, load

    if output is not None:
        check_output(output)
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
    for line in (*view.mixed, *view.problems):
        print(line)
