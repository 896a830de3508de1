"""The options that several verbs share, and the plan that they ask for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import InputError, unknown

if TYPE_CHECKING:
    from bench.plan.plan import Plan

DEVICES = ("auto", "cpu", "cuda")

AblationOption = Annotated[
    str, typer.Option("--ablation", help="An ablation's name, or the path of your own .py file.")
]
SeedsOption = Annotated[
    str | None, typer.Option("--seeds", help="Like 0-9 or 0,3,5-7.", show_default="the ablation's")
]
StepsOption = Annotated[
    str | None,
    typer.Option("--steps", help="Steps of a run, like 200k.", show_default="the ablation's"),
]
EnvironmentsOption = Annotated[
    list[str] | None,
    typer.Option("--env", help="Environment id, repeatable.", show_default="the ablation's"),
]
VariantsOption = Annotated[
    list[str] | None,
    typer.Option("--variant", help="Variant, repeatable.", show_default="all"),
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="FIELD=VALUE", help="A hyperparameter for all variants, repeatable."
    ),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
ResultsOption = Annotated[
    Path | None, typer.Option("--results", help="A results folder.", show_default="results/local")
]


def stored_name(ablation: str) -> str:
    """The name under which the ablation of an `AblationOption` is stored."""
    if not ablation.endswith(".py"):
        return ablation
    from bench.plan.lookup import load_ablation

    return load_ablation(ablation).name


def requested_plan(
    ablation: str,
    *,
    seeds: str | None = None,
    steps: str | None = None,
    environments: list[str] | None = None,
    variants: list[str] | None = None,
    settings: list[str] | None = None,
    device: str = "auto",
) -> Plan:
    """The plan that the options ask for, everything about it checked.

    Raises:
        InputError: one of them isn't known or allowed, or they contradict.
    """
    from bench.plan.lookup import load_ablation
    from bench.plan.parsing import parse_seeds, parse_settings, parse_steps

    # What is quick to refuse is refused before torch is imported, which takes seconds.
    parsed_seeds = parse_seeds(seeds) if seeds is not None else None
    parsed_steps = parse_steps(steps) if steps is not None else None
    parsed_settings = parse_settings(settings or [])
    if device not in DEVICES:
        raise unknown("device", device, DEVICES)
    asked = load_ablation(ablation)

    from bench.plan.lookup import load_algorithm
    from bench.plan.plan import make_plan
    from bench.train.environments import describe
    from bench.train.environments.device_choice import back_end_on, told
    from bench.train.trainer import validate

    for environment in dict.fromkeys(environments or asked.environments):
        try:
            describe(environment)
        except InputError:
            raise
        except Exception as error:  # whatever a user's own environment module may raise
            said = "; ".join([str(error), *getattr(error, "__notes__", [])])
            raise InputError(
                f"environment {environment!r} can't be made: {type(error).__name__}: {said}"
            ) from error
    resolved = resolved_device(device)
    plan = make_plan(
        asked,
        back_end_of=partial(back_end_on, resolved),
        seeds=parsed_seeds,
        steps=parsed_steps,
        environments=environments,
        variants=variants,
        settings=parsed_settings,
        device=resolved,
    )
    chosen = dict.fromkeys(cell.environment for cell in plan.cells)
    notes = filter(None, (told(resolved, environment) for environment in chosen))
    plan = replace(plan, notes=(*plan.notes, *notes))
    for cell in plan.cells:
        algorithm = load_algorithm(cell.description.algorithm)
        try:
            validate(algorithm.hyperparameters(**cell.description.hyperparameters))
        except InputError as error:
            raise InputError(f"variant {cell.variant.name!r}: {error}") from error
    return plan


def resolved_device(device: str) -> str:
    """What "auto" is on this machine; InputError for a GPU that isn't there."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device 'cuda' is not available: torch finds no GPU. Allowed: auto, cpu")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
